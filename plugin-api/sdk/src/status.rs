//! The fixed list of ways in which something can fail.

use jackfield_plugin_api as abi;
use std::fmt;

macro_rules! statuses {
    ($($(#[$doc:meta])* $variant:ident = $raw:ident, $text:literal;)+) => {
        /// How a command or a call of the host failed. The numbers are those of `types.h`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Status { $($(#[$doc])* $variant),+ }

        impl Status {
            /// The number in `types.h`.
            pub const fn raw(self) -> i32 {
                match self { $(Self::$variant => abi::$raw),+ }
            }

            /// `Ok` for 0 and above, the error otherwise; a number that is not in the list is [`Status::Internal`].
            pub const fn check(raw: i32) -> Result<(), Self> {
                match raw {
                    0.. => Ok(()),
                    $(abi::$raw => Err(Self::$variant),)+
                    _ => Err(Self::Internal),
                }
            }
        }

        impl fmt::Display for Status {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(match self { $(Self::$variant => $text),+ })
            }
        }
    };
}

statuses! {
    /// An argument is not usable.
    Invalid = JF_E_INVALID, "invalid argument";
    /// The command could not be done; the usual choice of a plugin.
    Failed = JF_E_FAILED, "failed";
    /// The command's params are missing something or have a wrong type.
    InvalidParams = JF_E_INVALID_PARAMS, "invalid params";
    /// No such command.
    UnknownKey = JF_E_UNKNOWN_KEY, "unknown key";
    /// A queue is full; the same may succeed later.
    Busy = JF_E_BUSY, "busy";
    /// Given up because the caller asked for it.
    Cancelled = JF_E_CANCELLED, "cancelled";
    /// The time limit has passed.
    Deadline = JF_E_DEADLINE, "deadline passed";
    /// Larger than a limit of the host.
    TooLarge = JF_E_TOO_LARGE, "too large";
    /// The token or handle is finished or unknown.
    Stale = JF_E_STALE, "stale";
    /// Not allowed in this state.
    WrongState = JF_E_WRONG_STATE, "not allowed in this state";
    /// Not allowed on this thread, such as the store from within an INLINE command.
    WrongThread = JF_E_WRONG_THREAD, "not allowed on this thread";
    /// The service is not there.
    NoService = JF_E_NO_SERVICE, "no such service";
    /// Made for another version.
    Version = JF_E_VERSION, "other version";
    /// The saved state cannot be taken over.
    State = JF_E_STATE, "state cannot be taken over";
    /// A panic was stopped at the edge of the plugin.
    Panic = JF_E_PANIC, "panicked";
    /// A fault of the side that answers.
    Internal = JF_E_INTERNAL, "internal error";
    /// The host is stopping.
    ShuttingDown = JF_E_SHUTTING_DOWN, "shutting down";
    /// No such document, blob or thing.
    NotFound = JF_E_NOT_FOUND, "not found";
    /// The call would wait for itself.
    Cycle = JF_E_CYCLE, "would wait for itself";
    /// What is needed is not there now: a device, a disk, a connection.
    Unavailable = JF_E_UNAVAILABLE, "unavailable";
    /// Nobody knows whether the command took effect.
    OutcomeUnknown = JF_E_OUTCOME_UNKNOWN, "outcome unknown";
    /// The plugin that would have answered was unloaded.
    PluginGone = JF_E_PLUGIN_GONE, "plugin gone";
    /// The plugin's process ended under the command.
    PluginCrashed = JF_E_PLUGIN_CRASHED, "plugin crashed";
    /// The caller may not do this.
    Forbidden = JF_E_FORBIDDEN, "forbidden";
    /// The caller is not known.
    Unauthenticated = JF_E_UNAUTHENTICATED, "unauthenticated";
}
