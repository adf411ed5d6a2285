//! Text from outside made fit to stand in a line (R131, R133).

/// The longest name that is written in a message, in characters (R133).
pub const NAME_LENGTH: usize = 64;

/// `text` as one line: controls, line and paragraph separators and invisible marks become spaces, runs of spaces
/// one, and the start of an encoded word (`=?`, RFC 2047) is taken apart (R131).
pub fn line(text: &str) -> String {
    one_line(text, unseen)
}

/// As [`line`], for a rendered text: the mark that Persian spells words with (U+200C) stays. What came from outside was
/// made a line before and has none.
pub(super) fn rendered_line(text: &str) -> String {
    one_line(text, |c| c != '\u{200c}' && unseen(c))
}

fn one_line(text: &str, gone: impl Fn(char) -> bool) -> String {
    let spaced: String = text.chars().map(|c| if gone(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    words.join(" ").replace("=?", "= ?")
}

/// A name that a person chose: one line of at most [`NAME_LENGTH`] characters. `None` where nothing is left, or
/// where it holds a web address or markup, which a mail program might make into a link (R133).
pub fn name(text: &str) -> Option<String> {
    let name: String = line(text).chars().take(NAME_LENGTH).collect();
    let name = name.trim_end();
    let lower = name.to_lowercase();
    let suspect = name.contains(['<', '>', '/', '\\']) || lower.contains("www.") || lower.contains("mailto:");
    (!name.is_empty() && !suspect).then(|| name.to_owned())
}

/// Controls, and the marks that separate lines, join words or turn the direction of writing.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_end_a_line_becomes_a_space() {
        for end in ["\r\n", "\n", "\r", "\0", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\u{202e}"]
        {
            assert_eq!(line(&format!("a{end}Bcc: b@example.com")), "a Bcc: b@example.com", "{end:?}");
        }
        assert_eq!(line("=?utf-8?q?=0d=0aBcc:?="), "= ?utf-8?q?=0d=0aBcc:?=");
        assert!(!line("=\u{0}?utf-8?q?x?=").contains("=?"));
    }

    #[test]
    fn a_name_holds_no_link_and_no_markup() {
        assert_eq!(name(" Maria\tK. ").as_deref(), Some("Maria K."));
        for bad in ["", "\n", "win http://evil.example", "WWW.evil.example", "<b>x</b>", "evil.example/claim"]
        {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        assert_eq!(name(&"ä".repeat(200)).unwrap().chars().count(), NAME_LENGTH);
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_and_stays_so(text in any::<String>()) {
            let once = line(&text);
            prop_assert!(!once.contains(unseen) && !once.contains("=?"));
            prop_assert_eq!(line(&once), once);
        }
    }
}
