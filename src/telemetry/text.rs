//! Text that is safe to print: it cannot end a line, move a cursor, or show in another order than it has.

use std::fmt::{self, Write};

/// How much of one field is kept, bytes.
pub const LONGEST: usize = 2_048;
/// What a shortened field ends with.
const MORE: &str = "…[cut]";

/// Whether `c` does something else than show: control characters (C0, DEL, C1), line and paragraph
/// separators, bidirectional and other invisible formatting (Unicode category Cf), and noncharacters (R151).
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{8e2}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Whether nothing in it can act, at a glance: nearly every line is plain ASCII.
fn is_harmless(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// `text` with every acting character written out as in Rust: `\n`, `\u{202e}`.
pub fn plain(text: &str) -> String {
    if is_harmless(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// `json` with every acting character written as `\uXXXX`. Such characters stand only inside its strings,
/// so what is parsed from it is the same.
pub fn json(json: &str) -> String {
    if is_harmless(json) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            let units = &mut [0; 2];
            for unit in c.encode_utf16(units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text that takes no more than [`LONGEST`] bytes, however much is written to it.
#[derive(Debug, Default)]
pub struct Short(String);

impl Short {
    /// `value` as it prints, cut when it is too long. What is cut is never made in the first place.
    pub fn of(value: impl fmt::Display) -> String {
        let mut short = Self::default();
        match write!(short, "{value}") {
            Ok(()) => short.0,
            Err(_) => short.0 + MORE,
        }
    }
}

impl Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST - self.0.len();
        if more.len() <= room {
            self.0.push_str(more);
            return Ok(());
        }
        let end = (0..=room).rev().find(|end| more.is_char_boundary(*end)).unwrap_or(0);
        self.0.push_str(&more[..end]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        assert_eq!(plain("a\nb\u{1b}[31m\u{202e}é"), "a\\nb\\u{1b}[31m\\u{202e}é");
        assert_eq!(json("\"\u{202e}\u{e0001}é\""), "\"\\u202e\\udb40\\udc01é\"");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let short = Short::of("é".repeat(1 << 20));
        assert_eq!(short.len(), LONGEST + MORE.len());
        assert!(short.ends_with("é…[cut]"));
        assert_eq!(Short::of("x".repeat(LONGEST)).len(), LONGEST);
    }

    proptest! {
        #[test]
        fn nothing_acts_and_json_says_the_same(text in "\\PC{0,20}|[\\s\\S]{0,40}") {
            let printed = json(&serde_json::to_string(&text).unwrap());
            prop_assert!(!printed.chars().any(acts));
            prop_assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text.clone());
            prop_assert!(!plain(&text).chars().any(acts));
        }
    }
}
