//! The `amr` claim of a token: by which methods the user was authenticated.

use super::{Factor, Level, Passed, Vocabulary, level_of_passed};

/// The methods of RFC 8176 that `passed` stand for, in order and without repeats.
///
/// What is known is `pwd`, and `pin` where it is short: the password and the hardcode, and kinds of an own program
/// by their factor. `passcode` is `otp`, with `sms` where a phone carried it; `mfa` ends the list where something
/// known and something held were both passed ([`Level::MultiFactor`]). A passcode by email also says `email`, which
/// RFC 8176 does not register: a reader must be able to tell it from possession. What has no name here is left out.
pub fn amr(passed: &[Passed], words: &Vocabulary) -> Vec<&'static str> {
    let mut methods: Vec<&'static str> = Vec::new();
    for method in passed.iter().flat_map(|item| methods_of(item, words)) {
        if !methods.contains(method) {
            methods.push(method);
        }
    }
    if level_of_passed(passed, words) == Level::MultiFactor {
        methods.push("mfa");
    }
    methods
}

fn methods_of(passed: &Passed, words: &Vocabulary) -> &'static [&'static str] {
    let Some(word) = words.secret(&passed.secret) else { return &[] };
    match (word.carried, words.factor_of(passed)) {
        (true, Some(Factor::Restricted)) => &["otp", "sms"],
        (true, Some(Factor::Reach)) => &["otp", "email"],
        (true, _) => &["otp"],
        (false, Some(Factor::Known)) => &["pwd"],
        (false, Some(Factor::Weak)) => &["pin"],
        (false, _) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{passed, words};
    use super::super::{Level, level_of_passed};
    use super::*;

    #[test]
    fn methods_are_named_as_what_they_are() {
        let of = |items: &[&str]| amr(&passed(items), &words()).join(" ");
        assert_eq!(of(&["password"]), "pwd");
        assert_eq!(of(&["hardcode", "passcode:phone"]), "pin otp sms");
        assert_eq!(of(&["password", "passcode:email"]), "pwd otp email");
        assert_eq!(of(&["password", "passcode:authenticator"]), "pwd otp mfa");
        assert_eq!(of(&["password", "passcode:email", "passcode:phone"]), "pwd otp email sms mfa");
        assert_eq!(of(&["retina"]), "");
    }

    #[test]
    fn mfa_and_the_level_never_disagree() {
        let items = ["password", "hardcode", "passcode:email", "passcode:phone", "passcode:authenticator"];
        for chosen in 0..1_u32 << items.len() {
            let some: Vec<&str> =
                (0..items.len()).filter(|i| chosen & (1 << i) != 0).map(|i| items[i]).collect();
            let some = passed(&some);
            let multifactor = level_of_passed(&some, &words()) == Level::MultiFactor;
            assert_eq!(amr(&some, &words()).contains(&"mfa"), multifactor, "{some:?}");
        }
    }
}
