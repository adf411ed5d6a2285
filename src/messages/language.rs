//! Which language a message is in: what people wish meets what there is.

use std::sync::Arc;

/// The longest tag that is looked at, in bytes (RFC 5646, 4.4.1).
const LONGEST: usize = 35;
/// How many entries of an `Accept-Language` header are read.
const WISHES: usize = 16;

/// A language that a [`Catalogue`](super::Catalogue) has every message in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(Arc<str>);

impl Language {
    pub(super) fn new(tag: &str) -> Self {
        Self(tag.into())
    }

    /// Its tag, such as `de`.
    pub fn tag(&self) -> &str {
        &self.0
    }

    /// Whether `tag` is its own, whatever the case of the letters.
    pub(super) fn is(&self, tag: &str) -> bool {
        self.0.eq_ignore_ascii_case(tag)
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` has the shape of a language tag (RFC 5646): a language, then subtags.
pub(super) fn is_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let first = parts
        .next()
        .is_some_and(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    first
        && text.len() <= LONGEST
        && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The tags of `Accept-Language` (RFC 9110, 12.5.4), the most wanted first. At most 16 entries are read, whatever is
/// sent; what is no tag, `*` and what has a weight of 0 is left out.
pub fn accepted<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let entries = headers.into_iter().flat_map(|header| header.split(',')).take(WISHES);
    let mut wishes: Vec<(&str, u16)> = entries.filter_map(entry).collect();
    wishes.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    wishes.into_iter().map(|(tag, _)| tag.to_owned()).collect()
}

/// `de-AT;q=0.8` → the tag and its weight in thousandths.
fn entry(text: &str) -> Option<(&str, u16)> {
    let (tag, weight) = match text.split_once(';') {
        Some((tag, weight)) => (tag, thousandths(weight)?),
        None => (text, 1_000),
    };
    let tag = tag.trim_matches([' ', '\t']);
    (weight > 0 && is_tag(tag)).then_some((tag, weight))
}

/// `q=0.8` → 800: at most three digits, at most 1.
fn thousandths(text: &str) -> Option<u16> {
    let (name, value) = text.trim_matches([' ', '\t']).split_once('=')?;
    let (whole, rest) = value.split_once('.').unwrap_or((value, ""));
    let sound = name.eq_ignore_ascii_case("q") && rest.len() <= 3 && rest.bytes().all(|b| b.is_ascii_digit());
    let weight = match (sound, whole) {
        (true, "0") => format!("{rest:0<3}").parse().ok()?,
        (true, "1") if rest.bytes().all(|b| b == b'0') => 1_000,
        _ => return None,
    };
    Some(weight)
}

/// The language among `known` that `wish` means: its tag, or what is left of it without its last subtags (RFC 4647,
/// 3.4: `zh-Hans-CN` finds `zh`). `wish` may be whatever somebody wrote.
pub(super) fn lookup<'a>(
    known: impl Iterator<Item = &'a Language> + Clone,
    wish: &str,
) -> Option<&'a Language> {
    let wish = wish.trim().replace('_', "-");
    let mut range = Some(wish.as_str()).filter(|wish| is_tag(wish));
    while let Some(tag) = range {
        if let Some(found) = known.clone().find(|language| language.is(tag)) {
            return Some(found);
        }
        range = tag.rsplit_once('-').map(|(left, _)| left);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(wish: &str) -> Option<String> {
        let known = ["en", "de", "zh", "sr-Latn"].map(Language::new);
        lookup(known.iter(), wish).map(|language| language.tag().to_owned())
    }

    #[test]
    fn a_tag_is_cut_until_it_is_known() {
        for (wish, tag) in [
            ("de", "de"),
            ("DE-at", "de"),
            ("de_CH", "de"),
            (" zh-Hans-CN ", "zh"),
            ("sr-Latn-RS", "sr-Latn"),
            ("en-x-pirate", "en"),
        ] {
            assert_eq!(found(wish).as_deref(), Some(tag), "{wish}");
        }
        for wish in ["", "sr", "pt-BR", "deutsch", "d", "de-", "-de", "de--AT", "*", "de\n", "de AT", "дe"] {
            assert_eq!(found(wish), (wish == "de\n").then(|| "de".into()), "{wish:?}");
        }
        assert_eq!(found(&format!("de-{}", "x-".repeat(5_000))), None);
    }

    #[test]
    fn what_is_wanted_more_comes_first() {
        let accepted = |header: &str| accepted([header]).join(" ");
        assert_eq!(accepted("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5"), "fr-CH fr en de");
        assert_eq!(accepted("en;q=0.1,de;Q=1.000 , pl ; q=0.11"), "de pl en");
        assert_eq!(accepted("da, de;q=0, es;q=0.000"), "da");
        for bad in ["", ",,;", "de;q=2", "de;q=1.001", "de;q=0.1234", "de;q=-1", "de;q", "de;level=1", "d e"]
        {
            assert_eq!(accepted(bad), "", "{bad}");
        }
        assert_eq!(super::accepted(["en;q=0.5", "de"]), ["de", "en"]);
    }

    #[test]
    fn no_more_than_some_entries_are_read() {
        assert_eq!(accepted(["de,".repeat(9_000).as_str()]).len(), WISHES);
        assert!(accepted([format!("{},de", ",".repeat(WISHES)).as_str()]).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_few_short_tags(headers in prop::collection::vec(any::<String>(), 0..4)) {
            let tags = accepted(headers.iter().map(String::as_str));
            prop_assert!(tags.len() <= WISHES && tags.iter().all(|tag| is_tag(tag)));
        }

        #[test]
        fn a_header_that_is_well_formed_loses_nothing(
            entries in prop::collection::vec(("[a-z]{2,3}(-[A-Z]{2})?", 1_u16..=1_000), 1..WISHES),
        ) {
            let header: Vec<String> = entries
                .iter()
                .map(|(tag, q)| if *q == 1_000 { tag.clone() } else { format!("{tag};q=0.{q:03}") })
                .collect();
            let mut expected = entries.clone();
            expected.sort_by_key(|(_, q)| std::cmp::Reverse(*q));
            let expected: Vec<String> = expected.into_iter().map(|(tag, _)| tag).collect();
            prop_assert_eq!(accepted([header.join(", ").as_str()]), expected);
        }

        #[test]
        fn any_wish_is_looked_up_or_not(wish in any::<String>()) {
            let _ = found(&wish);
        }
    }
}
