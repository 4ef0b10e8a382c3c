//! The printed table: plugin, what it did, what happened to it.

use std::io::Write;

/// How a case ended.
pub enum End {
    /// And what happened.
    AsPromised(String),
    /// And why that is not as promised.
    Failed(String),
}

/// A line of the table.
pub struct Row {
    pub plugin: String,
    pub does: &'static str,
    pub end: End,
}

/// Width of the last column.
const WIDTH: usize = 110;

/// Prints the table past the capture of the test runner: it is there to be read, also where all is well.
pub fn print(rows: &[Row]) {
    let width = |of: fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (plugins, doings) = (width(|row| row.plugin.len()), width(|row| row.does.len()));
    let rule = format!("{}-+-{}-+-{}", "-".repeat(plugins), "-".repeat(doings), "-".repeat(WIDTH));
    let mut text = format!("\n{:plugins$} | {:doings$} | and what happened to it\n{rule}\n", "plugin", "what it did");
    for Row { plugin, does, end } in rows {
        let happened = match end {
            End::AsPromised(told) => told.clone(),
            End::Failed(why) => format!("FAILED: {why}"),
        };
        for (index, line) in wrapped(&happened).iter().enumerate() {
            let (plugin, does) = if index == 0 { (plugin.as_str(), *does) } else { ("", "") };
            text += &format!("{plugin:plugins$} | {does:doings$} | {line}\n");
        }
    }
    let count = |is: fn(&End) -> bool| rows.iter().filter(|row| is(&row.end)).count();
    text += &format!(
        "{rule}\n{} as promised, {} FAILED. For each: another plugin was not disturbed, a good version took \
         its place and served, the server stopped in order.\n",
        count(|end| matches!(end, End::AsPromised(_))),
        count(|end| matches!(end, End::Failed(_))),
    );
    let written = std::io::stdout().write_all(text.as_bytes());
    written.expect("the output of a test can be written to");
}

/// Lines of [`WIDTH`], cut at blanks.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always one");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
