//! The grammar of topics and of the patterns that choose among them.

/// Longest topic or pattern in bytes.
const MAX_NAME: usize = 256;
/// Topics of the server itself begin so.
const RESERVED: &str = "jackfield.";

/// A pattern: `*` is one part, `**` the rest, which may be nothing. Most have no `*`, or none but `**` at their end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One topic.
    Topic(String),
    /// This topic, and all that begin with it and a dot; empty: all.
    Below(String),
    /// Taken apart.
    Parts(Vec<String>),
}

impl Pattern {
    /// Takes `text` apart. What is no pattern fits nothing that can be published.
    pub fn new(text: &str) -> Self {
        let (begin, below) = match text {
            "**" => ("", true),
            _ => text.strip_suffix(".**").map_or((text, false), |begin| (begin, true)),
        };
        match (begin.contains('*'), below) {
            (true, _) => Self::Parts(text.split('.').map(str::to_owned).collect()),
            (false, true) => Self::Below(begin.to_owned()),
            (false, false) => Self::Topic(begin.to_owned()),
        }
    }

    /// Whether events on `topic` are meant.
    pub fn fits(&self, topic: &str) -> bool {
        let wanted = match self {
            Self::Topic(wanted) => return wanted == topic,
            Self::Below(begin) if begin.is_empty() => return true,
            Self::Below(begin) => {
                return topic.strip_prefix(begin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            }
            Self::Parts(wanted) => wanted,
        };
        let mut parts = topic.split('.');
        for wanted in wanted {
            match (wanted.as_str(), parts.next()) {
                ("**", _) => return true,
                (_, None) => return false,
                ("*", Some(_)) => {}
                (wanted, Some(part)) if wanted == part => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }
}

/// Checks a topic on which a plugin publishes.
pub(crate) fn check_topic(topic: &str) -> Result<(), &'static str> {
    check_parts(topic)?;
    if topic.contains('*') {
        return Err("a topic with a wildcard");
    }
    if topic.starts_with(RESERVED) {
        return Err("a topic that begins with \"jackfield.\", which is reserved");
    }
    Ok(())
}

/// Checks a pattern to subscribe to; those of the server's own topics may be among them.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    check_parts(pattern)?;
    let mut parts = pattern.split('.').peekable();
    while let Some(part) = parts.next() {
        match part {
            "**" if parts.peek().is_some() => return Err("a pattern with parts behind \"**\""),
            "*" | "**" => {}
            part if part.contains('*') => return Err("a pattern with a wildcard that is not a whole part"),
            _ => {}
        }
    }
    Ok(())
}

fn check_parts(name: &str) -> Result<(), &'static str> {
    if name.len() > MAX_NAME {
        return Err("a name of more than 256 bytes");
    }
    if name.split('.').any(str::is_empty) {
        return Err("a name with an empty part");
    }
    if name.chars().any(char::is_control) {
        return Err("a name with a control character");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_one_part_or_the_rest() {
        let fits = |pattern: &str, topic| Pattern::new(pattern).fits(topic);
        assert!(fits("a.b", "a.b") && fits("a.*", "a.b") && fits("**", "a.b.c") && fits("a.**", "a.b.c"));
        assert!(fits("a.**", "a") && fits("*.**", "a") && fits("*.b.**", "a.b.c") && !fits("a.**", "ab"));
        assert!(!fits("a", "a.b") && !fits("a.b", "a") && !fits("a.*", "a.b.c") && !fits("*.c", "a.b"));
    }

    #[test]
    fn what_breaks_the_grammar_is_named() {
        for bad in ["", ".", "a.", ".a", "a..b", "a.*", "**", "a*", "a\n", "jackfield.plugins", &"x".repeat(257)] {
            assert!(check_topic(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "a..b", "a*", "**.a", "*a.b", "***", "a.\0", &"x".repeat(257)] {
            assert!(check_pattern(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "a.b", "jackfield", "jackfieldx.a", "größe.Ä b", &"x".repeat(256)] {
            assert_eq!((check_topic(good), check_pattern(good)), (Ok(()), Ok(())), "{good:?}");
        }
        for good in ["*", "**", "a.*.b", "a.*.**", "jackfield.plugins"] {
            assert_eq!(check_pattern(good), Ok(()), "{good:?}");
        }
    }

    proptest! {
        /// A valid topic is a valid pattern, and fits itself, its parts as `*`, and `**` behind any of its beginnings.
        #[test]
        fn a_topic_fits_itself_and_its_generalisations(
            parts in prop::collection::vec("[^.*\\p{C}]{1,8}", 1..6), stars: u8, cut in 0..6_usize
        ) {
            let topic = parts.join(".");
            prop_assume!(!topic.starts_with(RESERVED) && topic.len() <= MAX_NAME);
            prop_assert_eq!(check_topic(&topic), Ok(()));
            let starred = |(index, part): (usize, &String)| if stars >> index & 1 == 1 { "*".into() } else { part.clone() };
            let mut general: Vec<String> = parts.iter().enumerate().map(starred).collect();
            prop_assert!(Pattern::new(&topic).fits(&topic) && Pattern::new(&general.join(".")).fits(&topic));
            general.truncate(cut);
            general.push("**".into());
            let general = general.join(".");
            prop_assert_eq!(check_pattern(&general), Ok(()));
            prop_assert!(Pattern::new(&general).fits(&topic), "{} does not fit {}", general, topic);
        }

        /// Any text at all is a topic exactly when it has the form that plugin.h gives.
        #[test]
        fn any_text_is_judged_by_the_grammar_alone(text in "\\PC{0,12}|[a.*]{0,8}|(jackfield)?[.a]{0,4}") {
            let sound = !text.is_empty()
                && !text.starts_with('.') && !text.ends_with('.') && !text.contains("..")
                && !text.contains('*') && !text.starts_with("jackfield.")
                && !text.contains(|c: char| c.is_control());
            prop_assert_eq!(check_topic(&text).is_ok(), sound, "{:?}", text);
        }
    }
}
