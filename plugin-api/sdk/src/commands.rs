//! The commands that a plugin takes, and how they are declared.

use crate::{Call, Failure, Pending, Plugin};
use jackfield_plugin_api as abi;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

type Now<P> = dyn for<'a> Fn(&P, &Call<'a>, &'a str) -> Result<Cow<'a, str>, Failure> + Send + Sync;
type Later<P> = dyn Fn(&P, Pending) + Send + Sync;

/// How a command is answered: before the handler returns, or through a [`Pending`].
pub(crate) enum Handler<P> {
    Now(Box<Now<P>>),
    Later(Box<Later<P>>),
}

/// Takes the declarations in [`Plugin::commands`].
///
/// Where a handler runs: [`serial`](Registration::serial) (the default) on the one serial thread,
/// [`concurrent`](Registration::concurrent) on several worker threads at once, [`inline`](Registration::inline) on the
/// thread that reads the client's socket.
pub struct Commands<P> {
    entries: Vec<(Registration, Handler<P>)>,
}

impl<P: Plugin> Commands<P> {
    /// All that `P` declares, sorted by key.
    pub(crate) fn of() -> Self {
        let mut commands = Self { entries: Vec::new() };
        P::commands(&mut commands);
        commands.entries.sort_by_key(|(registration, _)| registration.key);
        commands
    }

    pub(crate) fn registrations(&self) -> impl Iterator<Item = &Registration> {
        self.entries.iter().map(|(registration, _)| registration)
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Handler<P>> {
        // They are few, and most differ in length already: a search in their order would compare more.
        self.entries.iter().find(|(registration, _)| same(registration.key, key)).map(|(_, handler)| handler)
    }

    /// A command with typed params and result. Params that do not fit are answered with
    /// [`Status::InvalidParams`](crate::Status::InvalidParams) before the handler is called.
    ///
    /// `serde_json::value::RawValue` (boxed) is a fitting type on both sides for JSON that is only passed on.
    pub fn add<A, R>(
        &mut self,
        key: &'static str,
        handler: impl Fn(&P, &Call<'_>, A) -> Result<R, Failure> + Send + Sync + 'static,
    ) -> &mut Registration
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        self.add_raw(key, move |plugin, call, params| {
            to_json(&handler(plugin, call, from_json(call.key(), params)?)?).map(Cow::Owned)
        })
    }

    /// A command that reads and writes JSON texts itself. A result that is borrowed from the params costs no allocation.
    /// The result must be one JSON text.
    pub fn add_raw(
        &mut self,
        key: &'static str,
        handler: impl for<'a> Fn(&P, &Call<'a>, &'a str) -> Result<Cow<'a, str>, Failure> + Send + Sync + 'static,
    ) -> &mut Registration {
        self.push(key, Handler::Now(Box::new(handler)))
    }

    /// A command that is answered later, from any thread, through its [`Pending`]. Not for
    /// [`inline`](Registration::inline) commands.
    pub fn add_deferred<A: DeserializeOwned>(
        &mut self,
        key: &'static str,
        handler: impl Fn(&P, Pending, A) + Send + Sync + 'static,
    ) -> &mut Registration {
        let handler = move |plugin: &P, pending: Pending| {
            let command = pending.command();
            match from_json(command.key(), command.params()) {
                Ok(params) => handler(plugin, pending, params),
                Err(failure) => pending.reply::<()>(Err(failure)),
            }
        };
        self.push(key, Handler::Later(Box::new(handler)))
    }

    /// Gets every message that no key matches, whole, as params. One such plugin at most is served.
    pub fn catch_all<A, R>(
        &mut self,
        handler: impl Fn(&P, &Call<'_>, A) -> Result<R, Failure> + Send + Sync + 'static,
    ) -> &mut Registration
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        self.add("", handler).flag(abi::JF_COMMAND_CATCH_ALL)
    }

    fn push(&mut self, key: &'static str, handler: Handler<P>) -> &mut Registration {
        &mut self.entries.push_mut((Registration::new(key), handler)).0
    }
}

/// Whether two keys are the same, byte by byte: they are short, and a call to compare them costs more.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).all(|(one, other)| one == other)
}

fn from_json<A: DeserializeOwned>(key: &str, params: &str) -> Result<A, Failure> {
    serde_json::from_str(params).map_err(|error| Failure::invalid_params(format!("Params of '{key}': {error}.")))
}

/// `result` as a JSON text.
pub(crate) fn to_json(result: &(impl Serialize + ?Sized)) -> Result<String, Failure> {
    serde_json::to_string(result).map_err(|error| Failure::internal(format!("The result is no JSON: {error}.")))
}

/// One declared command; refines what [`Commands`] was told.
pub struct Registration {
    pub(crate) key: &'static str,
    pub(crate) class: u32,
    pub(crate) flags: u32,
    pub(crate) help: &'static str,
    pub(crate) params_schema: &'static str,
    pub(crate) result_schema: &'static str,
    pub(crate) order: &'static [&'static str],
    pub(crate) examples: Vec<&'static str>,
}

impl Registration {
    fn new(key: &'static str) -> Self {
        Self {
            key,
            class: abi::JF_SERIAL,
            flags: 0,
            help: "",
            params_schema: "",
            result_schema: "",
            order: &[],
            examples: Vec::new(),
        }
    }

    fn flag(&mut self, flag: u32) -> &mut Self {
        self.flags |= flag;
        self
    }

    /// Never at once with another serial command of this plugin. The default.
    pub fn serial(&mut self) -> &mut Self {
        self.class = abi::JF_SERIAL;
        self
    }

    /// On worker threads, any number at once.
    pub fn concurrent(&mut self) -> &mut Self {
        self.class = abi::JF_CONCURRENT;
        self
    }

    /// On the thread that reads the client's socket, on several of them at once: for short work that never blocks. The
    /// store is not reachable from there.
    pub fn inline(&mut self) -> &mut Self {
        self.class = abi::JF_INLINE;
        self
    }

    /// One line for people.
    pub fn help(&mut self, help: &'static str) -> &mut Self {
        self.help = help;
        self
    }

    /// JSON Schema of the params.
    pub fn params_schema(&mut self, schema: &'static str) -> &mut Self {
        self.params_schema = schema;
        self
    }

    /// JSON Schema of the result.
    pub fn result_schema(&mut self, schema: &'static str) -> &mut Self {
        self.result_schema = schema;
        self
    }

    /// Names of the params, for callers that give them by position.
    pub fn order(&mut self, names: &'static [&'static str]) -> &mut Self {
        self.order = names;
        self
    }

    /// Adds example params, one JSON text; [`Bench::run_examples`](crate::testing::Bench::run_examples) tries them.
    pub fn example(&mut self, params: &'static str) -> &mut Self {
        self.examples.push(params);
        self
    }

    /// Clients of dialects without structured results get the bare acknowledgement instead of the result.
    pub fn ack_only(&mut self) -> &mut Self {
        self.flag(abi::JF_COMMAND_ACK_ONLY)
    }

    /// Changes nothing.
    pub fn read_only(&mut self) -> &mut Self {
        self.flag(abi::JF_COMMAND_READ_ONLY)
    }

    /// Is cancelled when the session that sent it ends.
    pub fn cancel_on_disconnect(&mut self) -> &mut Self {
        self.flag(abi::JF_COMMAND_CANCEL_ON_DISCONNECT)
    }

    /// Doing it twice is the same as doing it once.
    pub fn idempotent(&mut self) -> &mut Self {
        self.flag(abi::JF_COMMAND_IDEMPOTENT)
    }
}
