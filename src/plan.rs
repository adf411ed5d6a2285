//! What the settings mean: flows, providers, messages and rates, understood together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::Mistake;
use crate::devices::sandbox::Sandbox;
use crate::devices::{self, DeviceKind};
use crate::extensions::{self, Extensions};
use crate::flows::{self, Bounds, Carrier, Flow, Flows, Level, SecretWord, Vocabulary};
use crate::messages::{Catalogue, CatalogueError, Sender};
use crate::providers::Routes;
use crate::providers::lookup::Lookup;
use crate::settings::{Confirm, Mode, Settings};
use crate::users::rules::ProfileRules;
use crate::webhooks::Webhooks;
use crate::{hooks, secrets, store, throttle};

/// The flows, and the kinds that their words stand for: what the surface of an installation follows.
#[derive(Clone, Copy)]
pub struct Surface<'a> {
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
    pub routes: Arc<Routes>,
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
    /// The services that are asked.
    pub callees: Vec<hooks::http::Callee>,
}

impl Plan {
    /// The flows and their kinds.
    pub fn surface(&self) -> Surface<'_> {
        Surface {
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
pub fn read(settings: &Settings, extensions: &Extensions) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = stores(settings);
    let routes = keep(&mut mistakes, Routes::read(settings, &extensions.providers)).unwrap_or_default();
    let lookup = keep(&mut mistakes, Lookup::read(settings)).flatten();
    let (mut kinds, wrong) = devices::identifier::read(settings);
    mistakes.extend(wrong);
    mistakes.extend(kinds.iter().filter_map(|kind| in_the_way(kind.name(), extensions)));
    kinds.extend(extensions.devices.iter().copied());
    let devices = devices::Kinds::with(&kinds);
    let secrets = secrets::Kinds::with(&extensions.secrets);
    let words = vocabulary(settings, &devices, &secrets);
    let minimum = settings.minimum_level.parse::<Level>().ok();
    let signin = keep(&mut mistakes, flows::parse("flows", &settings.flows, &words, minimum));
    let recovery = if settings.recovery.is_empty() {
        Some(Flows::default())
    } else {
        keep(&mut mistakes, flows::parse("recovery", &settings.recovery, &words, None))
    };
    if let Some(signin) = &signin {
        mistakes.extend(unconfirmable(settings, signin, &devices));
        mistakes.extend(nobody_can_begin(signin, &devices));
    }
    let sandbox = keep(&mut mistakes, Sandbox::read(settings)).unwrap_or_default();
    let catalogue = keep(&mut mistakes, catalogue(settings));
    let webhooks = keep(&mut mistakes, Webhooks::read(settings)).unwrap_or_default();
    let throttle = keep(&mut mistakes, throttle::rates("throttle", &settings.throttle, wider(settings)));
    let profile = keep(&mut mistakes, ProfileRules::read(&settings.user));
    let callees = keep(&mut mistakes, hooks::http::read(settings)).unwrap_or_default();
    match (signin, recovery, catalogue, throttle, profile) {
        (Some(signin), Some(recovery), Some(catalogue), Some(throttle), Some(profile))
            if mistakes.is_empty() =>
        {
            Ok(Plan {
                words,
                signin,
                recovery,
                routes: Arc::new(routes),
                lookup,
                sandbox,
                catalogue,
                webhooks,
                throttle,
                devices,
                secrets,
                profile,
                callees,
            })
        }
        _ => Err(mistakes),
    }
}

/// How much wider the built-in rates are than in production.
fn wider(settings: &Settings) -> u32 {
    if settings.mode == Mode::Development { throttle::DEVELOPMENT } else { 1 }
}

/// URLs of a database or a Redis that nothing could open.
fn stores(settings: &Settings) -> Vec<Mistake> {
    let database = store::check_url(settings.database.url.expose()).err();
    let redis = Some(settings.redis.url.expose()).filter(|url| !url.is_empty());
    let redis = redis.and_then(|url| throttle::Windows::check_url(url).err());
    let database = database.map(|why| Mistake::new("database.url", why));
    database.into_iter().chain(redis.map(|why| Mistake::new("redis.url", why.to_string()))).collect()
}

/// What messages say: the built-in templates and the operator's, all of them tried.
fn catalogue(settings: &Settings) -> Result<Catalogue, Vec<Mistake>> {
    let extensions = &settings.messages;
    let sender = Sender {
        service: settings.name.clone(),
        public_url: settings.public_url.clone(),
        contact: Some(extensions.contact.clone()),
    };
    Catalogue::read(sender, &extensions.language, extensions.templates.as_deref()).map_err(
        |CatalogueError { language, flaws }| {
            let language = language.into_iter().map(|why| Mistake::new("messages.language", why));
            let flaws = flaws.into_iter().map(|flaw| Mistake::new("messages.templates", flaw.to_string()));
            language.chain(flaws).collect()
        },
    )
}

/// An identifier of the settings whose name means something else already.
fn in_the_way(name: &str, extensions: &Extensions) -> Option<Mistake> {
    let path = format!("identifier.{name}");
    if let Some(why) = extensions::named_like_a_secret(name) {
        return Some(Mistake::new(path, why));
    }
    let owned = extensions.devices.iter().any(|kind| kind.name() == name)
        || extensions.secrets.iter().any(|kind| kind.name() == name);
    owned.then(|| Mistake::new(path, "is a kind of this program already; choose another name"))
}

/// Nobody signs up by what the operator gives: some flow must begin with what people have themselves.
fn nobody_can_begin(signin: &Flows, devices: &devices::Kinds) -> Option<Mistake> {
    let given: Vec<&str> = signin.identifiers().into_iter().filter(|name| !devices.by_user(name)).collect();
    (given.len() == signin.identifiers().len()).then(|| {
        let message = format!(
            "every flow begins with what the operator gives ({}), so nobody could make an account; add a flow that \
             begins with what people have themselves, such as [\"email\", \"passcode\"]",
            given.join(", ")
        );
        Mistake::new("flows", message)
    })
}

/// Identifiers that sign-up must confirm and that no provider delivers to: nobody could ever sign up by them.
fn unconfirmable(settings: &Settings, signin: &Flows, devices: &devices::Kinds) -> Vec<Mistake> {
    let extensions = devices.iter().filter(|kind| !["email", "phone"].contains(&kind.name()));
    let extensions = extensions.filter(|kind| signin.identifiers().contains(&kind.name()));
    let dead = extensions.filter_map(|kind| Some((kind.name(), works(settings, kind).err()?)));
    let extensions = dead.map(|(name, why)| {
        Mistake::new(
            "flows",
            format!("a flow begins with {name}, and nothing delivers its confirmation: {why}"),
        )
    });
    extensions.chain(unconfirmable_built_in(settings, signin)).collect()
}

fn unconfirmable_built_in(settings: &Settings, signin: &Flows) -> Vec<Mistake> {
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
///
/// # Errors
/// Why it cannot. Of an own kind with several channels one that works is enough.
fn works(settings: &Settings, kind: &dyn DeviceKind) -> Result<(), String> {
    let mut why = Ok(());
    for channel in kind.channels() {
        why = delivered(settings, *channel == "email");
        if why.is_ok() {
            break;
        }
    }
    why
}

/// Whether anything delivers mail, or to phones.
fn delivered(settings: &Settings, mail: bool) -> Result<(), String> {
    let (section, providers) =
        if mail { ("email", settings.email_providers()) } else { ("phone", settings.phone_providers()) };
    if providers.is_empty() {
        return Err(format!("{section}.providers is empty"));
    }
    if !mail && settings.phone_countries().is_empty() {
        return Err("phone.countries is empty".into());
    }
    Ok(())
}
