//! The letters that a plain SMS can have (3GPP TS 23.038, 6.2.1). Others go out as Unicode.

/// The basic table without its escape, and the extension.
const LETTERS: &str = concat!(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?",
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
    "\u{c}^{}\\[~]|€",
);

/// Whether `text` arrives as written without Unicode.
pub(super) fn can_write(text: &str) -> bool {
    text.chars().all(|c| LETTERS.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_its_letters_and_no_others() {
        assert_eq!(LETTERS.chars().count(), 127 + 10);
        assert!(can_write("305118 is your Acme code. €5 [@à]\n"));
        for other in ["ż", "’", "`", "—", "…", "\t", "ç", "😀", "\u{1b}"] {
            assert!(!can_write(&format!("Your code {other}")), "{other:?}");
        }
    }
}
