use crate::names;
use crate::router::Class;
use crate::schema::Schema;
use jackfield_message::{ByteString, json};
use std::collections::HashSet;
use std::sync::Arc;

/// What a plugin said of itself, copied out of its memory.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: String,
    pub build: String,
    pub flags: u32,
    pub abi_minor: u32,
    /// Patterns of the topics that it wants the events of.
    pub topics: Vec<String>,
    pub commands: Vec<CommandInfo>,
}

/// One command of a descriptor.
#[derive(Clone, Debug)]
pub struct CommandInfo {
    /// By which it is called; empty: the catch-all.
    pub key: ByteString,
    /// Where it runs.
    pub class: Class,
    /// JF_COMMAND_*.
    pub flags: u32,
    /// One line for people.
    pub help: String,
    /// JSON Schema of the params; empty: anything.
    pub params_schema: String,
    /// The same, compiled by [`Descriptor::check`]. `None`: anything.
    pub(crate) params: Option<Arc<Schema>>,
    /// JSON Schema of the result; empty: anything.
    pub result_schema: String,
    /// Names of the params, for callers that give them by position.
    pub param_order: Vec<String>,
    /// Example params, each a JSON text.
    pub examples: Vec<String>,
}

/// A plugin may not subscribe to more patterns than this.
const MAX_TOPICS: usize = 64;
/// Longest key in bytes.
const MAX_KEY: usize = 128;

impl Descriptor {
    /// Whether an older version must have stopped before this one starts.
    pub fn is_exclusive(&self) -> bool {
        use jackfield_plugin_api::{JF_PLUGIN_EXCLUSIVE, JF_PLUGIN_STATEFUL};
        self.flags & (JF_PLUGIN_EXCLUSIVE | JF_PLUGIN_STATEFUL) != 0
    }

    /// Checks what the ABI demands of names and keys, and compiles schemas. The error says which value is wrong and what would be
    /// valid.
    pub fn check(&mut self) -> Result<(), String> {
        let valid_id = (1..=64).contains(&self.id.len())
            && self.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if !valid_id {
            let shown = &self.id[..self.id.floor_char_boundary(64)];
            return Err(format!("the id {shown:?} is not 1 to 64 of a-z, 0-9, '-', '_', '.'"));
        }
        if self.topics.len() > MAX_TOPICS {
            return Err(format!("it has {} topic patterns, more than {MAX_TOPICS}", self.topics.len()));
        }
        for pattern in &self.topics {
            names::check_pattern(pattern).map_err(|why| format!("the topic pattern {pattern:?} is {why}"))?;
        }
        let mut keys = HashSet::new();
        for command in &mut self.commands {
            command.check()?;
            if !keys.insert(&command.key) {
                return Err(format!("the key {:?} stands twice in the descriptor", command.key));
            }
        }
        Ok(())
    }
}

impl CommandInfo {
    /// The same, if it is as the ABI demands; the error says what is not.
    pub fn checked(mut self) -> Result<Self, String> {
        self.check().map(|()| self)
    }

    pub(crate) fn is_catch_all(&self) -> bool {
        self.flags & jackfield_plugin_api::JF_COMMAND_CATCH_ALL != 0
    }

    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.check_key()?;
        let schema = check_schema(&self.params_schema).map_err(|why| self.wrong("params_schema", why))?;
        check_schema(&self.result_schema).map_err(|why| self.wrong("result_schema", why))?;
        self.params = schema.map(Arc::new);
        for (index, name) in self.param_order.iter().enumerate() {
            if name.is_empty() {
                return Err(self.wrong("param_order", "has an empty name".to_owned()));
            }
            if self.param_order[..index].contains(name) {
                return Err(self.wrong("param_order", format!("has {name:?} twice")));
            }
        }
        for example in &self.examples {
            if let Err(error) = json::check(example, json::DEFAULT_NESTING) {
                return Err(self.wrong("examples", format!("have one that is no JSON: {error}")));
            }
        }
        Ok(())
    }

    fn wrong(&self, part: &str, why: String) -> String {
        format!("the {part} of the command {:?} {why}", self.key)
    }

    fn check_key(&self) -> Result<(), String> {
        let key = &self.key;
        if self.is_catch_all() {
            return if key.is_empty() {
                Ok(())
            } else {
                Err(format!("the catch-all command has the key {key:?}, not an empty one"))
            };
        }
        if key.is_empty() || key.len() > MAX_KEY || key.chars().any(char::is_control) {
            let shown = &key[..key.floor_char_boundary(MAX_KEY)];
            return Err(format!("the key {shown:?} is not 1 to {MAX_KEY} bytes without control characters"));
        }
        for reserved in ["jackfield.", "rpc."] {
            if key.starts_with(reserved) {
                return Err(format!("the key {key:?} begins with {reserved:?}, which is reserved"));
            }
        }
        Ok(())
    }
}

