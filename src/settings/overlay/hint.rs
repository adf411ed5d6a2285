//! What somebody may have meant.

/// The one of `names` that `text` most likely stands for, if any is near.
pub(in crate::settings) fn nearest<'a>(
    text: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let text = text.to_ascii_lowercase().replace('-', "_");
    let reach = (text.chars().count() / 3).clamp(1, 3);
    let near = names.into_iter().map(|name| (distance(&text, &name.to_ascii_lowercase()), name));
    near.filter(|(steps, _)| *steps <= reach).min_by_key(|(steps, _)| *steps).map(|(_, name)| name)
}

/// ``did you mean `b`? Known here: a, b, c``
pub fn none_of(text: &str, names: &[&str]) -> String {
    let known = if names.is_empty() { "nothing".into() } else { names.join(", ") };
    match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? Known here: {known}"),
        None => format!("known here: {known}"),
    }
}

/// Insertions, removals, replacements and swaps of neighbours that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let above = &rows[i - 1];
            let mut best =
                (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + usize::from(a[i - 1] != b[j - 1]));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_a_stranger_is_not() {
        let names = ["listen", "trusted_proxies", "drain"];
        assert_eq!(nearest("lsiten", names), Some("listen"));
        assert_eq!(nearest("Trusted-Proxy", names), Some("trusted_proxies"));
        assert_eq!(nearest("train", names), Some("drain"));
        assert_eq!(nearest("brawn", names), None);
        assert_eq!(nearest("flows", names), None);
    }

    #[test]
    fn distance_counts_single_steps() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
