//! What there is to say of the built-in commands, as plugins say it of theirs: by key.

use jackfield_plugin_api::{JF_COMMAND_IDEMPOTENT, JF_COMMAND_READ_ONLY};

/// One command.
pub(crate) struct About {
    pub key: &'static str,
    /// JF_COMMAND_*.
    pub flags: u32,
    pub help: &'static str,
    /// JSON Schema.
    pub params: &'static str,
    /// JSON Schema.
    pub result: &'static str,
    /// Names of the params, for callers that give them by position.
    pub order: &'static [&'static str],
    /// Params, each a JSON text.
    pub examples: &'static [&'static str],
}

/// What is said of `key`.
pub(crate) fn about(key: &str) -> Option<&'static About> {
    TABLE.iter().find(|about| about.key == key)
}

/// Names of the params of `key`, for callers that give them by position.
pub(crate) fn param_order(key: &str) -> &'static [&'static str] {
    about(key).map_or(&[], |about| about.order)
}

const READS: u32 = JF_COMMAND_READ_ONLY | JF_COMMAND_IDEMPOTENT;
const NOTHING: &str = r#"{"type": ["object", "null"]}"#;
const PLUGIN: &str = r#"{
    "type": "object", "required": ["plugin"],
    "properties": {"plugin": {"type": "string", "description": "Id of the plugin"}}
}"#;
const SERVES: &str = r#"{
    "type": "object", "required": ["plugin", "generation"],
    "properties": {
        "plugin": {"type": "string", "description": "Its id"},
        "generation": {"type": "integer", "description": "The generation that serves now"}
    }
}"#;