/// A JSON Schema is an object, or `true` or `false`; empty is none.
fn check_schema(schema: &str) -> Result<Option<Schema>, String> {
    if schema.is_empty() {
        return Ok(None);
    }
    let kind = json::check(schema, json::DEFAULT_NESTING).map_err(|error| format!("is no JSON: {error}"))?;
    match (kind, schema.trim()) {
        (json::Kind::Object, _) | (_, "true" | "false") => Schema::compile(schema),
        _ => Err("is JSON, but no schema: that is an object, true or false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> CommandInfo {
        let (params_schema, result_schema) = (String::new(), String::new());
        let (params, param_order, examples) = (None, Vec::new(), Vec::new());
        let (key, help, class) = (ByteString::from("k"), String::new(), Class::Serial);
        CommandInfo { key, class, flags: 0, help, params_schema, params, result_schema, param_order, examples }
    }

    #[test]
    fn schemas_are_objects_or_booleans() {
        for good in ["", "{}", " {\"type\": \"object\"}\n", "true", " false "] {
            assert_eq!(CommandInfo { params_schema: good.to_owned(), ..command() }.check(), Ok(()), "{good}");
        }
        for bad in [" ", "{", "1", "null", "[]", "\"object\"", "{} {}", "{\"a\": NaN}"] {
            let why = CommandInfo { result_schema: bad.to_owned(), ..command() }.check().unwrap_err();
            assert!(why.starts_with("the result_schema of the command \"k\" is "), "{bad}: {why}");
        }
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_named_with_what_is_wrong() {
        for (bad, why) in [
            (r#"{"properties": {"n": {"type": "nubmer"}}}"#, "at /properties/n/type: \"nubmer\""),
            (r#"{"$ref": "https://example.test/s.json"}"#, "https://example.test/s.json"),
            (r##"{"$ref": "#/$defs/none"}"##, "/$defs/none"),
            (r#"{"pattern": "(?=look)"}"#, "at /pattern: "),
            (r#"{"$schema": "https://example.test/own"}"#, "https://example.test/own"),
        ] {
            let told = CommandInfo { params_schema: bad.to_owned(), ..command() }.check().unwrap_err();
            let start = "the params_schema of the command \"k\" cannot be used as a schema: ";
            assert!(told.starts_with(start) && told.contains(why), "{bad}: {told}");
            assert!(CommandInfo { result_schema: bad.to_owned(), ..command() }.check().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_params_are_there_once_and_examples_are_json() {
        let order = |names: &[&str]| {
            let param_order = names.iter().map(|&name| name.to_owned()).collect();
            CommandInfo { param_order, ..command() }.check()
        };
        assert_eq!(order(&["a", "b"]), Ok(()));
        assert_eq!(order(&["a", "b", "a"]).unwrap_err(), "the param_order of the command \"k\" has \"a\" twice");
        assert_eq!(order(&["a", ""]).unwrap_err(), "the param_order of the command \"k\" has an empty name");
        let examples = |example: &str| CommandInfo { examples: vec![example.to_owned()], ..command() }.check();
        assert_eq!(examples("[1, {}]"), Ok(()));
        assert!(examples("").unwrap_err().contains("the examples of the command \"k\" have one that is no JSON"));
    }
}
