//! Who a plugin is and how it lives.

use crate::{Abilities, Commands, Host, Token};
use jackfield_plugin_api as abi;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Why a plugin could not be made, started, saved or restored: a text for the operator. Any error type or text becomes one with `?` or
/// `.into()`.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A plugin. One instance is made of each generation; its commands may run on several threads (see [`Commands`]), hence
/// `Send + Sync`.
///
/// Order: [`commands`](Self::commands), [`INFO`](Self::INFO) and [`ABILITIES`](Self::ABILITIES) are read when the library
/// is loaded; then `new`, `start`, commands and `cancel`, `stop`, and either `start` again or drop. A [`Stateful`] plugin
/// restores between `new` and `start`, and saves after `stop`. All but the commands run on one control thread.
///
/// [`Stateful`]: crate::Stateful
pub trait Plugin: Send + Sync + Sized + 'static {
    /// The operator's settings for this plugin, made from a JSON object (`{}` where none were given). [`NoConfig`] where
    /// there are none to make.
    type Config: DeserializeOwned;

    /// Who this is.
    const INFO: Info;

    /// What it can do beyond its commands; nothing unless told.
    const ABILITIES: Abilities<Self> = Abilities::new();

    /// Makes the instance. Takes nothing exclusive (ports, cameras, threads): that is for [`start`](Self::start), because
    /// the older version may still be at work. Here `host` can log and reach services.
    fn new(host: Host, config: Self::Config) -> Result<Self, Error>;

    /// Names the commands. Called several times, always with the same outcome; depends on nothing outside.
    fn commands(commands: &mut Commands<Self>);

    /// Takes what is exclusive. Called after `new`, and again after a `stop`.
    fn start(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Gives up what `start` took; all threads that the plugin made end here.
    fn stop(&self) {}

    /// A command should be given up; it is still to be answered, by its handler. May overlap handlers. Most plugins ask
    /// [`Command::is_cancelled`](crate::Command::is_cancelled) instead.
    fn cancel(&self, token: Token) {
        let _ = token;
    }

    /// Something was published on a topic of [`Info::topics`]. `data` is one JSON text; `dropped` events before it were lost,
    /// because they came faster than this returned. May overlap handlers. Each event is given to one version of the plugin,
    /// also while versions change.
    fn event(&self, topic: &str, data: &str, dropped: u64) {
        let _ = (topic, data, dropped);
    }
}

/// The configuration of a plugin that has none: refuses every setting by name.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Who a plugin is. Made in a `const`:
/// `Info::new("camera", "Camera", env!("CARGO_PKG_VERSION")).license("MIT").exclusive()`.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) license: &'static str,
    pub(crate) build: &'static str,
    pub(crate) flags: u32,
    pub(crate) topics: &'static [&'static str],
}

impl Info {
    /// `id` is the stable identity: 1 to 64 of a-z, 0-9, `-`, `_`, `.`; `name` is for people; `version` such as "1.2.0".
    pub const fn new(id: &'static str, name: &'static str, version: &'static str) -> Self {
        Self { id, name, version, license: "", build: "", flags: 0, topics: &[] }
    }

    /// SPDX expression.
    #[must_use]
    pub const fn license(mut self, license: &'static str) -> Self {
        self.license = license;
        self
    }

    /// Anything that tells builds of one version apart.
    #[must_use]
    pub const fn build(mut self, build: &'static str) -> Self {
        self.build = build;
        self
    }

    /// The library is never unloaded from the process; a new version is loaded beside it.
    #[must_use]
    pub const fn pinned(mut self) -> Self {
        self.flags |= abi::JF_PLUGIN_PINNED;
        self
    }

    /// The old version must have stopped before the new one starts (one port, one camera).
    #[must_use]
    pub const fn exclusive(mut self) -> Self {
        self.flags |= abi::JF_PLUGIN_EXCLUSIVE;
        self
    }

    /// Topic patterns to subscribe to: `*` is one part, `**` the rest. Their events come to [`Plugin::event`].
    #[must_use]
    pub const fn topics(mut self, topics: &'static [&'static str]) -> Self {
        self.topics = topics;
        self
    }
}
