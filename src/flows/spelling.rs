//! Hints for misspelled words.

/// The one of `names` that `word` most likely stands for: at most two letters away, and not a wholly other word.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 2).min(2);
    let (distance, name) =
        names.map(|name| (distance(&word, name), name)).min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed).then_some(name)
}

/// How many letters must be put in, taken out or changed to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = || ["email", "phone", "password", "passcode"].into_iter();
        assert_eq!(nearest("emial", names()), Some("email"));
        assert_eq!(nearest("Passwrod", names()), Some("password"));
        assert_eq!(nearest("fingerprint", names()), None);
        assert_eq!(nearest("", names()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
