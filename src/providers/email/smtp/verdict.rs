//! What a mail server's answer means for the message. Only numbers are taken from it: its words may repeat the
//! address or the message.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use super::super::super::Outcome;
use super::super::letter::Letter;
use super::relay::Failure;

/// The outcome of a failed delivery.
pub(super) fn outcome(failure: &Failure, letter: &Letter) -> Outcome {
    let why = explain(failure);
    match failure {
        Failure::TimedOut => Outcome::retry(why),
        Failure::Connecting(error) if lasting(error) => Outcome::misconfigured(why),
        Failure::Sending(error) if error.is_client() && letter.is_international() => {
            Outcome::give_up("the mail server takes no address with letters beyond ASCII")
        }
        Failure::Sending(error) if error.is_client() => Outcome::misconfigured(why),
        Failure::Sending(error) if error.is_permanent() => match hopeless(error) {
            true => Outcome::give_up(why),
            false => Outcome::misconfigured(why),
        },
        // About one mailbox, such as greylisting: the server works and says so.
        Failure::Sending(error) if of_mailbox(error) => Outcome::Retry { why, after: Some(Duration::ZERO) },
        Failure::Connecting(_) | Failure::Sending(_) => Outcome::retry(why),
    }
}

/// What happened, without an address and without the server's words.
pub(super) fn explain(failure: &Failure) -> String {
    match failure {
        Failure::TimedOut => "the mail server did not answer in time".into(),
        Failure::Connecting(error) => format!("connecting to the mail server: {}", reason(error)),
        Failure::Sending(error) => format!("the mail server: {}", reason(error)),
    }
}

/// The server's own name for a message it took: the word after `queued as`.
pub(super) fn reference(reply: &Response) -> Option<String> {
    let text = reply.message().collect::<Vec<_>>().join(" ");
    let (_, after) = text.split_once("queued as ")?;
    let name: String = after.chars().take_while(char::is_ascii_alphanumeric).take(64).collect();
    (!name.is_empty()).then_some(name)
}

/// Whether a refusal for now is about the recipient (RFC 5321 section 4.2.2).
fn of_mailbox(error: &Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    matches!(code.as_deref(), Some("450" | "451" | "452"))
}

/// Whether waiting does not help: no TLS, no trust, no entry.
fn lasting(error: &Error) -> bool {
    error.is_permanent() || error.is_tls() || error.is_client() || distrust(error).is_some()
}

fn reason(error: &Error) -> String {
    if let Some(code) = error.status() {
        return match enhanced(error) {
            Some([class, subject, detail]) => format!("answered {code} {class}.{subject}.{detail}"),
            None => format!("answered {code}"),
        };
    }
    if let Some(tls) = distrust(error) {
        return tls.to_string();
    }
    // lettre's own words: there is no other source in these.
    if error.is_tls() || error.is_client() {
        return error.to_string();
    }
    system(error).map_or_else(|| "the connection failed or was cut".into(), |error| error.kind().to_string())
}

/// The system's error underneath; lettre wraps it once or twice.
fn system(error: &Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        source = error.source();
    }
    None
}

/// What TLS objected to: a certificate or name that is not trusted, or a server that speaks something else.
/// lettre counts these as failed connections.
fn distrust(error: &Error) -> Option<&rustls::Error> {
    system(error)?.get_ref()?.downcast_ref()
}

/// Whether a permanent refusal is about the recipient, so that no server would do better. The enhanced code decides
/// where there is one (RFC 3463); otherwise the reply codes that RFC 5321 has for mailboxes.
fn hopeless(error: &Error) -> bool {
    match enhanced(error) {
        Some([5, 1, detail]) => matches!(detail, 0..=6 | 10),
        Some([5, 2, _]) => true,
        Some(_) => false,
        None => {
            let code = error.status().map(|code| code.to_string());
            matches!(code.as_deref(), Some("550" | "551" | "552" | "553" | "556"))
        }
    }
}

/// The enhanced status code that the reply begins with, such as `5.1.1`.
fn enhanced(error: &Error) -> Option<[u16; 3]> {
    let text = error.source()?.to_string();
    let mut numbers = text.split_ascii_whitespace().next()?.splitn(3, '.').map(|part| part.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}
