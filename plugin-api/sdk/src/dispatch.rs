//! From a command of the host to its handler and back.

use crate::commands::Handler;
use crate::export::command::RawCommand;
use crate::export::guard::guard;
use crate::{Call, Command, Commands, Failure, Host, Pending, Plugin, Status};
use jackfield_plugin_api::{JF_PENDING, jf_status};

/// What `create` makes.
pub(crate) struct Instance<P> {
    pub plugin: P,
    pub host: Host,
    commands: Commands<P>,
}

impl<P: Plugin> Instance<P> {
    pub fn new(plugin: P, host: Host) -> Self {
        Self { plugin, host, commands: Commands::of() }
    }

    /// Does a command; what the C function `handle` returns. Never unwinds.
    pub fn handle(&self, raw: RawCommand) -> jf_status {
        let token = raw.token();
        match guard(|| self.dispatch(raw)) {
            Ok(status) => status,
            Err(text) => {
                self.host.error(format_args!("a handler panicked: {text}"));
                let failure = Failure::new(Status::Panic, format!("The plugin '{}' panicked: {text}", P::INFO.id));
                self.host.table().answer(token, Err(failure), Vec::new());
                Status::Panic.raw()
            }
        }
    }

    fn dispatch(&self, raw: RawCommand) -> jf_status {
        match self.commands.find(raw.key()) {
            Some(Handler::Now(handler)) => {
                let call = Call::new(Command::new(&raw, &self.host));
                let json = handler(&self.plugin, &call, raw.params());
                self.host.table().answer(raw.token(), json, call.into_parts())
            }
            Some(Handler::Later(handler)) => {
                let pending = Pending::new(raw, self.host.clone());
                if let Err(text) = guard(|| handler(&self.plugin, pending)) {
                    // Answered for by the `Pending`, while it was unwound or where it was handed on to.
                    self.host.error(format_args!("a handler panicked: {text}"));
                }
                JF_PENDING
            }
            None => {
                let text = format!("The plugin '{}' has no command '{}'.", P::INFO.id, raw.key());
                self.host.table().answer(raw.token(), Err(Failure::new(Status::UnknownKey, text)), Vec::new())
            }
        }
    }
}
