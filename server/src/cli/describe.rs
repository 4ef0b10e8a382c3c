//! `jackfield call --help KEY`: what a running server says of one command.

use super::client;
use super::output::Outcome;
use super::plugins::cell;
use serde_json::Value;

/// Asks the server, and shows what it says of `key`.
pub async fn run(url: &str, key: &str) -> Outcome {
    let answer = match client::ask(url, r#"{"rpc.discover":{}}"#).await {
        Outcome::Done { answer, .. } => answer,
        outcome => return outcome,
    };
    let document: Value = serde_json::from_str(&answer).unwrap_or_default();
    let Some(methods) = document["methods"].as_array() else {
        return Outcome::Failed(format!("the server's answer is no list of commands: {}", start(&answer)));
    };
    match methods.iter().find(|method| method["name"] == key) {
        Some(method) => Outcome::Done { answer: method.to_string(), shown: Some(shown(method, &document)) },
        None => {
            let known: Vec<&str> = methods.iter().filter_map(|method| method["name"].as_str()).collect();
            Outcome::Failed(unknown(key, &known))
        }
    }
}

fn unknown(key: &str, known: &[&str]) -> String {
    let near = near(key, known);
    let key = cell(&key.into());
    match near.as_slice() {
        [] => format!("the server has no command {key}; jackfield plugins list shows all"),
        near => format!("the server has no command {key}; near it: {}", near.join(", ")),
    }
}

/// Keys that are nearly it, or have it in them, the nearest first.
fn near(key: &str, known: &[&str]) -> Vec<String> {
    /// So many, and so far away, are told.
    const MOST: usize = 5;
    const FAR: usize = 3;
    let lower = key.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|other| {
            let steps = distance(&lower, &other.to_lowercase());
            // What shares no letter is not near, however short it is.
            let alike = steps <= FAR && steps < lower.chars().count();
            let within = !lower.is_empty() && (other.to_lowercase().contains(&lower) || lower.contains(*other));
            (alike || within).then_some((steps, *other))
        })
        .collect();
    near.sort_unstable();
    near.into_iter().take(MOST).map(|(_, other)| cell(&other.into())).collect()
}

/// How many letters are to be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.chars().enumerate() {
        let mut left_above = row[0];
        row[0] = above + 1;
        for (at, other) in other.iter().enumerate() {
            let changed = left_above + usize::from(letter != *other);
            left_above = row[at + 1];
            row[at + 1] = changed.min(left_above + 1).min(row[at] + 1);
        }
    }
    row[other.len()]
}

/// For people.
fn shown(method: &Value, document: &Value) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let list = |name: &str| method[name].as_array().map_or(&[][..], Vec::as_slice);
    let key = cell(&method["name"]);
    line(match &method["summary"] {
        Value::Null => key.clone(),
        summary => format!("{key}: {}", cell(summary)),
    });
    let words = [&method["x-class"]].into_iter().chain(list("x-flags")).filter(|word| !word.is_null()).map(cell);
    let words = words.collect::<Vec<_>>().join(", ");
    let plugin = &method["x-plugin"];
    let of = match plugin["id"].is_null() {
        true => "built in".to_owned(),
        false => format!("plugin {} {}", cell(&plugin["id"]), cell(&plugin["version"])),
    };
    line(format!("  {of}{}{words}", if words.is_empty() { "" } else { ", " }));

    line("\nparams:".to_owned());
    let rows: Vec<[String; 4]> = list("params").iter().map(|param| row(param, document)).collect();
    if rows.is_empty() {
        line(format!("  {}", without_names(&method["x-params-schema"])));
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 3] = std::array::from_fn(width);
    for [name, kind, need, description] in &rows {
        let [a, b, c] = widths;
        line(format!("  {name:a$}  {kind:b$}  {need:c$}  {description}"));
    }
    if !list("examples").is_empty() {
        line("\nexamples:".to_owned());
    }
    for example in list("examples") {
        line(format!("  jackfield call {} '{}'", quoted(&key), cell(&params(example)).replace('\'', r"'\''")));
    }
    line("\nerrors:".to_owned());
    for error in list("errors") {
        line(format!("  {:6}  {}", cell(&error["code"]), cell(&error["message"])));
    }
    text
}

