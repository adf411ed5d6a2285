//! What a typed code must look like to be looked at. What cannot be a code of those that are asked is a malformed
//! field: it costs no guess, and no vendor is asked.
//!
//! Whether a text could be a code at all the kind of secret says ([`crate::secrets::SecretKind::is_possible`]), before
//! any operation begins. Here it is held against what was sent, which `ask` tells as `length`: never against what an
//! account has, so that nobody's identifier is answered alike (R15).

use crate::app::App;
use crate::auth::error::Result;
use crate::base::{Fault, Purpose, Scope, Sensitive, Wrong};
use crate::devices::authenticator::DIGITS;
use crate::secrets::passcode::{self, VENDORS};
use crate::store::challenges::{self, Challenge};

/// Refuses what is no code of those that were sent in a scope, dead ones included, nor of an app where one may answer.
///
/// # Errors
/// `passcode` with the code `invalid`. Nothing is refused where nothing was sent and no app may answer.
pub async fn of_scope(app: &App, scope: &Scope, by_app: bool, typed: &Sensitive) -> Result<()> {
    let sent = challenges::in_scope(&mut app.store.read().await?, scope).await?;
    of(app, &sent, by_app, typed)
}

/// [`of_scope`] for challenges that were read already.
pub fn of(app: &App, sent: &[Challenge], by_app: bool, typed: &Sensitive) -> Result<()> {
    // What sets an attempt apart is no passcode, and has a field of its own.
    let sent = sent.iter().filter(|sent| sent.purpose != Purpose::Unlock);
    let sent = sent.filter_map(|sent| usize::try_from(sent.code_length).ok());
    let mut lengths: Vec<usize> = sent.chain(by_app.then_some(DIGITS)).collect();
    lengths.sort_unstable();
    lengths.dedup();
    // Whether a vendor owns this very code is known only where somebody has the number.
    let vendors = app.routes.has_verifier() && passcode::has_digits(typed.expose(), VENDORS);
    let fits = |length: &usize| passcode::has_length(typed.expose(), *length);
    if lengths.is_empty() || vendors || lengths.iter().any(fits) {
        return Ok(());
    }
    Err(none("passcode", &lengths).into())
}

/// Refuses what is no code of this one challenge, which `field` carries: one beside a link, or the long one that sets
/// an attempt apart. No vendor ever owns it.
///
/// # Errors
/// `field` with the code `invalid`.
pub fn of_one(sent: &Challenge, field: &str, typed: &Sensitive) -> Result<()> {
    let length = usize::try_from(sent.code_length).unwrap_or_default();
    if passcode::has_length(typed.expose(), length) { Ok(()) } else { Err(none(field, &[length]).into()) }
}

fn none(field: &str, lengths: &[usize]) -> Fault {
    let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
    Fault::new(field, Wrong::InvalidCode { lengths: lengths.join(" or ") })
}
