//! Kinds beside the built-in ones: a secret of a program's own, an identifier of the settings.

use multauth::base::{Fault, Sensitive};
use multauth::extensions::Extensions;
use multauth::flows::Factor;
use multauth::secrets::{Choice, SecretKind};
use multauth::settings::{Case, GivenBy, Identifier, Settings};

use super::app::flows;

/// Six digits, spaces left out.
pub struct Pin;

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

    fn factor(&self) -> Factor {
        Factor::Weak
    }

    fn prepare(&self, typed: &str) -> Sensitive {
        Sensitive::new(typed.replace(' ', ""))
    }

    fn check(&self, typed: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault> {
        let pin = self.prepare(typed);
        let sound = pin.expose().len() == 6 && pin.expose().bytes().all(|b| b.is_ascii_digit());
        if sound { Ok(pin) } else { Err(choice.fault("wrong_form", "must be 6 digits")) }
    }
}

/// A program with it.
pub fn own() -> Extensions {
    Extensions { secrets: vec![&Pin], ..Extensions::default() }
}

/// Settings with a flow that asks for it, and one that does not.
pub fn with_pin(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password", "pin"], &["username", "password"]]);
}

/// Employee numbers that people give themselves.
pub fn numbered(settings: &mut Settings) {
    let employee_no = Identifier {
        pattern: "E[0-9]{4}".into(),
        case: Case::Upper,
        strip: " -".into(),
        title: "Employee number".into(),
        example: "E1234".into(),
        given_by: GivenBy::User,
    };
    settings.identifier.insert("employee_no".into(), employee_no);
    settings.flows = flows(&[&["employee_no", "password"]]);
}
