//! Passwords: what may be set, and the form that is hashed (R59–R62).

use unicode_normalization::UnicodeNormalization;

use super::{Choice, SecretKind, blocklist};
use crate::base::{Fault, Sensitive, Wrong};
use crate::flows::Factor;
use crate::settings;

/// The orders of magnitude of guesses (zxcvbn) below which a password is refused, alone and beside other secrets.
///
/// Repeats, sequences, rows of keys, `password` with a number and their like stay below 10^4.7; ordinary
/// passphrases of 15 characters begin near 10^8. Beside another secret only the plainest are refused.
const GUESSES_ALONE: f64 = 5.0;
const GUESSES_BESIDE: f64 = 3.0;
/// How many characters of either end are judged. The estimate takes 1 ms for these, but for a text of nothing but
/// look-alike signs (`4@8({[<`) some 30 ms, and ten times that for one of 100.
const JUDGED: usize = 24;

/// A secret that a person remembers or keeps in a manager.
pub struct Password;

impl SecretKind for Password {
    fn name(&self) -> &'static str {
        "password"
    }

    fn factor(&self) -> Factor {
        Factor::Known
    }

    fn check(&self, typed: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault> {
        choice.passwords.check(typed, choice.alone, choice.names, choice.field)
    }

    fn title(&self) -> &'static str {
        "Password"
    }

    fn example(&self) -> &'static str {
        "plum-lantern-orbit-42"
    }
}

/// Which passwords may be set. There is no rule of composition: every character counts, spaces and emoji too.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The fewest code points of a password that is the only secret of a flow.
    pub minimum_single: usize,
    /// The fewest code points of one that stands beside another secret.
    pub minimum_multi: usize,
    /// The most code points.
    pub maximum: usize,
    /// The most bytes of UTF-8.
    pub maximum_bytes: usize,
    /// Whether well-known and easily guessed passwords are refused (R61).
    pub blocklist: bool,
}

