//! The generated part of a header.

use super::{IDS, order, warnings};
use crate::{Outcome, root};
use cbindgen::{Config, DocumentationStyle, Language, Style};

/// Columns of a header.
const WIDTH: usize = 110;

/// What stands before functions that a library exports.
pub const PREFIX: &str = "JF_API";

/// What cbindgen made of some Rust files.
pub struct Bindings {
    /// Names of the structs, in the order of the source: C wants them declared before they refer to each other.
    pub structs: Vec<String>,
    /// Constants, structs and typedefs with their comments.
    pub items: String,
}

/// Generates the items of `sources`; those of `uses` are known from another header. Every warning of cbindgen is an error,
/// because what it warns of is then missing from the header.
pub fn generate(sources: &[&str], uses: &[&str]) -> Outcome<Bindings> {
    let texts = read(sources)?;
    let known = read(uses)?;
    let types = |texts| names(texts, "pub struct ").chain(names(texts, "pub type "));
    let mut config = Config {
        language: Language::C,
        // Structs are declared ahead of all items, so a struct may be named before its definition.
        style: Style::Tag,
        no_includes: true,
        usize_is_size_t: true,
        documentation: true,
        documentation_style: DocumentationStyle::Doxy,
        line_length: WIDTH,
        tab_width: 4,
        ..Config::default()
    };
    config.function.prefix = Some(PREFIX.to_owned());
    config.export.include = types(&texts).map(str::to_owned).collect();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources {
        builder = builder.with_src(root().join(source));
    }
    let mut expected: Vec<String> = types(&known).map(|name| format!("Can't find {name}.")).collect();
    expected.extend(IDS.iter().map(|(_, constant, ..)| format!("::{constant} -")));
    // The name of the entry function, and the empty values that are for Rust alone.
    expected.extend(["::ENTRY_V1 -".to_owned(), "::EMPTY -".to_owned()]);

    let (generated, told) = warnings::collect(|| builder.generate());
    let generated = generated.map_err(|e| format!("cbindgen cannot read {}: {e}", sources.join(", ")))?;
    let told: Vec<String> =
        told.into_iter().filter(|text| !expected.iter().any(|e| text.contains(e.as_str()))).collect();
    if !told.is_empty() {
        return Err(format!("cbindgen warns about {}:\n{}", sources.join(", "), told.join("\n")).into());
    }
    let mut text = Vec::new();
    generated.write(&mut text);
    let text = String::from_utf8(text)?;
    if let Some(name) = types(&texts).find(|name| !text.contains(name)) {
        return Err(format!("cbindgen left {name} out").into());
    }
    let structs = names(&texts, "pub struct ").map(str::to_owned).collect();
    Ok(Bindings { structs, items: order::by_source(&polish(&text), &texts)? })
}

/// The text of some Rust files.
fn read(sources: &[&str]) -> Outcome<Vec<String>> {
    let read = |source: &&str| {
        std::fs::read_to_string(root().join(source)).map_err(|e| format!("cannot read {source}: {e}").into())
    };
    sources.iter().map(read).collect()
}

/// The names of the public items that a Rust file declares in its first column by `start`.
fn names<'a>(texts: &'a [String], start: &'a str) -> impl Iterator<Item = &'a str> {
    texts.iter().flat_map(|text| text.lines()).filter_map(move |line| line.strip_prefix(start)).map(order::word)
}

/// The three things that cbindgen has no option for: uses of a struct go by its typedef, a negative constant stands in
/// brackets, so that it is one operand wherever it is used, and a function begins with its prefix, on the same line.
fn polish(text: &str) -> String {
    let mut lines = text.lines();
    let mut out = String::new();
    while let Some(line) = lines.next() {
        let line = match line.strip_prefix("#define ").and_then(|rest| rest.split_once(" -")) {
            Some((name, value)) => format!("#define {name} (-{value})"),
            None if line == PREFIX => {
                let mut parts = vec![line.to_owned()];
                for part in lines.by_ref() {
                    parts.push(part.trim().replace("struct jf_", "jf_"));
                    if part.ends_with(';') {
                        break;
                    }
                }
                function(&parts.join(" "))
            }
            None if line.starts_with("struct ") => line.to_owned(),
            None => line.replace("struct jf_", "jf_"),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// A prototype in lines of the header's width, broken between parameters.
fn function(prototype: &str) -> String {
    // Parameters that are functions have commas of their own, in brackets.
    let (mut parts, mut depth): (Vec<String>, usize) = (vec![String::new()], 0);
    for piece in prototype.split_inclusive(", ") {
        depth = depth + piece.matches('(').count() - piece.matches(')').count();
        if let Some(last) = parts.last_mut() {
            last.push_str(piece);
        }
        if depth == 1 {
            parts.push(String::new());
        }
    }
    let (mut out, mut width) = (String::new(), 0);
    for part in parts {
        if width > 0 && width + part.trim_end().len() > WIDTH {
            out.truncate(out.trim_end().len());
            out.push_str("\n    ");
            width = 4;
        }
        out.push_str(&part);
        width += part.len();
    }
    out
}
