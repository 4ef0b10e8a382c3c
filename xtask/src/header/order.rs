//! Puts the generated items into the order of the Rust source, with the source's section comments between them.
//! cbindgen sorts constants before types and types by dependency; a reader wants what belongs together side by side.

use super::bindings::PREFIX;
use crate::Outcome;
use std::collections::HashMap;

/// What a line of the source means for the header.
enum Mark<'a> {
    /// `/* ---- text ---- */` in the first column.
    Section(&'a str),
    /// A public struct, type alias, constant or function.
    Item(&'a str),
}

/// `generated` is cbindgen's text, items separated by blank lines; `sources` the text of the files it was made from.
pub fn by_source(generated: &str, sources: &[String]) -> Outcome<String> {
    let mut items = HashMap::new();
    for item in generated.split("\n\n").map(str::trim).filter(|item| !item.is_empty()) {
        let name = name(item).ok_or_else(|| format!("cannot tell the name of this generated item:\n{item}"))?;
        items.insert(name, item);
    }
    let mut out = String::new();
    let mut after_define = false;
    for mark in sources.iter().flat_map(|text| text.lines().filter_map(mark)) {
        let (text, is_define) = match mark {
            Mark::Section(text) => (text.to_owned(), false),
            Mark::Item(name) => match items.remove(name) {
                Some(item) => (short(item), item.contains("#define ")),
                None => continue,
            },
        };
        // Constants of one section stand together.
        if !(after_define && is_define) {
            out.push('\n');
        }
        out.push_str(&text);
        out.push('\n');
        after_define = is_define;
    }
    match items.keys().next() {
        Some(name) => Err(format!("cbindgen made {name}, which no source line declares").into()),
        None => Ok(out),
    }
}

fn mark(line: &str) -> Option<Mark<'_>> {
    if line.starts_with("/* ----") {
        return Some(Mark::Section(line));
    }
    ["pub struct ", "pub type ", "pub const ", "pub extern \"C\" fn ", "pub unsafe extern \"C\" fn "]
        .iter()
        .find_map(|start| line.strip_prefix(start))
        .map(|rest| Mark::Item(word(rest)))
}

/// The name that a generated item declares.
fn name(item: &str) -> Option<&str> {
    let line = item.lines().find(|line| !line.starts_with("/**") && !line.starts_with(" *"))?;
    if let Some(rest) = line.strip_prefix("#define ").or_else(|| line.strip_prefix("struct ")) {
        return Some(word(rest));
    }
    if let Some(rest) = line.strip_prefix(PREFIX) {
        // The word before the first bracket.
        return rest.split_once('(').and_then(|(before, _)| before.rsplit([' ', '*']).next());
    }
    let rest = line.strip_prefix("typedef ")?;
    match rest.split_once("(*") {
        Some((_, rest)) => Some(word(rest)),
        None => rest.trim_end_matches(';').rsplit(' ').next(),
    }
}

/// The identifier that `text` begins with.
pub fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Comments of one line are written on one line.
fn short(item: &str) -> String {
    let lines: Vec<&str> = item.lines().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let indent = lines[at].len() - lines[at].trim_start().len();
        match lines.get(at..at + 3) {
            Some([open, text, close]) if open.trim() == "/**" && close.trim() == "*/" => {
                let text = text.trim().trim_start_matches('*').trim();
                out.push(format!("{:indent$}/** {text} */", ""));
                at += 3;
            }
            _ => {
                out.push(lines[at].to_owned());
                at += 1;
            }
        }
    }
    out.join("\n")
}