impl From<&settings::Password> for Policy {
    fn from(settings: &settings::Password) -> Self {
        Self {
            minimum_single: settings.minimum_single as usize,
            minimum_multi: settings.minimum_multi as usize,
            maximum: settings.maximum as usize,
            blocklist: settings.blocklist,
            ..Self::default()
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { minimum_single: 15, minimum_multi: 8, maximum: 256, maximum_bytes: 1_024, blocklist: true }
    }
}

/// A password as it is hashed and compared: NFC and nothing else, no trimming and no cutting (R60).
pub fn prepare(text: &str) -> Sensitive {
    // A composed text is never longer than three times its bytes, so nothing moves while it grows.
    let mut ready = String::with_capacity(3 * text.len());
    ready.extend(text.nfc());
    Sensitive::new(ready)
}

impl Policy {
    /// A password that may be set, as it is hashed. `alone`: it is the only secret of a flow of this user.
    /// `context`: the service's name, the username and the like, which nobody may take for a password.
    ///
    /// # Errors
    /// A fault of `field` with the code `too_short`, `too_long`, `too_common`, `too_guessable` or `too_personal`.
    pub fn check(&self, text: &str, alone: bool, context: &[&str], field: &str) -> Result<Sensitive, Fault> {
        let fault = |wrong| Err(Fault::new(field, wrong));
        let too_long = || fault(Wrong::TooLongPassword { most: self.maximum });
        // Normalising shortens a text to a third at the very most: of more bytes nothing fits.
        if text.len() > 3 * self.maximum_bytes {
            return too_long();
        }
        let ready = prepare(text);
        let length = ready.expose().chars().count();
        if length > self.maximum || ready.expose().len() > self.maximum_bytes {
            return too_long();
        }
        let minimum = if alone { self.minimum_single } else { self.minimum_multi };
        if length < minimum {
            return fault(Wrong::TooShortPassword { least: minimum });
        }
        match self.blocklist.then(|| weakness(ready.expose(), alone, context)).flatten() {
            Some(weakness) => fault(weakness),
            None => Ok(ready),
        }
    }
}

/// Why a password of good length is still a bad one, if it is.
fn weakness(password: &str, alone: bool, context: &[&str]) -> Option<Wrong> {
    let folded = password.to_lowercase();
    if context.iter().any(|word| !word.is_empty() && word.to_lowercase() == folded) {
        return Some(Wrong::TooPersonal);
    }
    if blocklist::is_common(password) {
        return Some(Wrong::TooCommon);
    }
    let bound = if alone { GUESSES_ALONE } else { GUESSES_BESIDE };
    guessable(password, context, bound).then_some(Wrong::TooGuessable)
}

/// Whether both ends of the password are guessed in less than 10^`bound` tries.
///
/// Only ASCII is judged: the estimate knows no other script and takes each of its characters for a digit.
fn guessable(password: &str, context: &[&str], bound: f64) -> bool {
    let weak = |part: &str| zxcvbn::zxcvbn(part, context).guesses_log10() < bound;
    let tail = password.len().saturating_sub(JUDGED);
    password.is_ascii()
        && weak(&password[..password.len().min(JUDGED)])
        && (tail == 0 || weak(&password[tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, alone: bool) -> Result<(), &'static str> {
        let context = ["Contoso Identity", "ada.lovelace.1815", "ada"];
        Policy::default().check(text, alone, &context, "password").map(drop).map_err(|f| f.code)
    }

    /// A text of `length` characters that no rule but the length refuses.
    fn plain(length: usize) -> String {
        "kV7#qz!mR2 wLp9_xTe4".chars().cycle().take(length).collect()
    }

    #[test]
    fn the_length_depends_on_what_stands_beside() {
        for (length, alone, beside) in [
            (7, Err("too_short"), Err("too_short")),
            (8, Err("too_short"), Ok(())),
            (14, Err("too_short"), Ok(())),
            (15, Ok(()), Ok(())),
            (64, Ok(()), Ok(())),
            (256, Ok(()), Ok(())),
            (257, Err("too_long"), Err("too_long")),
        ] {
            assert_eq!(code(&plain(length), true), alone, "{length} alone");
            assert_eq!(code(&plain(length), false), beside, "{length} beside");
        }
    }

    #[test]
    fn code_points_are_counted_after_composing() {
        assert_eq!(code(&"é\u{301}".repeat(8), true), Ok(()), "8 and 8 that do not compose");
        assert_eq!(code(&"e\u{301}".repeat(8), true), Err("too_short"));
        assert_eq!(code(&"e\u{301}".repeat(256), true), Ok(()));
        assert_eq!(code(&"🙂".repeat(256), true), Ok(()), "1024 bytes");
        assert_eq!(code(&"x".repeat(100_000), true), Err("too_long"));
        let narrow = Policy { maximum_bytes: 60, ..Policy::default() };
        assert!(narrow.check(&"🙂".repeat(16), true, &[], "password").is_err(), "64 bytes");
    }

    #[test]
    fn nothing_is_trimmed_or_cut() {
        let text = format!("  {} \t", plain(250));
        let ready = Policy::default().check(&text, true, &[], "password").unwrap();
        assert_eq!(ready.expose(), text);
        assert_eq!(prepare("cafe\u{301}"), prepare("café"));
        for cut in [72, 73, 255] {
            assert_ne!(prepare(&plain(cut)), prepare(&(plain(cut - 1) + "~")));
        }
    }

    #[test]
    fn ordinary_passphrases_pass() {
        for text in [
            "correct horse battery staple",
            "correcthorsebattery",
            "my dog likes cheese",
            "one two three four",
            "welcome to london",
            "jumpingjackflash",
            "annamaria19870415",
            "longenoughpassword",
            "test-password-123",
            "😀😃😄😁😆😅🤣😂🙂🙃😉😊😇🥰😍",
            "🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂",
            "это мой пароль для тебя",
            "我的密码是一个很长很长的句子真的",
            "a1b2c3d4e5f6g7h8",
        ] {
            assert_eq!(code(text, true), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for text in [
            "aaaaaaaaaaaaaaa",
            "passwordpassword",
            "abcdefghijklmno",
            "qwertyuiopasdfgh",
            "Password12345678",
            "abcabcabcabcabc",
            "P@ssw0rdP@ssw0rd",
            "iloveyouiloveyou",
            "hunter2hunter2hunter2",
            &"x".repeat(256),
            &"password".repeat(32),
        ] {
            assert_eq!(code(text, true), Err("too_guessable"), "{text}");
        }
        for text in ["password", "PassWord", "1q2w3e4r5t6y7u8i9o0p", "iloveyou", "trustno1"] {
            assert_eq!(code(text, false), Err("too_common"), "{text}");
        }
        assert_eq!(code("1Q2W3E4R5T6Y7U8I9O0P", true), Err("too_common"));
        assert_eq!(code("ADA.lovelace.1815", true), Err("too_personal"));
        assert_eq!(code("contoso identity", true), Err("too_personal"));
        assert_eq!(code("contoso identity is my service", true), Ok(()), "whole text only");
        assert_eq!(code("dragon12 ", false), Ok(()), "beside another secret only the plainest are refused");
        let free = Policy { blocklist: false, ..Policy::default() };
        assert!(free.check("aaaaaaaaaaaaaaa", true, &[], "password").is_ok());
    }

    #[test]
    fn a_fault_names_the_field_and_not_the_password() {
        let fault = Policy::default().check("trustno1", true, &[], "new_password").unwrap_err();
        assert_eq!((fault.field.as_str(), fault.code), ("new_password", "too_short"));
        assert!(fault.message.contains("15") && !fault.message.contains("trustno1"));
    }
}