const TABLE: [About; 10] = [
    About {
        key: "jackfield.info",
        flags: READS,
        help: "Tells version, uptime, limits and how many plugins serve",
        params: NOTHING,
        result: r#"{
            "type": "object", "required": ["name", "version", "plugin_abi", "uptime_s", "plugins", "limits"],
            "properties": {
                "name": {"const": "jackfield"},
                "version": {"type": "string"},
                "plugin_abi": {"type": "string", "description": "MAJOR.MINOR"},
                "uptime_s": {"type": "integer"},
                "plugins": {"type": "integer", "description": "How many serve"},
                "limits": {"type": "object", "description": "As in [limits] of the configuration"}
            }
        }"#,
        order: &[],
        examples: &["{}"],
    },
    About {
        key: "jackfield.plugins",
        flags: READS,
        help: "Lists every plugin file: what serves, in which generation, and why a file was refused",
        params: NOTHING,
        result: r#"{
            "type": "object", "required": ["plugins", "reload_budget"],
            "properties": {
                "plugins": {"type": "array", "items": {
                    "type": "object", "required": ["id", "file", "state"],
                    "properties": {
                        "id": {"type": ["string", "null"]},
                        "file": {"type": "string"},
                        "state": {"enum": ["serving", "refused", "unloaded"]}
                    }
                }},
                "reload_budget": {"type": ["integer", "null"], "description": "How many more swaps the process can bear"}
            }
        }"#,
        order: &[],
        examples: &["{}"],
    },
    About {
        key: "jackfield.plugins.reload",
        flags: 0,
        help: "Loads a plugin's file again, changed or not",
        params: PLUGIN,
        result: SERVES,
        order: &["plugin"],
        examples: &[r#"{"plugin": "echo"}"#],
    },
    About {
        key: "jackfield.plugins.load",
        flags: 0,
        help: "Loads a file from one of the plugin folders, also one that was unloaded or refused before",
        params: r#"{
            "type": "object", "required": ["file"],
            "properties": {"file": {"type": "string", "description": "Its path on the server"}}
        }"#,
        result: SERVES,
        order: &["file"],
        examples: &[r#"{"file": "/usr/lib/jackfield/plugins/echo.so"}"#],
    },
    About {
        key: "jackfield.plugins.unload",
        flags: 0,
        help: "Unloads a plugin until it is loaded again or its file changes",
        params: PLUGIN,
        result: "true",
        order: &["plugin"],
        examples: &[r#"{"plugin": "echo"}"#],
    },
    About {
        key: "jackfield.subscribe",
        flags: 0,
        help: "Sends the events of topics to this connection from now on",
        params: r#"{
            "type": "object", "required": ["topics"],
            "properties": {
                "topics": {
                    "type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "Patterns: `*` is one part of a name, `**` the rest"
                },
                "last": {"type": "boolean", "default": false, "description": "Begin with the last event of each topic"},
                "when_full": {
                    "enum": ["drop", "close"], "default": "drop",
                    "description": "What happens when events are not taken in time: the oldest are dropped and counted, or the subscription ends, and that is told"
                },
                "where": {
                    "type": "object",
                    "description": "Only events whose data has these values: path in the data to value"
                }
            }
        }"#,
        result: r#"{
            "type": "object", "required": ["subscription"],
            "properties": {"subscription": {"type": "integer", "description": "For jackfield.unsubscribe"}}
        }"#,
        order: &["topics", "last", "when_full", "where"],
        examples: &[r#"{"topics": ["project.**"], "last": true, "where": {"series": "other"}}"#],
    },
    About {
        key: "jackfield.unsubscribe",
        flags: JF_COMMAND_IDEMPOTENT,
        help: "Ends a subscription of this connection",
        params: r#"{
            "type": "object", "required": ["subscription"],
            "properties": {"subscription": {"type": "integer", "description": "As jackfield.subscribe gave it"}}
        }"#,
        result: r#"{
            "type": "object", "required": ["unsubscribed"],
            "properties": {"unsubscribed": {"type": "boolean", "description": "false: there is no such subscription"}}
        }"#,
        order: &["subscription"],
        examples: &[r#"{"subscription": 7}"#],
    },
    About {
        key: "jackfield.publish",
        flags: 0,
        help: "Publishes an event on a topic",
        params: r#"{
            "type": "object", "required": ["topic", "data"],
            "properties": {
                "topic": {"type": "string", "description": "Parts joined by dots; not one of the server's own"},
                "data": {"description": "Any JSON"}
            }
        }"#,
        result: r#"{"type": "null"}"#,
        order: &["topic", "data"],
        examples: &[r#"{"topic": "lab.door", "data": {"open": true}}"#],
    },
    About {
        key: "jackfield.cancel",
        flags: JF_COMMAND_IDEMPOTENT,
        help: "Asks for a command of this connection to be given up; its own answer tells what became of it",
        params: r#"{
            "type": "object", "required": ["id"],
            "properties": {"id": {"type": ["integer", "string"], "description": "Id of the request that is under way"}}
        }"#,
        result: r#"{
            "type": "object", "required": ["cancelled"],
            "properties": {"cancelled": {"type": "boolean", "description": "false: no such command is in flight"}}
        }"#,
        order: &["id"],
        examples: &[r#"{"id": 1}"#],
    },
    About {
        key: "rpc.discover",
        flags: READS,
        help: "Describes all commands as an OpenRPC document",
        params: NOTHING,
        result: r#"{"type": "object", "required": ["openrpc", "info", "methods"]}"#,
        order: &[],
        examples: &["{}"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtins::Builtin;
    use crate::schema::Schema;
    use jackfield_message::Command;
    use serde_json::Value;

    #[test]
    fn of_every_built_in_command_there_is_something_to_say() {
        for (key, _) in Builtin::ALL {
            assert!(about(key).is_some_and(|about| !about.help.is_empty()), "{key}");
        }
    }

    #[test]
    fn examples_fit_their_schemas_and_the_order_names_what_the_schema_has() {
        for about in &TABLE {
            let params = Schema::compile(about.params).unwrap().unwrap();
            assert!(!about.examples.is_empty(), "{}", about.key);
            for example in about.examples {
                let refusal = params.refusal(&Command::new(about.key, example));
                assert!(refusal.is_none(), "{refusal:?}");
            }
            Schema::compile(about.result).unwrap();
            let schema: Value = serde_json::from_str(about.params).unwrap();
            let mut names: Vec<_> =
                schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            let mut order = about.order.to_vec();
            names.sort_unstable();
            order.sort_unstable();
            assert_eq!(names, order, "{}", about.key);
        }
        assert_eq!((param_order("jackfield.publish"), param_order("echo")), (&["topic", "data"][..], &[][..]));
    }
}
