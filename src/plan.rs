//! What the settings mean: flows, providers, messages and rates, understood together.

use std::collections::BTreeMap;

use crate::base::Mistake;
use crate::devices::sandbox::Sandbox;
use crate::devices::{self, DeviceKind};
use crate::flows::{self, Bounds, Carrier, Flow, Flows, Level, SecretWord, Vocabulary};
use crate::messages::{Catalogue, CatalogueError, Sender};
use crate::providers::lookup::Lookup;
use crate::providers::{ProviderKind, Routes};
use crate::secrets::{self, SecretKind};
use crate::settings::{Confirm, Settings};
use crate::throttle;
use crate::users::rules::ProfileRules;
use crate::webhooks::Webhooks;

/// What an own program adds to the built-in kinds.
#[derive(Clone, Default)]
pub struct Own {
    /// Kinds of providers.
    pub providers: Vec<ProviderKind>,
    /// Kinds of devices.
    pub devices: Vec<&'static dyn DeviceKind>,
    /// Kinds of secrets.
    pub secrets: Vec<&'static dyn SecretKind>,
}

/// The flows, and the kinds that their words stand for: what the surface of an installation follows.
#[derive(Clone, Copy)]
pub struct Ways<'a> {
    /// The flows of sign-in.
    pub signin: &'a Flows,
    /// The flows of recovery.
    pub recovery: &'a Flows,
    /// The kinds of devices.
    pub devices: &'a devices::Kinds,
    /// The kinds of secrets.
    pub secrets: &'a secrets::Kinds,
}

/// What the settings mean, once flows, providers, messages and rates are understood.
pub struct Plan {
    /// What the words of the flows are worth.
    pub words: Vocabulary,
    /// The flows of sign-in.
    pub signin: Flows,
    /// The flows of recovery.
    pub recovery: Flows,
    /// The providers, in the order they are tried.
    pub routes: Routes,
    /// Who is asked what kind of line a number is.
    pub lookup: Option<Lookup>,
    /// Addresses and numbers with fixed codes.
    pub sandbox: Sandbox,
    /// What messages say.
    pub catalogue: Catalogue,
    /// Who is told what happens.
    pub webhooks: Webhooks,
    /// The rates of every action.
    pub throttle: BTreeMap<&'static str, throttle::Rates>,
    /// The kinds of devices.
    pub devices: devices::Kinds,
    /// The kinds of secrets.
    pub secrets: secrets::Kinds,
    /// The fields of the profile.
    pub profile: ProfileRules,
}

impl Plan {
    /// The flows and their kinds.
    pub fn ways(&self) -> Ways<'_> {
        Ways {
            signin: &self.signin,
            recovery: &self.recovery,
            devices: &self.devices,
            secrets: &self.secrets,
        }
    }
}

/// Understands the settings; `own` are kinds beside the built-in ones.
///
/// # Errors
/// Every mistake of flows, providers, messages, webhooks and rates at once.
pub fn read(settings: &Settings, own: &Own) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let routes = keep(&mut mistakes, Routes::read(settings, &own.providers)).unwrap_or_default();
    let lookup = keep(&mut mistakes, Lookup::read(settings)).flatten();
    let devices = devices::Kinds::with(&own.devices);
    let secrets = secrets::Kinds::with(&own.secrets);
    let words = vocabulary(settings, &devices, &secrets);
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
    let catalogue = keep(&mut mistakes, catalogue(settings));
    let webhooks = keep(&mut mistakes, Webhooks::read(settings)).unwrap_or_default();
    let throttle = keep(&mut mistakes, throttle::rates("throttle", &settings.throttle));
    let profile = keep(&mut mistakes, ProfileRules::read(&settings.user));
    match (signin, recovery, catalogue, throttle, profile) {
        (Some(signin), Some(recovery), Some(catalogue), Some(throttle), Some(profile))
            if mistakes.is_empty() =>
        {
            Ok(Plan {
                words,
                signin,
                recovery,
                routes,
                lookup,
                sandbox,
                catalogue,
                webhooks,
                throttle,
                devices,
                secrets,
                profile,
            })
        }
        _ => Err(mistakes),
    }
}

/// What messages say: the built-in templates and the operator's, all of them tried.
fn catalogue(settings: &Settings) -> Result<Catalogue, Vec<Mistake>> {
    let own = &settings.messages;
    let sender = Sender {
        service: settings.name.clone(),
        public_url: settings.public_url.clone(),
        contact: Some(own.contact.clone()),
    };
    Catalogue::read(sender, &own.language, own.templates.as_deref()).map_err(
        |CatalogueError { language, flaws }| {
            let language = language.into_iter().map(|why| Mistake::new("messages.language", why));
            let flaws = flaws.into_iter().map(|flaw| Mistake::new("messages.templates", flaw.to_string()));
            language.chain(flaws).collect()
        },
    )
}

/// Identifiers that sign-up must confirm and that no provider delivers to: nobody could ever sign up by them.
fn unconfirmable(settings: &Settings, signin: &Flows) -> Vec<Mistake> {
    let lists = [
        ("email", settings.email.confirm, settings.email_providers()),
        ("phone", settings.phone.confirm, settings.phone_providers()),
    ];
    let used = |kind: &str| signin.identifiers().contains(&kind);
    let nowhere =
        used("phone") && settings.phone.confirm != Confirm::Never && settings.phone_countries().is_empty();
    let nowhere = nowhere.then(|| {
        let message = "a flow begins with phone, and nothing is sent to any country; name those that you serve, \
                       such as [\"US\"]";
        Mistake::new("phone.countries", message)
    });
    let dead = lists.into_iter().filter(|(kind, confirm, providers)| {
        used(kind) && *confirm != Confirm::Never && providers.is_empty()
    });
    dead.map(|(kind, ..)| {
        let message =
            format!("a flow begins with {kind}, and nothing delivers its confirmation; name a provider");
        Mistake::new(format!("{kind}.providers"), message)
    })
    .chain(nowhere)
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
pub fn vocabulary(settings: &Settings, devices: &devices::Kinds, secrets: &secrets::Kinds) -> Vocabulary {
    let secrets = secrets.iter().filter(|kind| kind.in_flows()).map(|kind| SecretWord {
        name: kind.name().to_owned(),
        factor: kind.factor(),
        alone: kind.may_be_alone(),
        carried: kind.carried(),
    });
    let carriers = devices.iter().filter_map(|kind| {
        let factor = kind.factor()?;
        Some(Carrier {
            device: kind.name().to_owned(),
            factor,
            phishable: true,
            works: works(settings, kind),
        })
    });
    Vocabulary {
        identifiers: devices.iter().filter(|k| k.names_owner()).map(|k| k.name().to_owned()).collect(),
        secrets: secrets.collect(),
        carriers: carriers.collect(),
    }
}

/// Whether a passcode can come by a kind of device: computed, or delivered by some provider.
fn works(settings: &Settings, kind: &dyn DeviceKind) -> Result<(), String> {
    let providers = match kind.name() {
        "email" => settings.email_providers(),
        "phone" => settings.phone_providers(),
        _ => return Ok(()),
    };
    if providers.is_empty() {
        return Err(format!("{}.providers is empty", kind.name()));
    }
    if kind.name() == "phone" && settings.phone_countries().is_empty() {
        return Err("phone.countries is empty".into());
    }
    Ok(())
}
