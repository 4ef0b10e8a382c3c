//! What a plugin can do beyond its commands.

use crate::export::{state, thread};
use crate::{Error, Plugin, Stateful};
use jackfield_plugin_api as abi;
use std::marker::PhantomData;

/// What a plugin can do beyond its commands: [`Plugin::ABILITIES`]. What is told here is exported, and nothing else.
pub struct Abilities<P> {
    pub(crate) state: Option<&'static abi::jf_state_v1>,
    pub(crate) thread: Option<&'static abi::jf_thread_v1>,
    /// The tables are made for this type of plugin.
    plugin: PhantomData<fn(P)>,
}

impl<P: Plugin> Abilities<P> {
    /// None.
    pub const fn new() -> Self {
        Self { state: None, thread: None, plugin: PhantomData }
    }

    /// The state is handed over from version to version. Makes the plugin [`exclusive`](crate::Info::exclusive).
    #[must_use]
    pub const fn stateful(mut self) -> Self
    where
        P: Stateful,
    {
        self.state = Some(state::Exported::<P>::TABLE);
        self
    }

    /// `H` is told of each thread on which the plugin runs.
    #[must_use]
    pub const fn threads<H: ThreadHooks>(mut self) -> Self {
        self.thread = Some(thread::Exported::<H>::TABLE);
        self
    }

    /// The flags that go with them in the descriptor.
    pub(crate) const fn flags(&self) -> u32 {
        if self.state.is_some() { abi::JF_PLUGIN_STATEFUL } else { 0 }
    }
}

impl<P: Plugin> Default for Abilities<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// For runtimes that want to know their threads: attach a thread to a JVM, make a thread state of Python's. Other plugins
/// need no hooks.
///
/// The threads are the server's: a control thread, a serial thread, workers; each belongs to one version of the plugin.
/// Commands that are [`inline`](crate::Registration::inline) run on other threads, which the hooks are not told of.
pub trait ThreadHooks: 'static {
    /// The first call on a thread; on the control thread before [`Plugin::new`]. An error stands in the log and refuses
    /// this version of the plugin.
    fn enter() -> Result<(), Error>;

    /// The last call on a thread, where `enter` was fine; on the control thread after the plugin was dropped.
    fn leave() {}
}
