//! The passwords that everybody knows (R61).

/// The list with its licence; see the head of the file.
const FILE: &str = include_str!("common_passwords.txt");

/// Whether `password` is, capitals aside, one of some 8 000 well-known passwords of eight characters or more.
pub fn is_common(password: &str) -> bool {
    let wanted = password.to_lowercase();
    let mut rest = entries();
    // A binary search over sorted lines, which needs no table in memory.
    while !rest.is_empty() {
        let start = rest.floor_char_boundary(rest.len() / 2);
        let start = rest[..start].rfind('\n').map_or(0, |end| end + 1);
        let end = rest[start..].find('\n').map_or(rest.len(), |length| start + length);
        match wanted.as_str().cmp(&rest[start..end]) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => rest = &rest[..start],
            std::cmp::Ordering::Greater => rest = rest.get(end + 1..).unwrap_or_default(),
        }
    }
    false
}

/// The entries: what follows the first blank line.
fn entries() -> &'static str {
    FILE.split_once("\n\n").map_or("", |(_, entries)| entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_nothing_beside() {
        let all: Vec<&str> = entries().lines().collect();
        assert!(all.len() >= 3_000);
        for entry in &all {
            assert!(is_common(entry), "{entry}");
            assert!(is_common(&entry.to_uppercase()), "{entry}");
            assert!(!is_common(&format!("{entry}\u{1}")), "{entry}");
        }
        for other in ["", "!", "~", "zzzzzzzzzzzzzzzzz", "correct horse battery staple", "\n", "🙂"] {
            assert!(!is_common(other), "{other}");
        }
    }

    #[test]
    fn the_file_is_what_the_search_relies_on() {
        let all: Vec<&str> = entries().lines().collect();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "sorted by byte, no entry twice");
        assert!(all.iter().all(|entry| entry.chars().count() >= 8 && **entry == entry.to_lowercase()));
    }
}
