use crate::ByteString;
use std::fmt;

/// Whose fault a failure is. Only `Engine` asks for a bug report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Culprit {
    /// Who sent the command.
    Caller,
    /// The plugin that answered, or should have.
    Plugin,
    /// Configuration, files, disks.
    Operator,
    /// Jackfield itself.
    Engine,
}

impl Culprit {
    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Plugin => "plugin",
            Self::Operator => "operator",
            Self::Engine => "engine",
        }
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $culprit:ident;)+) => {
        /// Every way in which a command can fail. The numbers are JSON-RPC's where it has one, and are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum ErrorCode { $($(#[$doc])* $variant = $number),+ }

        impl ErrorCode {
            /// All of them, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The stable number, as JSON-RPC's `code`.
            pub const fn number(self) -> i32 {
                self as i32
            }

            /// Whose fault it is unless the failure says otherwise.
            pub const fn culprit(self) -> Culprit {
                match self { $(Self::$variant => Culprit::$culprit),+ }
            }
        }
    };
}

error_codes! {
    /// Not JSON, or JSON outside the limits.
    Malformed = -32700, "MALFORMED", Caller;
    /// JSON, but no request.
    InvalidRequest = -32600, "INVALID_REQUEST", Caller;
    /// No such command.
    UnknownKey = -32601, "UNKNOWN_KEY", Caller;
    /// The params do not fit the command.
    InvalidParams = -32602, "INVALID_PARAMS", Caller;
    /// A fault of Jackfield.
    Internal = -32603, "INTERNAL", Engine;
    /// The caller is not known.
    Unauthenticated = -32001, "UNAUTHENTICATED", Caller;
    /// The caller may not do this.
    Forbidden = -32002, "FORBIDDEN", Caller;
    /// A queue is full; the same command may succeed later.
    Busy = -32003, "BUSY", Caller;
    /// Given up because the caller asked for it.
    Cancelled = -32004, "CANCELLED", Caller;
    /// Not answered in time.
    Deadline = -32005, "DEADLINE", Plugin;
    /// Larger than a limit.
    TooLarge = -32006, "TOO_LARGE", Caller;
    /// The plugin says no; its own code and data are with it.
    PluginFailed = -32010, "PLUGIN_FAILED", Plugin;
    /// A panic was stopped at the plugin's edge.
    PluginPanicked = -32011, "PLUGIN_PANICKED", Plugin;
    /// The plugin's process ended under the command.
    PluginCrashed = -32012, "PLUGIN_CRASHED", Plugin;
    /// The plugin was unloaded before the command was begun.
    PluginGone = -32013, "PLUGIN_GONE", Operator;
    /// Begun, and nobody knows how it ended.
    OutcomeUnknown = -32014, "OUTCOME_UNKNOWN", Plugin;
    /// The call would wait for itself.
    Cycle = -32015, "CYCLE", Plugin;
    /// What the command needs is not there now.
    Unavailable = -32016, "UNAVAILABLE", Operator;
    /// The server is stopping.
    ShuttingDown = -32017, "SHUTTING_DOWN", Operator;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Why a command failed, with all that a caller can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub code: ErrorCode,
    /// For people: what, where, which value, what would be valid. Plain clients get "Error: " and this.
    pub message: String,
    /// Whose fault.
    pub culprit: Culprit,
    /// The plugin concerned.
    pub plugin: Option<String>,
    /// Its generation.
    pub generation: Option<u64>,
    /// The plugin's own error number; 0: none.
    pub plugin_code: i64,
    /// The plugin's own details, one JSON text; empty: none.
    pub details: ByteString,
    /// Which of the params is wrong, where that is known.
    pub misfit: Option<Box<Misfit>>,
}

/// One place in params that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// JSON pointer into the params, such as "/focal_length"; empty: the params as a whole.
    pub path: String,
    /// What would be valid: a rule of the schema, such as `{"minimum": 0}`, or a few words.
    pub expected: serde_json::Value,
    /// What stands there, cut where it is long; `None`: nothing does.
    pub value: Option<serde_json::Value>,
}

impl Misfit {
    /// As members of an object.
    pub fn data(&self) -> serde_json::Map<String, serde_json::Value> {
        let path = ("path".to_owned(), self.path.as_str().into());
        let members = [path, ("expected".to_owned(), self.expected.clone())];
        members.into_iter().chain(self.value.clone().map(|value| ("value".to_owned(), value))).collect()
    }
}

impl Failure {
    /// A failure with the code's usual culprit.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            culprit: code.culprit(),
            plugin: None,
            generation: None,
            plugin_code: 0,
            details: ByteString::new(),
            misfit: None,
        }
    }

    /// Names the plugin and its generation.
    #[must_use]
    pub fn of_plugin(mut self, plugin: &str, generation: u64) -> Self {
        self.plugin = Some(plugin.to_owned());
        self.generation = Some(generation);
        self
    }

    /// Blames somebody else than the code's usual culprit.
    #[must_use]
    pub fn blame(mut self, culprit: Culprit) -> Self {
        self.culprit = culprit;
        self
    }

    /// The structured form that dialects with error objects send as `data`.
    pub fn data(&self) -> serde_json::Value {
        let mut data = serde_json::Map::new();
        data.insert("culprit".into(), self.culprit.as_str().into());
        if let Some(plugin) = &self.plugin {
            data.insert("plugin".into(), plugin.as_str().into());
        }
        if let Some(generation) = self.generation {
            data.insert("generation".into(), generation.into());
        }
        if self.plugin_code != 0 {
            data.insert("code".into(), self.plugin_code.into());
        }
        if let Some(misfit) = &self.misfit {
            data.extend(misfit.data());
        }
        if let Ok(details) = serde_json::from_str(&self.details) {
            data.insert("details".into(), details);
        }
        data.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_error_number_is_used_twice() {
        let numbers: HashSet<i32> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        let names: HashSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn data_names_culprit_plugin_and_details() {
        let mut failure = Failure::new(ErrorCode::PluginFailed, "no").of_plugin("image", 3);
        failure.plugin_code = 7;
        failure.details = r#"{"path": "a"}"#.into();
        assert_eq!(
            failure.data(),
            serde_json::json!({
                "culprit": "plugin", "plugin": "image", "generation": 3, "code": 7, "details": {"path": "a"}
            })
        );
    }

    #[test]
    fn data_says_which_param_is_wrong_and_what_would_be_right() {
        use serde_json::json;
        let mut failure = Failure::new(ErrorCode::InvalidParams, "no");
        let (path, expected) = ("/n".to_owned(), json!({"minimum": 0}));
        failure.misfit = Some(Box::new(Misfit { path, expected: expected.clone(), value: Some(json!(-1)) }));
        let data = json!({"culprit": "caller", "path": "/n", "expected": expected, "value": -1});
        assert_eq!(failure.data(), data);
        failure.misfit.as_mut().unwrap().value = None;
        assert_eq!(failure.data().get("value"), None);
    }
}
