//! How many text messages a text is: what is sent is counted, and paid, by them.

/// The basic alphabet of GSM 03.38, besides the ASCII characters of [`PLAIN`].
const BASIC: &str = "\n\r£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
/// The ASCII characters of the basic alphabet besides letters and digits.
const PLAIN: &str = " !\"#$%&'()*+,-./:;<=>?@_";
/// The characters of the extension table: two septets each.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How many text messages `text` is: 160 septets where all of it is in the alphabet of GSM 03.38 (3GPP TS 23.038),
/// else 70 units of UCS-2; of several messages each holds 153 or 67, for their header takes the rest. No character is
/// split between two. An empty text is one message.
pub fn segments(text: &str) -> u32 {
    let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
    match septets {
        Some(sizes) => packed(&sizes, 160, 153),
        None => packed(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

/// Whether all of `text` is in the alphabet of GSM 03.38, so that it arrives as written without Unicode.
pub fn is_gsm(text: &str) -> bool {
    text.chars().all(|c| septets(c).is_some())
}

/// The septets of a character; none where the alphabet does not have it.
fn septets(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || PLAIN.contains(c) || BASIC.contains(c) {
        return Some(1);
    }
    EXTENDED.contains(c).then_some(2)
}

/// Characters of these `sizes` in messages of `alone` units, or of `each` where one does not do.
fn packed(sizes: &[usize], alone: usize, each: usize) -> u32 {
    if sizes.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut messages, mut filled) = (1, 0);
    for size in sizes {
        if filled + size > each {
            (messages, filled) = (messages + 1, 0);
        }
        filled += size;
    }
    messages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_holds_160_septets_or_70_units_and_of_several_each_153_or_67() {
        for (c, alone, each) in
            [('a', 160, 153), ('é', 160, 153), ('{', 80, 76), ('ą', 70, 67), ('😀', 35, 33)]
        {
            let segments = |count: usize| segments(&c.to_string().repeat(count));
            assert_eq!((segments(0), segments(alone), segments(alone + 1)), (1, 1, 2), "{c}");
            assert_eq!((segments(2 * each), segments(2 * each + 1)), (2, 3), "{c}");
        }
    }

    #[test]
    fn what_is_not_in_the_alphabet_makes_all_of_it_larger() {
        assert_eq!(segments(&"a".repeat(100)), 1);
        for c in ['ç', 'á', 'ê', '`', '’', 'ا', '码', '\t'] {
            assert_eq!(segments(&format!("{c}{}", "a".repeat(99))), 2, "{c}");
        }
    }

    #[test]
    fn the_alphabet_has_its_128_places_and_ten_more() {
        let letters = 26 + 26 + 10;
        // Place 27 leads to the extension table and is no character; `\n` and `\r` are two of the rest.
        assert_eq!(letters + PLAIN.chars().count() + BASIC.chars().count(), 127);
        assert_eq!(EXTENDED.chars().count(), 10);
    }

    proptest! {
        #[test]
        fn a_longer_text_is_never_fewer_messages(text in any::<String>(), more in any::<String>()) {
            let longer = format!("{text}{more}");
            prop_assert!(segments(&longer) >= segments(&text));
        }
    }
}
