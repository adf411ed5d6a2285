//! A kind of device of one's own: the badge that people wear. Its name is a word of flows and a field of requests:
//!   flows = [["badge", "password"]]
//! Say what it is called and what it looks like; all else has the answer of an identifier that no message reaches.
//! The program has every command that multauth has, and each knows the badge:
//!   own_device check --config multauth.toml
//!   own_device serve --config multauth.toml
use std::process::ExitCode;

use multauth::base::Fault;
use multauth::devices::{Address, DeviceKind, Rules};

struct Badge;

impl DeviceKind for Badge {
    fn name(&self) -> &'static str {
        "badge"
    }

    fn title(&self) -> &'static str {
        "Badge"
    }

    fn example(&self) -> &'static str {
        "B-0017"
    }

    // One form for all that people type, so that a badge has one owner: b17, B-17 and B-0017 are the same.
    fn canonical(&self, text: &str, _: &Rules) -> Result<Address, Fault> {
        let digits = text.trim_start_matches(['B', 'b']).trim_start_matches('-');
        let number: u16 =
            digits.parse().map_err(|_| Fault::own("badge", "wrong_form", "must look like B-0017"))?;
        let canonical = format!("B-{number:04}");
        Ok(Address { delivery: canonical.clone(), canonical })
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    multauth::Server::builder().device(&Badge).run().await
}
