use crate::names;
use crate::router::Class;
use jackfield_message::ByteString;
use std::collections::HashSet;

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
pub(crate) struct CommandInfo {
    pub key: ByteString,
    pub class: Class,
    pub flags: u32,
    pub help: String,
}

/// A plugin may not take more keys than this.
pub(crate) const MAX_COMMANDS: usize = 1024;
/// A plugin may not subscribe to more patterns than this.
const MAX_TOPICS: usize = 64;
/// Longest key in bytes.
const MAX_KEY: usize = 128;

impl Descriptor {
    /// Checks what the ABI demands of names and keys. The error says which value is wrong and what would be valid.
    pub fn check(&self) -> Result<(), String> {
        let valid_id = (1..=64).contains(&self.id.len())
            && self.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if !valid_id {
            return Err(format!("the id {:?} is not 1 to 64 of a-z, 0-9, '-', '_', '.'", self.id));
        }
        if self.topics.len() > MAX_TOPICS {
            return Err(format!("it has {} topic patterns, more than {MAX_TOPICS}", self.topics.len()));
        }
        for pattern in &self.topics {
            names::check_pattern(pattern).map_err(|why| format!("the topic pattern {pattern:?} is {why}"))?;
        }
        let mut keys = HashSet::new();
        for command in &self.commands {
            command.check()?;
            if !keys.insert(&command.key) {
                return Err(format!("the key {:?} stands twice in the descriptor", command.key));
            }
        }
        Ok(())
    }
}

impl CommandInfo {
    pub fn is_catch_all(&self) -> bool {
        self.flags & jackfield_plugin_api::JF_COMMAND_CATCH_ALL != 0
    }

    fn check(&self) -> Result<(), String> {
        let key = &self.key;
        if self.is_catch_all() {
            return if key.is_empty() {
                Ok(())
            } else {
                Err(format!("the catch-all command has the key {key:?}, not an empty one"))
            };
        }
        if key.is_empty() || key.len() > MAX_KEY || key.chars().any(char::is_control) {
            return Err(format!("the key {key:?} is not 1 to {MAX_KEY} bytes without control characters"));
        }
        for reserved in ["jackfield.", "rpc."] {
            if key.starts_with(reserved) {
                return Err(format!("the key {key:?} begins with {reserved:?}, which is reserved"));
            }
        }
        Ok(())
    }
}