/// Name, type, whether it is required or what it is without, description.
fn row(param: &Value, document: &Value) -> [String; 4] {
    let schema = resolved(&param["schema"], document);
    let need = match &schema["default"] {
        _ if param["required"] == true => "required".to_owned(),
        Value::Null => "optional".to_owned(),
        default => format!("default {}", json(default)),
    };
    let description = [&param["description"], &schema["description"]].into_iter().find(|text| text.is_string());
    [cell(&param["name"]), kind(schema, document), need, description.map(cell).unwrap_or_default()]
}

/// What a schema refers to in the document, a few steps far.
fn resolved<'d>(mut schema: &'d Value, document: &'d Value) -> &'d Value {
    for _ in 0..8 {
        let target = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        let Some(target) = target.and_then(|pointer| document.pointer(pointer)) else { break };
        schema = target;
    }
    schema
}

/// The types of a schema, in a word or a few.
fn kind(schema: &Value, document: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return values.iter().map(json).collect::<Vec<_>>().join(" | ");
    }
    if !schema["const"].is_null() {
        return json(&schema["const"]);
    }
    match &schema["type"] {
        Value::String(one) => return cell(&one.as_str().into()),
        Value::Array(several) => return several.iter().map(cell).collect::<Vec<_>>().join(" | "),
        _ => {}
    }
    let others = ["anyOf", "oneOf"].iter().find_map(|name| schema[*name].as_array());
    match others {
        Some(others) => others.iter().map(|other| word(resolved(other, document))).collect::<Vec<_>>().join(" | "),
        None => "any".to_owned(),
    }
}

/// The type of an alternative.
fn word(schema: &Value) -> String {
    // How an attachment stands in params.
    if schema["properties"]["$attachment"].is_object() {
        return "attachment".to_owned();
    }
    match &schema["type"] {
        Value::String(one) => cell(&one.as_str().into()),
        _ => "any".to_owned(),
    }
}

/// What is told of params that have no names.
fn without_names(schema: &Value) -> String {
    match schema {
        Value::Object(rules) if rules.contains_key("type") => format!("none ({})", kind(schema, &Value::Null)),
        _ => "any JSON".to_owned(),
    }
}

/// The params of an example, as one text.
fn params(example: &Value) -> Value {
    let params = example["params"].as_array().map_or(&[][..], Vec::as_slice);
    match params {
        [only] if only["name"] == "params" && !only["value"].is_object() => json(&only["value"]).into(),
        _ => {
            let member = |param: &Value| format!("{}: {}", json(&param["name"]), json(&param["value"]));
            format!("{{{}}}", params.iter().map(member).collect::<Vec<_>>().join(", ")).into()
        }
    }
}

fn json(value: &Value) -> String {
    cell(&value.to_string().into())
}

/// A key as a shell takes it.
fn quoted(key: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    if key.chars().all(plain) { key.to_owned() } else { format!("'{}'", key.replace('\'', r"'\''")) }
}

/// The beginning of a text that may be long.
fn start(text: &str) -> &str {
    &text[..text.floor_char_boundary(200)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_keys_are_those_with_a_slip_or_a_part_and_few() {
        let known = ["echo", "elements", "image", "jackfield.plugins", "project", "project.get", "project.list"];
        assert_eq!(near("imgae", &known), ["image"]);
        assert_eq!(near("ECHO", &known), ["echo"]);
        assert_eq!(near("list", &known), ["project.list"]);
        assert_eq!(near("project.gets", &known), ["project.get", "project"]);
        assert!(near("xyz", &known).is_empty() && near("", &known).is_empty());
        let many: Vec<String> = (0..100).map(|n| format!("key{n}")).collect();
        assert_eq!(near("key", &many.iter().map(String::as_str).collect::<Vec<_>>()).len(), 5);
    }
}
