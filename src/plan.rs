//! What the settings mean: flows, providers and rates, understood together.

use std::collections::BTreeMap;

use crate::base::Mistake;
use crate::devices::sandbox::Sandbox;
use crate::devices::{self, DEVICES};
use crate::flows::{self, Bounds, Carrier, Flow, Flows, Level, SecretWord, Vocabulary};
use crate::providers::{ProviderKind, Routes};
use crate::secrets::SECRETS;
use crate::settings::{Confirm, Settings};
use crate::throttle;

/// What the settings mean, once flows, providers and rates are understood.
pub struct Plan {
    /// What the words of the flows are worth.
    pub words: Vocabulary,
    /// The flows of sign-in.
    pub signin: Flows,
    /// The flows of recovery.
    pub recovery: Flows,
    /// The providers, in the order they are tried.
    pub routes: Routes,
    /// Addresses and numbers with fixed codes.
    pub sandbox: Sandbox,
    /// The rates of every action.
    pub throttle: BTreeMap<&'static str, throttle::Rates>,
}

/// Understands the settings; `own` are kinds of providers beside the built-in ones.
///
/// # Errors
/// Every mistake of flows, providers and rates at once.
pub fn read(settings: &Settings, own: &[ProviderKind]) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let routes = keep(&mut mistakes, Routes::read(settings, own)).unwrap_or_default();
    let words = vocabulary(settings);
    let minimum = settings.minimum_level.parse::<Level>().ok();
    let signin = keep(&mut mistakes, flows::parse("flows", &settings.flows, &words, minimum));
    let recovery = if settings.recovery.is_empty() {
        Some(Flows::default())
    } else {
        keep(&mut mistakes, flows::parse("recovery", &settings.recovery, &words, None))
    };
    if let Some(signin) = &signin {
        mistakes.extend(unconfirmable(settings, signin));
    }
    let sandbox = keep(&mut mistakes, Sandbox::read(settings)).unwrap_or_default();
    let throttle = keep(&mut mistakes, throttle::rates("throttle", &settings.throttle));
    match (signin, recovery, throttle) {
        (Some(signin), Some(recovery), Some(throttle)) if mistakes.is_empty() => {
            Ok(Plan { words, signin, recovery, routes, sandbox, throttle })
        }
        _ => Err(mistakes),
    }
}

/// Identifiers that sign-up must confirm and that no provider delivers to: nobody could ever sign up by them.
fn unconfirmable(settings: &Settings, signin: &Flows) -> Vec<Mistake> {
    let lists = [
        ("email", settings.email.confirm, settings.email_providers()),
        ("phone", settings.phone.confirm, settings.phone_providers()),
    ];
    let used = |kind: &str| signin.identifiers().contains(&kind);
    let dead = lists.into_iter().filter(|(kind, confirm, providers)| {
        used(kind) && *confirm != Confirm::Never && providers.is_empty()
    });
    dead.map(|(kind, ..)| {
        let message =
            format!("a flow begins with {kind}, and nothing delivers its confirmation; name a provider");
        Mistake::new(format!("{kind}.providers"), message)
    })
    .collect()
}

fn keep<T>(mistakes: &mut Vec<Mistake>, found: Result<T, Vec<Mistake>>) -> Option<T> {
    found.map_err(|more| mistakes.extend(more)).ok()
}

/// The numbers of the settings that a flow is judged by; of several channels the weakest counts.
pub fn bounds(settings: &Settings, flow: &Flow) -> Bounds {
    let of = |channel| settings.passcode.for_channel(channel, "");
    let channels = ["email", "sms", "call", "whatsapp"];
    let alone = matches!(flow.secrets.as_slice(), [secret] if secret.name == "password");
    let password = &settings.password;
    Bounds {
        passcode_length: channels.map(|c| of(c).length).into_iter().min().unwrap_or(0),
        passcode_attempts: channels.map(|c| of(c).attempts).into_iter().max().unwrap_or(0),
        authenticator_live: 1 + settings.authenticator.steps_back,
        password_minimum: if alone { password.minimum_single } else { password.minimum_multi },
        ..Bounds::default()
    }
}

/// The words that a flow may hold, read from the registries.
pub fn vocabulary(settings: &Settings) -> Vocabulary {
    let secrets = SECRETS.iter().filter(|kind| kind.in_flows()).map(|kind| SecretWord {
        name: kind.name().to_owned(),
        factor: kind.factor(),
        alone: kind.may_be_alone(),
        carried: kind.carried(),
    });
    let carriers = DEVICES.iter().filter_map(|kind| {
        let factor = kind.factor()?;
        Some(Carrier {
            device: kind.name().to_owned(),
            factor,
            phishable: true,
            works: works(settings, *kind),
        })
    });
    Vocabulary {
        identifiers: DEVICES.iter().filter(|k| k.names_owner()).map(|k| k.name().to_owned()).collect(),
        secrets: secrets.collect(),
        carriers: carriers.collect(),
    }
}

/// Whether a passcode can come by a kind of device: computed, or delivered by some provider.
fn works(settings: &Settings, kind: &dyn devices::DeviceKind) -> Result<(), String> {
    let providers = match kind.name() {
        "email" => settings.email_providers(),
        "phone" => settings.phone_providers(),
        _ => return Ok(()),
    };
    if providers.is_empty() {
        return Err(format!("{}.providers is empty", kind.name()));
    }
    Ok(())
}
