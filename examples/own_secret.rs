//! A kind of secret of one's own: a PIN beside the password. Its name is a word of flows and a field of requests:
//!   flows = [["username", "password", "pin"]]
//! Say what it is called, what it proves, and which may be set. It is hashed, stored and bounded as a password is,
//! set at sign-up, and changed at PUT /v1/me/secrets/pin. The program has every command that multauth has:
//!   own_secret serve --config multauth.toml
use std::process::ExitCode;

use multauth::base::{Fault, Sensitive};
use multauth::flows::Factor;
use multauth::secrets::{Choice, SecretKind};

struct Pin;

impl SecretKind for Pin {
    fn name(&self) -> &'static str {
        "pin"
    }

    fn title(&self) -> &'static str {
        "PIN"
    }

    fn example(&self) -> &'static str {
        "493 071"
    }

    // Too short to stand alone in a flow: `Weak`. What is as good as a password is `Known`.
    fn factor(&self) -> Factor {
        Factor::Weak
    }

    // What is hashed and compared, at every sign-in: here without the spaces that people type.
    fn prepare(&self, typed: &str) -> Sensitive {
        Sensitive::new(typed.replace(' ', ""))
    }

    fn check(&self, typed: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault> {
        let pin = self.prepare(typed);
        let digits = pin.expose().as_bytes();
        if !(6..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
            return Err(choice.fault("wrong_form", "must be 6 to 8 digits"));
        }
        if digits.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(choice.fault("too_guessable", "must not be one digit again and again"));
        }
        Ok(pin)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    multauth::Server::builder().secret(&Pin).run().await
}
