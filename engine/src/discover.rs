//! The OpenRPC document of all commands, made from what plugins and built-in commands say of themselves.

use crate::builtins;
use crate::host::{CommandInfo, Descriptor};
use crate::router::{Class, Slot, Table};
use jackfield_message::{ByteString, ErrorCode};
use jackfield_plugin_api as abi;
use serde_json::{Map, Value, json};

/// The version of OpenRPC that tools know best.
const OPENRPC: &str = "1.3.2";

/// The flags of a command, with the words in which they are told.
const FLAGS: [(u32, &str); 4] = [
    (abi::JF_COMMAND_READ_ONLY, "read_only"),
    (abi::JF_COMMAND_IDEMPOTENT, "idempotent"),
    (abi::JF_COMMAND_ACK_ONLY, "ack_only"),
    (abi::JF_COMMAND_CANCEL_ON_DISCONNECT, "cancel_on_disconnect"),
];

/// The document of a table; the catch-all, which has no key, is not in it.
pub(crate) fn document(table: &Table, version: &str) -> ByteString {
    let mut slots: Vec<_> = table.slots.iter().chain(&table.application).filter(|(key, _)| !key.is_empty()).collect();
    slots.sort_unstable_by_key(|(key, _)| *key);
    let errors: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| json!({"code": code.number(), "message": code.as_str(), "data": {"culprit": code.culprit().as_str()}}))
        .collect();
    let mut schemas = Map::new();
    let methods: Vec<_> =
        slots.into_iter().filter_map(|(key, slot)| method(key, slot, &errors, &mut schemas)).collect();
    let mut document = json!({
        "openrpc": OPENRPC,
        "info": {"title": "Jackfield", "version": version},
        "methods": methods,
    });
    if !schemas.is_empty() {
        document["components"] = json!({"schemas": schemas});
    }
    document.to_string().into()
}

/// What is said of a command, whoever says it.
struct About<'a> {
    key: &'a str,
    help: &'a str,
    params: &'a str,
    result: &'a str,
    order: Vec<&'a str>,
    examples: Vec<&'a str>,
    flags: u32,
    /// `None`: it is the engine's own.
    class: Option<Class>,
    plugin: Option<&'a Descriptor>,
    /// Whose it is, in a word.
    group: &'a str,
}

fn method(key: &str, slot: &Slot, errors: &[Value], schemas: &mut Map<String, Value>) -> Option<Value> {
    let about = match slot {
        Slot::Builtin(_) => {
            let about = builtins::about(key)?;
            About {
                key,
                help: about.help,
                params: about.params,
                result: about.result,
                order: about.order.to_vec(),
                examples: about.examples.to_vec(),
                flags: about.flags,
                class: None,
                plugin: None,
                group: "jackfield",
            }
        }
        Slot::Plugin(entry) => {
            let descriptor = &entry.generation.descriptor;
            About::of(key, &descriptor.commands[entry.command], Some(descriptor))
        }
        Slot::Application(entry) => About::of(key, &entry.info, None),
    };
    Some(about.method(errors, schemas))
}

impl<'a> About<'a> {
    fn of(key: &'a str, info: &'a CommandInfo, plugin: Option<&'a Descriptor>) -> Self {
        Self {
            key,
            help: &info.help,
            params: &info.params_schema,
            result: &info.result_schema,
            order: info.param_order.iter().map(String::as_str).collect(),
            examples: info.examples.iter().map(String::as_str).collect(),
            flags: info.flags,
            class: Some(info.class),
            plugin,
            group: plugin.map_or("application", |plugin| &plugin.id),
        }
    }

    fn method(&self, errors: &[Value], schemas: &mut Map<String, Value>) -> Value {
        let params = settled(self.params, &format!("{}.params", self.key), schemas);
        let result = settled(self.result, &format!("{}.result", self.key), schemas);
        let named = params.get("properties").and_then(Value::as_object);
        let others =
            named.into_iter().flatten().map(|(name, _)| name.as_str()).filter(|name| !self.order.contains(name));
        let names: Vec<&str> = self.order.iter().copied().chain(others).collect();
        let descriptors: Vec<_> = names.iter().map(|name| descriptor(name, &params)).collect();
        let by_name = self.order.is_empty() && !names.is_empty();
        let examples = self.examples.iter().enumerate().filter_map(|(index, text)| example(index, text, &names));
        let flags: Vec<_> = FLAGS.iter().filter(|(flag, _)| self.flags & flag != 0).map(|(_, word)| *word).collect();
        let mut method = json!({
            "name": self.key,
            "params": descriptors,
            "paramStructure": if by_name { "by-name" } else { "either" },
            "result": {"name": "result", "schema": result},
            "errors": errors,
            "examples": examples.collect::<Vec<_>>(),
            "tags": [{"name": self.group}],
            "x-flags": flags,
            // What the list of params does not tell, such as whether there may be others.
            "x-params-schema": params,
        });
        if !self.help.is_empty() {
            method["summary"] = self.help.into();
        }
        if let Some(class) = self.class {
            method["x-class"] = class.as_str().into();
        }
        if let Some(descriptor) = self.plugin {
            method["x-plugin"] = json!({"id": descriptor.id, "version": descriptor.version});
        }
        method
    }
}

/// One param, as the schema of all of them has it.
fn descriptor(name: &str, params: &Value) -> Value {
    let schema = params.get("properties").and_then(|all| all.get(name)).unwrap_or(&Value::Bool(true));
    let is_required = |names: &Vec<Value>| names.iter().any(|required| required == name);
    let mut descriptor = json!({
        "name": name,
        "schema": schema,
        "required": params.get("required").and_then(Value::as_array).is_some_and(is_required),
    });
    if let Some(description @ Value::String(_)) = schema.get("description") {
        descriptor["description"] = description.clone();
    }
    descriptor
}

/// Example params, by name where they have names, in the order of the list of params.
fn example(index: usize, text: &str, names: &[&str]) -> Option<Value> {
    let params = match serde_json::from_str(text).ok()? {
        Value::Object(mut members) => {
            let mut params: Vec<_> =
                names.iter().filter_map(|name| Some(json!({"name": name, "value": members.remove(*name)?}))).collect();
            // A member without a name is none that the list could have.
            let others = members.into_iter().filter(|(name, _)| !name.is_empty());
            params.extend(others.map(|(name, value)| json!({"name": name, "value": value})));
            params
        }
        other => vec![json!({"name": "params", "value": other})],
    };
    Some(json!({"name": format!("example {}", index + 1), "params": params}))
}

/// A schema as it can stand in the document. What it refers to in itself is found under `components` then, as `name`.
fn settled(text: &str, name: &str, schemas: &mut Map<String, Value>) -> Value {
    let Ok(mut schema @ Value::Object(_)) = serde_json::from_str(text) else { return (text.trim() != "false").into() };
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || ".-_".contains(letter) { letter } else { '_' };
    let mut name: String = name.chars().map(plain).collect();
    while schemas.contains_key(&name) {
        name.push('_');
    }
    if schema.get("$id").is_none() && lead(&mut schema, &format!("#/components/schemas/{name}")) {
        schemas.insert(name, schema.clone());
    }
    schema
}

/// Makes references to the top lead to `top`. Whether there were any.
fn lead(part: &mut Value, top: &str) -> bool {
    let mut any = false;
    match part {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(to) if name == "$ref" && (to == "#" || to.starts_with("#/")) => {
                        to.replace_range(..1, top);
                        any = true;
                    }
                    value => any |= lead(value, top),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| any |= lead(part, top)),
        _ => {}
    }
    any
}
