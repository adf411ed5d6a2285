//! Addresses as a log may show them.

const DOTS: &str = "•••";

/// `address` with its owner taken out: `m•••@example.com`, `+•••67`, and `m•••` for a username.
/// Masking twice changes nothing.
pub fn mask_address(address: &str) -> String {
    let address = super::clean::line(address);
    if let Some((local, domain)) = address.rsplit_once('@') {
        return format!("{}@{domain}", first(local));
    }
    match address.strip_prefix('+') {
        Some(number) => format!("+{DOTS}{}", last_two(number)),
        None => first(&address),
    }
}

fn first(text: &str) -> String {
    let start: String = text.chars().take(1).filter(|c| *c != '•').collect();
    format!("{start}{DOTS}")
}

/// The last two digits of a number long enough that they do not tell it.
fn last_two(number: &str) -> String {
    let tail: Vec<char> = number.chars().rev().take(2).collect();
    if number.chars().count() < 5 { String::new() } else { tail.into_iter().rev().collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_owner_is_not_told() {
        assert_eq!(mask_address("maria@example.com"), "m•••@example.com");
        assert_eq!(mask_address("+48123456767"), "+•••67");
        assert_eq!(mask_address("+123"), "+•••");
        assert_eq!(mask_address("maria"), "m•••");
        assert_eq!(mask_address(""), "•••");
    }

    proptest! {
        #[test]
        fn masking_twice_changes_nothing(address in any::<String>()) {
            let once = mask_address(&address);
            prop_assert_eq!(mask_address(&once), once);
        }
    }
}
