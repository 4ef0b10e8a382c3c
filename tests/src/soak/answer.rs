//! What a plugin of the soak answers: `{"of":KEY,"version":TEXT,"stamp":N,"to":PARAMS}`, with `"count":N` before `"to"` where
//! it counts. Read by position: at tens of thousands a second a JSON tree would be the slowest part of the client.

/// One answer, borrowed from its text.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The key that was answered.
    pub of: &'a str,
    /// Version of the plugin.
    pub version: &'a str,
    /// When the instance that answered was made.
    pub stamp: u64,
    /// The count of a plugin that counts, after this command.
    pub count: Option<u64>,
    /// The params: session, number, what was to be added.
    pub to: [u64; 3],
}

impl<'a> Answer<'a> {
    /// `None`: that is no such answer, to the last byte.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (of, rest) = text.strip_prefix(r#"{"of":""#)?.split_once(r#"","version":""#)?;
        let (version, rest) = rest.split_once(r#"","stamp":"#)?;
        let (stamp, rest) = rest.split_once(',')?;
        let (count, rest) = match rest.strip_prefix(r#""count":"#) {
            None => (None, rest),
            Some(rest) => {
                let (count, rest) = rest.split_once(',')?;
                (Some(count.parse().ok()?), rest)
            }
        };
        let mut numbers = rest.strip_prefix(r#""to":["#)?.strip_suffix("]}")?.split(',');
        let mut number = || numbers.next()?.parse().ok();
        let to = [number()?, number()?, number()?];
        if numbers.next().is_some() {
            return None;
        }
        Some(Self { of, version, stamp: stamp.parse().ok()?, count, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_the_last_byte() {
        let text = r#"{"of":"a.b","version":"1.0.1","stamp":77,"to":[1,2,3]}"#;
        let answer = Answer { of: "a.b", version: "1.0.1", stamp: 77, count: None, to: [1, 2, 3] };
        assert_eq!(Answer::parse(text), Some(answer));
        let counted = text.replace(r#""to""#, r#""count":9,"to""#);
        assert_eq!(Answer::parse(&counted).and_then(|answer| answer.count), Some(9));
        for wrong in ["Error: busy", &text[..text.len() - 1], &text.replace(']', ",4]"), &format!("{text} ")] {
            assert_eq!(Answer::parse(wrong), None, "{wrong}");
        }
    }
}
