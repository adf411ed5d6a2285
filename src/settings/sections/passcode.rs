use serde::Deserialize;

use crate::base::clock::{DAY, MINUTE};
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[passcode]`: one-time codes that are sent, with exceptions by channel, and within a channel by purpose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passcode {
    /// Digits of a code, 6 to 10 (R22).
    pub length: u32,
    /// How long a code is accepted (R27).
    pub lifetime: Span,
    /// Wrong codes until the code is dead, 1 to 5 (R26).
    pub attempts: u32,
    /// How long until another code may be sent.
    pub resend: Span,
    /// How long no further code is sent after one died of wrong guesses; zero: it may be at once.
    pub rest: Span,
    /// What differs by email.
    pub email: ByChannel,
    /// What differs by text message.
    pub sms: ByChannel,
    /// What differs by telephone call.
    pub call: ByChannel,
    /// What differs by WhatsApp.
    pub whatsapp: ByChannel,
}

/// What differs on one channel; what is not set is as in `[passcode]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByChannel {
    /// Digits of a code.
    pub length: Option<u32>,
    /// How long a code is accepted.
    pub lifetime: Option<Span>,
    /// Wrong codes until the code is dead.
    pub attempts: Option<u32>,
    /// How long until another code may be sent.
    pub resend: Option<Span>,
    /// What differs when a device is confirmed.
    pub confirm: Option<ByPurpose>,
    /// What differs when an account is recovered.
    pub recovery: Option<ByPurpose>,
}

/// What differs for one purpose on one channel; what is not set is as for the channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByPurpose {
    /// Digits of a code.
    pub length: Option<u32>,
    /// How long a code is accepted.
    pub lifetime: Option<Span>,
    /// Wrong codes until the code is dead.
    pub attempts: Option<u32>,
    /// How long until another code may be sent.
    pub resend: Option<Span>,
}

/// What one code is made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Digits of the code.
    pub length: u32,
    /// How long it is accepted.
    pub lifetime: Span,
    /// Wrong codes until it is dead.
    pub attempts: u32,
    /// How long until another may be sent.
    pub resend: Span,
}

const CHANNELS: [&str; 4] = ["email", "sms", "call", "whatsapp"];
/// Codes for signing in, and anything that is not an email (R27).
const SHORT: Span = Span(10 * MINUTE);
/// Confirming and recovering by email (R27).
const LONG: Span = Span(DAY);

impl Passcode {
    /// What a code is made by. `channel` is `email`, `sms`, `call` or `whatsapp`; `purpose` is `confirm` or
    /// `recovery`, and every other word is a plain sign-in.
    pub fn for_channel(&self, channel: &str, purpose: &str) -> Shape {
        let plain = Shape {
            length: self.length,
            lifetime: self.lifetime,
            attempts: self.attempts,
            resend: self.resend,
        };
        let Some(by) = self.channel(channel) else { return plain };
        let shape = plain.with((by.length, by.lifetime, by.attempts, by.resend));
        match by.purpose(purpose) {
            Some(by) => shape.with((by.length, by.lifetime, by.attempts, by.resend)),
            None => shape,
        }
    }

    /// What a code is made by of which nobody is told by which channel it goes: it lives as long as one by email, and no
    /// longer than one by any other channel may.
    pub fn untold(&self, purpose: &str) -> Shape {
        let lifetime = self.for_channel("email", purpose).lifetime.min(SHORT);
        Shape { lifetime, ..self.for_channel("", purpose) }
    }

    fn channel(&self, name: &str) -> Option<&ByChannel> {
        match name {
            "email" => Some(&self.email),
            "sms" => Some(&self.sms),
            "call" => Some(&self.call),
            "whatsapp" => Some(&self.whatsapp),
            _ => None,
        }
    }

    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        let Self { length, lifetime, attempts, resend, .. } = *self;
        let parts = (Some(length), Some(lifetime), Some(attempts), Some(resend));
        check("passcode", parts, SHORT, checks);
        for name in CHANNELS {
            let Some(by) = self.channel(name) else { continue };
            check(
                &format!("passcode.{name}"),
                (by.length, by.lifetime, by.attempts, by.resend),
                SHORT,
                checks,
            );
            let longest = if name == "email" { LONG } else { SHORT };
            for purpose in ["confirm", "recovery"] {
                let Some(by) = by.purpose(purpose) else { continue };
                let parts = (by.length, by.lifetime, by.attempts, by.resend);
                check(&format!("passcode.{name}.{purpose}"), parts, longest, checks);
            }
        }
    }
}

/// What one table of the section sets.
type Parts = (Option<u32>, Option<Span>, Option<u32>, Option<Span>);

fn check(path: &str, (length, lifetime, attempts, resend): Parts, longest: Span, checks: &mut Checks) {
    if let Some(length) = length {
        checks.within(&format!("{path}.length"), length, 6..=10);
    }
    if let Some(lifetime) = lifetime {
        checks.within(&format!("{path}.lifetime"), lifetime, Span(10_000)..=longest);
    }
    if let Some(attempts) = attempts {
        checks.within(&format!("{path}.attempts"), attempts, 1..=5);
    }
    if let Some(resend) = resend {
        checks.within(&format!("{path}.resend"), resend, Span(0)..=longest);
    }
}

impl ByChannel {
    fn purpose(&self, name: &str) -> Option<&ByPurpose> {
        match name {
            "confirm" => self.confirm.as_ref(),
            "recovery" => self.recovery.as_ref(),
            _ => None,
        }
    }
}

impl Shape {
    fn with(self, (length, lifetime, attempts, resend): Parts) -> Self {
        Self {
            length: length.unwrap_or(self.length),
            lifetime: lifetime.unwrap_or(self.lifetime),
            attempts: attempts.unwrap_or(self.attempts),
            resend: resend.unwrap_or(self.resend),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    #[test]
    fn a_purpose_goes_before_its_channel_and_a_channel_before_the_rest() {
        let passcode = Settings::built_in().passcode;
        let lifetime = |channel, purpose| passcode.for_channel(channel, purpose).lifetime.to_string();
        assert_eq!(lifetime("sms", "signin"), "5m");
        assert_eq!(lifetime("sms", "confirm"), "5m");
        assert_eq!(lifetime("email", "signin"), "10m");
        assert_eq!(lifetime("email", "confirm"), "30m");
        assert_eq!(lifetime("email", "recovery"), "30m");
        assert_eq!(passcode.for_channel("email", "confirm").length, 6);
    }
}
