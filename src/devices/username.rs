//! Usernames: a small ASCII alphabet, so that two names that look alike are one name (R93–R95).

use super::{Address, DeviceKind, Rules};
use crate::base::{Fault, Wrong};

/// Names that speak for the service, or that other software treats as its own.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "api",
    "auth",
    "billing",
    "contact",
    "daemon",
    "everyone",
    "guest",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "login",
    "logout",
    "mail",
    "mailer-daemon",
    "me",
    "moderator",
    "multauth",
    "nobody",
    "no-reply",
    "noc",
    "noreply",
    "null",
    "official",
    "operator",
    "owner",
    "postmaster",
    "register",
    "root",
    "sales",
    "security",
    "service",
    "settings",
    "signin",
    "signout",
    "signup",
    "ssl-admin",
    "ssladmin",
    "ssladministrator",
    "sslwebmaster",
    "staff",
    "superuser",
    "support",
    "sysadmin",
    "sysadministrator",
    "system",
    "team",
    "test",
    "undefined",
    "user",
    "users",
    "webmaster",
    "wheel",
    "www",
];

/// A name that its owner chose.
///
/// 3 to 32 characters of `a–z 0–9 . _ -`, first and last a letter or digit, at least one letter. Capitals are
/// taken and folded: `Ada` and `ada` are one name.
pub struct Username;

impl DeviceKind for Username {
    fn name(&self) -> &'static str {
        "username"
    }

    fn title(&self) -> &'static str {
        "Username"
    }

    fn example(&self) -> &'static str {
        "ada.lovelace"
    }

    fn canonical(&self, text: &str, rules: &Rules) -> Result<Address, Fault> {
        other_kind(text)?;
        pattern(text)?;
        let canonical = text.to_ascii_lowercase();
        let own = &rules.reserved_usernames;
        if RESERVED.contains(&canonical.as_str()) || own.iter().any(|r| r.eq_ignore_ascii_case(&canonical)) {
            return Err(fault(Wrong::Reserved));
        }
        Ok(Address { canonical, delivery: text.to_owned() })
    }

    fn mask(&self, address: &str) -> String {
        format!("{}•••", address.chars().next().map(String::from).unwrap_or_default())
    }
}

/// Refuses what is, or could be taken for, an identifier of another kind (R95).
fn other_kind(text: &str) -> Result<(), Fault> {
    if text.contains('@') {
        return Err(fault(Wrong::LooksLikeEmail));
    }
    let dialled = |c: char| c.is_ascii_digit() || "+()./_- ".contains(c);
    if text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(dialled) {
        return Err(fault(Wrong::LooksLikePhone));
    }
    Ok(())
}

fn pattern(text: &str) -> Result<(), Fault> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !text.chars().all(inner) {
        return Err(fault(Wrong::WrongSignsUsername));
    }
    if text.len() < 3 {
        return Err(fault(Wrong::TooShortUsername));
    }
    if text.len() > 32 {
        return Err(fault(Wrong::TooLongUsername));
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !edge(text.chars().next()) || !edge(text.chars().next_back()) {
        return Err(fault(Wrong::WrongEdgesUsername));
    }
    Ok(())
}

fn fault(wrong: Wrong) -> Fault {
    Fault::new("username", wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<Address, Fault> {
        let own = Rules { reserved_usernames: vec!["Contoso".into()], ..Rules::default() };
        Username.canonical(text, &own)
    }

    #[test]
    fn ordinary_names_pass_and_fold() {
        for text in ["ada", "Ada", "a.d_a-1", "x11", "1st", "a..b", &"a".repeat(32)] {
            let made = canonical(text).unwrap();
            assert_eq!(made.canonical, text.to_ascii_lowercase());
            assert_eq!(made.delivery, text);
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        let long = "a".repeat(33);
        let hostile = [
            // look-alikes of `admin`, `ada`, `mike`
            "аda",
            "αda",
            "ａｄａ",
            "ada\u{200d}",
            "a\u{200d}da",
            "\u{202e}ada",
            "ada\u{202c}",
            "a\u{301}da",
            "áda",
            "mıke",
            "mi\u{212a}e",
            "mike\u{17f}",
            "ﬀada",
            "ßada",
            "İda",
            "ᵃda",
            "ⓐda",
            "𝐚da",
            "𝒶da",
            "ａdmin",
            "аdmіn",
            "ԁaa",
            "ada\u{fe0f}",
            "ada\u{ad}",
            "a\u{2060}da",
            "\u{feff}ada",
            "ada\u{3164}",
            "ada\u{115f}",
            // spaces, controls, markup
            "",
            " ",
            "ada ",
            " ada",
            "a da",
            "ada\t",
            "ada\n",
            "ada\r\n",
            "ada\0",
            "\0",
            "ada\u{a0}",
            "ada\u{2003}",
            "<ada>",
            "ada'--",
            "ada;",
            "ada/..",
            "../ada",
            "ada\\",
            "ada%00",
            "ada?",
            "ada#",
            "ada🙂",
            // other kinds of identifier
            "a@b.c",
            "ada@example.com",
            "ada＠example.com",
            "@ada",
            "+491701234567",
            "00491701234567",
            "0170-123-4567",
            "491701234567",
            "1234",
            "555.0100",
            "+1 (202) 555-0123",
            "٠١٢٣٤",
            // shape and reserved words
            "ab",
            "a",
            &long,
            ".ada",
            "ada.",
            "-ada",
            "ada-",
            "_ada",
            "ada_",
            "---",
            "admin",
            "Admin",
            "ROOT",
            "support",
            "postmaster",
            "abuse",
            "www",
            "contoso",
        ];
        assert!(hostile.len() >= 60);
        for text in hostile {
            let fault = canonical(text).expect_err(text);
            assert_eq!(fault.field, "username");
            assert!(text.len() < 3 || !fault.message.contains(text), "{text} is quoted");
        }
    }

    #[test]
    fn the_reason_is_named() {
        let code = |text: &str| canonical(text).unwrap_err().code;
        assert_eq!(code("a@b.c"), "looks_like_email");
        assert_eq!(code("+491701234567"), "looks_like_phone");
        assert_eq!(code("admin"), "reserved");
        assert_eq!(code("ab"), "too_short");
    }
}
