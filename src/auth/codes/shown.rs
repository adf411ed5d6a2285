//! What is told of a code that was sent, in what an attempt asks.

use crate::app::App;
use crate::auth::ask::Ask;
use crate::auth::codes::challenge::{alive, resend_in};
use crate::base::clock::seconds_until;
use crate::store::challenges::Challenge;

/// Adds what is known of the code that was sent.
pub fn with_challenge(app: &App, mut ask: Ask, sent: Option<&Challenge>) -> Ask {
    if let Some(sent) = sent {
        // Where no channel is told, what was sent must not tell it either.
        let plain = ask.channel.is_none();
        ask.channel = ask.channel.map(|_| sent.channel.name().to_owned());
        ask.resend_in = Some(resend_in(app, sent, plain));
        ask.attempts_left = u32::try_from(sent.max_guesses - sent.guesses).ok();
        if alive(sent, app.now()) {
            ask.length = u32::try_from(sent.code_length).ok();
            ask.expires_in = Some(seconds_until(app.now(), sent.expires_at));
        }
    }
    ask
}
