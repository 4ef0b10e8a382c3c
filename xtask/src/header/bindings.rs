//! The generated part of a header.

use super::{IDS, order, warnings};
use crate::{Outcome, root};
use cbindgen::{Config, DocumentationStyle, Language, Style};

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
        line_length: 110,
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
/// brackets, so that it is one operand wherever it is used, and a function stands on the line of its prefix.
fn polish(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix("#define ").and_then(|rest| rest.split_once(" -")) {
            Some((name, value)) => format!("#define {name} (-{value})\n"),
            None if line == PREFIX => format!("{line} "),
            None if line.starts_with("struct ") => format!("{line}\n"),
            None => format!("{}\n", line.replace("struct jf_", "jf_")),
        })
        .collect()
}
