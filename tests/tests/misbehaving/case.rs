//! What a case says: the plugin, what it does wrong, and what must come of it.

use super::stage::Stage;

/// One misbehaviour, and the promise about it.
pub struct Case {
    /// What the plugin does, in words: the name of the case.
    pub does: &'static str,
    /// The plugin.
    pub source: Source,
    /// More lines of the server's configuration.
    pub config: &'static str,
    /// What must come of it.
    pub promise: Promise,
}

/// Where a plugin is from.
#[derive(Clone, Copy)]
pub enum Source {
    /// A file of `tests/misbehaving/`, and what is defined for it.
    C(&'static str, &'static [&'static str]),
    /// The crate `tests/misbehaving/panics`, which panics there.
    Panics(&'static str),
}

/// What must come of it, beside what holds for every case (see [`Stage`]).
#[derive(Clone, Copy)]
pub enum Promise {
    /// It is refused at this step, with this in the reason, and the version before it goes on.
    Refused(&'static str, &'static str),
    /// It serves: a command is answered with this in the answer, so many misuses are counted, and these lines are logged.
    Serves(&'static str, u64, &'static [&'static str]),
    /// More than that.
    Scene(fn(&mut Stage)),
}

impl Case {
    pub const fn new(does: &'static str, source: Source, promise: Promise) -> Self {
        Self { does, source, config: "", promise }
    }

    pub const fn config(self, config: &'static str) -> Self {
        Self { config, ..self }
    }

    /// The plugin, for people.
    pub fn plugin(&self) -> String {
        match self.source {
            Source::C(file, _) => file.to_owned(),
            Source::Panics(_) => "panics (Rust)".to_owned(),
        }
    }
}
