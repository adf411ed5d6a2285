//! What a mail server's answer means for the message. Only numbers are taken from it: its words may repeat the
//! address or the message.
//!
//! Whoever chooses recipients chooses what a server says of them, so that nothing that is said of a recipient, or of a
//! message to one, counts as the server's failing; RFC 5321 4.2.1 has a refusal for good end the message.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use super::super::super::Outcome;
use super::relay::{Failure, Need, Step};

/// The outcome of a failed delivery.
pub(super) fn outcome(failure: &Failure) -> Outcome {
    let why = explain(failure);
    match failure {
        Failure::TimedOut => Outcome::retry(why),
        Failure::Connecting(error) if lasting(error) => Outcome::misconfigured(why),
        Failure::Unfit(Need::International) => Outcome::give_up(why),
        Failure::Unfit(Need::EightBits) => Outcome::misconfigured(why),
        Failure::Sending(step, error) if error.is_permanent() => refused(*step, error, why),
        Failure::Sending(step, error) if error.is_transient() => put_off(*step, error, why),
        Failure::Connecting(_) | Failure::Sending(..) => Outcome::retry(why),
    }
}

/// What a refusal for good means.
fn refused(step: Step, error: &Error, why: String) -> Outcome {
    match (step, code(error)) {
        // The sender, or the session: no such command, not now, no password. A recipient brings none of it about.
        (Step::Sender, _) | (_, Some(500 | 502 | 503 | 504 | 530 | 534 | 535 | 538)) => {
            Outcome::misconfigured(why)
        }
        _ if hopeless(step, error) => Outcome::give_up(why),
        _ => Outcome::rejected(why),
    }
}

/// What a refusal for now means.
fn put_off(step: Step, error: &Error, why: String) -> Outcome {
    match (step, code(error)) {
        // It works and has no room, or wants no more of us for the moment.
        (Step::Sender, Some(450..=452)) => Outcome::Retry { why, after: Some(Duration::ZERO) },
        (Step::Sender, _) => Outcome::retry(why),
        // A server that takes its leave (421) does so of this recipient or mail: greylists and blocklists say it so.
        (Step::Recipient | Step::Content, _) => Outcome::deferred(why),
    }
}

/// What happened, without an address and without the server's words.
pub(super) fn explain(failure: &Failure) -> String {
    match failure {
        Failure::TimedOut => "the mail server did not answer in time".into(),
        Failure::Connecting(error) => format!("connecting to the mail server: {}", reason(error)),
        Failure::Unfit(Need::International) => {
            "the mail server takes no address with letters beyond ASCII".into()
        }
        Failure::Unfit(Need::EightBits) => "the mail server takes no letters beyond ASCII".into(),
        Failure::Sending(_, error) => format!("the mail server: {}", reason(error)),
    }
}

/// The server's own name for a message it took: the word after `queued as`.
pub(super) fn reference(reply: &Response) -> Option<String> {
    let text = reply.message().collect::<Vec<_>>().join(" ");
    let (_, after) = text.split_once("queued as ")?;
    let name: String = after.chars().take_while(char::is_ascii_alphanumeric).take(64).collect();
    (!name.is_empty()).then_some(name)
}

/// The reply code, such as 550.
fn code(error: &Error) -> Option<u16> {
    error.status()?.to_string().parse().ok()
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

/// Whether a permanent refusal says that nobody has the address, so that no server would do better. The enhanced code
/// decides where there is one (RFC 3463); otherwise the reply codes that RFC 5321 has for mailboxes.
fn hopeless(step: Step, error: &Error) -> bool {
    match enhanced(error) {
        Some([5, 1, detail]) => matches!(detail, 0..=6 | 10),
        Some([5, 2, _]) => true,
        Some(_) => false,
        None => step == Step::Recipient && matches!(code(error), Some(550..=553 | 556)),
    }
}

/// The enhanced status code that the reply begins with, such as `5.1.1`.
fn enhanced(error: &Error) -> Option<[u16; 3]> {
    let text = error.source()?.to_string();
    let mut numbers = text.split_ascii_whitespace().next()?.splitn(3, '.').map(|part| part.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}
