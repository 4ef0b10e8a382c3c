//! Rust source without its comments and literals, so that a rule about code does not read prose.

/// `text` with comments, strings and character literals replaced by blanks; lines stay where they are.
pub fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous = ' ';
    while let Some(next) = rest.chars().next() {
        let length = match literal(rest, previous) {
            0 => {
                out.push(next);
                previous = next;
                rest = &rest[next.len_utf8()..];
                continue;
            }
            length => length,
        };
        out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        previous = ' ';
        rest = &rest[length..];
    }
    out
}

/// `code` without its test modules: everything before the first `#[cfg(test)]` in the first column that opens a module.
pub fn without_tests(code: &str) -> &str {
    let opens =
        |at: usize| code[at..].lines().nth(1).is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
    let at = code
        .match_indices("#[cfg(test)]\n")
        .map(|(at, _)| at)
        .find(|&at| (at == 0 || code[..at].ends_with('\n')) && opens(at));
    &code[..at.unwrap_or(code.len())]
}

/// Where `word` stands in `text` as a whole identifier: line numbers, counted from 1.
pub fn lines_with(text: &str, word: &str) -> Vec<usize> {
    text.lines().enumerate().filter(|(_, line)| has_word(line, word)).map(|(number, _)| number + 1).collect()
}

/// Whether `word` stands in `line` as a whole identifier.
pub fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

/// Length in bytes of the comment or literal that `rest` begins with; 0: neither.
fn literal(rest: &str, previous: char) -> usize {
    let in_word = previous.is_alphanumeric() || previous == '_';
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    let prefix = ["br", "cr", "r"].into_iter().find(|p| !in_word && rest.starts_with(p));
    prefix.map_or(0, |p| match raw(&rest[p.len()..]) {
        0 => 0,
        length => p.len() + length,
    })
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// A literal between two `quote`s with backslash escapes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; a lifetime or label is none.
fn character(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => quoted(rest, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

/// `rest` follows the `r` of a raw string: hashes, quote, text, quote, hashes.
fn raw(rest: &str) -> usize {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if !rest[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", &rest[..hashes]);
    rest[hashes + 1..].find(&end).map_or(rest.len(), |at| hashes + 1 + at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        for (text, expected) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("b\"c") + d"#, "f(      ) + d"),
            (r##"f(r#"b"c"#) + d"##, "f(        ) + d"),
            ("f(b\"x\", 'y', '\\'', '\u{e4}') + d", "f(b   ,    ,     ,    ) + d"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("\"a\nb\" c", "  \n   c"),
            ("/* open", "       "),
        ] {
            assert_eq!(code(text), expected.replace('\u{e4}', " "), "{text}");
        }
    }

    #[test]
    fn words_are_whole_identifiers() {
        assert_eq!(lines_with("unsafe_code\nunsafe {\nan unsafe fn\n", "unsafe"), [2, 3]);
    }

    #[test]
    fn test_modules_end_the_code() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n"), "a\n");
        assert_eq!(without_tests("a\n#[cfg(test)]\nuse b;\n"), "a\n#[cfg(test)]\nuse b;\n");
    }
}
