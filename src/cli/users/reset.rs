//! `multauth users reset`

use std::io::Read;

use super::{Failure, Outcome, missing, print};
use crate::app::App;
use crate::auth::operator::reset::{self, Reset};
use crate::base::{Sensitive, UserId};

/// Bytes that are read of a password at most, the end of the line among them.
const LONGEST: usize = 8 * 1024;

pub async fn run(app: &App, id: &UserId, password_stdin: bool, remove: &[String]) -> Outcome {
    let password = if password_stdin { Some(line(std::io::stdin().lock())?) } else { None };
    let done = reset::reset(app, id, password.as_ref(), remove).await.map_err(|e| missing(id, e))?;
    tell(&done, password.is_some())
}

/// The one line of `input`, its end left out.
fn line(input: impl Read) -> Result<Sensitive, Failure> {
    let wrong = |what: &str| Failure::Argument(format!("the password on standard input {what}"));
    // As large as it can be from the beginning, so that no part of it stays behind where it grew.
    let mut text = zeroize::Zeroizing::new(String::with_capacity(LONGEST));
    input
        .take(LONGEST as u64)
        .read_to_string(&mut text)
        .map_err(|_| wrong("is not UTF-8, or cannot be read"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(wrong("is missing: one line is read"));
    }
    if line.chars().any(char::is_control) {
        return Err(wrong("must be one line without control characters"));
    }
    Ok(Sensitive::new(line))
}

fn tell(done: &Reset, by_password: bool) -> Outcome {
    eprintln!("reset; ended {} sessions, removed {} devices", done.ended, done.removed);
    match &done.key {
        Some(key) => {
            print::out(&format!("{}\n{}\n", key.link.expose(), key.handle.expose()))?;
            eprintln!(
                "good once, for 24 hours, and shown this once: the link for a person, the rest for a client"
            );
        }
        None if by_password => eprintln!("the password is set"),
        None => {
            eprintln!("the user is disabled, so no key was made: enable them, and reset them again for one");
        }
    }
    if !done.open {
        eprintln!("no flow is open to them with that: look at `multauth flows`, and at their devices");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line() {
        for text in ["plum velvet", "plum velvet\n", "plum velvet\r\n"] {
            assert_eq!(line(text.as_bytes()).unwrap().expose(), "plum velvet");
        }
        for text in [&b""[..], b"\n", b"plum\nvelvet\n", b"plum\tvelvet", b"plum\xff"] {
            assert!(matches!(line(text), Err(Failure::Argument(_))), "{text:?}");
        }
    }
}
