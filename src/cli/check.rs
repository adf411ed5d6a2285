//! `multauth check`

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Failure, Outcome, Setup, instance, print};
use crate::base::Mistake;
use crate::flows::{self, Exposure, Flow, Flows, Vocabulary, level_of_flow};
use crate::messages::{Catalogue, Channel, Language, is_gsm};
use crate::providers::{PROVIDERS, Routes};
use crate::secrets::SecretKind;
use crate::secrets::password::Password;
use crate::server::descriptors::Room;
use crate::settings::{Confirm, Loaded, Mode, Providers, Settings};
use crate::startup;
use crate::throttle::DEVELOPMENT;

/// Check settings, flows, providers, message templates and the master key, without touching network or, but for --data,
/// database: what `serve` would refuse is refused here.
///
/// Every mistake is one line on standard error with its place, and the exit code is 2. What is allowed and worth
/// a second look is a warning.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth check
  multauth check --config multauth.toml && systemctl restart multauth
  multauth check --data

For what lies outside of the settings (database, providers, Redis) there is `multauth doctor`.")]
pub struct Args {
    /// Look at every stored profile as well, in the database: does it still fit the fields of [user.fields]? What does
    /// not is a line with the user's id, the field and the rule, never the value, and the exit code is 1.
    #[arg(long)]
    data: bool,
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let loaded = instance::load(setup)?;
    let obstacles = startup::obstacles(&loaded.settings);
    if !obstacles.is_empty() {
        let located = obstacles.into_iter().map(|obstacle| loaded.origins.locate(obstacle));
        return Err(Failure::Settings(located.collect()));
    }
    print::out(&report(&loaded, setup)?)?;
    if args.data { super::check_data::run(setup).await } else { Ok(()) }
}

/// What was found in settings without a mistake.
pub fn report(loaded: &Loaded, setup: Setup<'_>) -> Result<String, Failure> {
    let settings = &loaded.settings;
    let understood = instance::understand(settings, setup.extensions)?;
    let from = setup.file.map_or("built-in".to_owned(), |file| file.display().to_string());
    let mode = if settings.mode == Mode::Production { "production" } else { "development" };
    let mut text = format!("settings   {from}, {mode}\n");
    for (name, list) in [("flow", &understood.signin), ("recovery", &understood.recovery)] {
        for flow in list.iter() {
            let level = level_of_flow(flow, &understood.words);
            let _ = writeln!(text, "{name:<10} {}, level {level}", flow.name);
        }
    }
    for (section, list) in [("email", settings.email_providers()), ("phone", settings.phone_providers())] {
        let _ = writeln!(text, "{section:<10} {}", kinds(&list));
    }
    if !understood.callees.is_empty() {
        let points: Vec<&str> = understood.callees.iter().map(|callee| callee.point.name()).collect();
        let _ = writeln!(text, "hooks      {}", points.join(", "));
    }
    let _ = writeln!(text, "languages  {}", languages(&understood.catalogue));
    for webhook in understood.webhooks.iter() {
        let events = webhook.listener.wants.join(", ");
        let _ = writeln!(text, "webhook    {} at {}: {events}", webhook.name, webhook.service.origin());
    }
    if settings.mode == Mode::Development {
        let _ = writeln!(
            text,
            "limits     those of [throttle] that are not set: {DEVELOPMENT} times as wide as in production"
        );
    }
    let mut warnings = warnings(settings, [&understood.signin, &understood.recovery]);
    warnings.extend(exposed(&understood.signin, &understood.recovery, &understood.words));
    warnings.extend(provider_warnings(settings, &understood.routes));
    warnings.extend(webhook_warnings(settings));
    warnings.extend(proxy_warnings(settings));
    warnings.extend(Room::of(settings).warning().map(|text| Mistake::new("server.connections", text)));
    for warning in warnings {
        let _ = writeln!(text, "warning    {}", loaded.origins.locate(warning));
    }
    Ok(text + "the settings are right\n")
}

/// The languages of messages, the one that steps in first.
fn languages(catalogue: &Catalogue) -> String {
    let fallback = catalogue.fallback();
    let others = catalogue.languages().filter(|language| *language != fallback);
    let all: Vec<&str> = std::iter::once(fallback).chain(others).map(Language::tag).collect();
    all.join(", ")
}

/// Kinds of providers, in the order they are tried.
fn kinds(list: &Providers) -> String {
    let kinds: Vec<&str> = list.iter().map(kind).collect();
    if kinds.is_empty() { "no provider".into() } else { kinds.join(", then ") }
}

fn kind(table: &toml::Table) -> &str {
    table.get("kind").and_then(toml::Value::as_str).unwrap_or("?")
}

/// What is allowed and worth a second look.
fn warnings(settings: &Settings, lists: [&Flows; 2]) -> Vec<Mistake> {
    let mut found: Vec<Mistake> = lists.into_iter().flat_map(flows::warnings).collect();
    let [signin, recovery] = lists;
    let asked = signin.iter().flat_map(|flow| &flow.secrets).any(|secret| secret.name == Password.name());
    if !recovery.is_empty() && !asked {
        let text =
            "gives the right to set a new password, and no flow asks for one: nobody gets in again by it";
        found.push(Mistake::new("recovery", text));
    }
    let sections = [
        ("email", settings.email.confirm, settings.email_providers()),
        ("phone", settings.phone.confirm, settings.phone_providers()),
    ];
    for (section, confirm, providers) in sections {
        if confirm == Confirm::Never {
            let text = "addresses are taken as proven: somebody may sign up with one that is not theirs, and \
                        whoever reads it recovers the account and is rid of every device beside it until the \
                        address was proven";
            found.push(Mistake::new(format!("{section}.confirm"), text));
            let text = "a sign-up tells whether somebody has an address: one that is free counts at once, one that is \
                        taken does not; \"before\" and \"after\" tell nobody";
            found.push(Mistake::new(format!("{section}.confirm"), text));
        }
        let development = |name: &str| PROVIDERS.iter().any(|k| k.name == name && k.development_only);
        let lost = |table: &&toml::Table| development(kind(table));
        if let Some(table) = providers.iter().find(lost) {
            let text = format!("{:?} is for development: no message reaches anybody", kind(table));
            found.push(Mistake::new(format!("{section}.providers"), text));
        }
        if providers.is_empty() {
            found.push(Mistake::new(format!("{section}.providers"), "is empty: no message leaves this way"));
        }
    }
    found.extend(phone_warnings(settings));
    found
}

/// Flows by which a mailbox or a number alone opens accounts that have something stronger enrolled.
pub(super) fn exposed(signin: &Flows, recovery: &Flows, words: &Vocabulary) -> Vec<Mistake> {
    let one = |exposure: Exposure| {
        let stronger = exposure.in_spite_of?;
        let index = signin.iter().position(|flow| flow.name == exposure.flow)?;
        let after = if exposure.recovers { ", after a recovery" } else { "" };
        let text = format!(
            "\"{}\" lets in whoever has the {} alone{after}, though the account has a confirmed {stronger}{}",
            exposure.flow,
            exposure.by,
            advice(signin.iter().nth(index)?)
        );
        Some(Mistake::new(format!("flows[{index}]"), text))
    };
    let mut found: Vec<Mistake> = Vec::new();
    for mistake in flows::exposures(signin, recovery, words).into_iter().filter_map(one) {
        if found.iter().all(|known| known.path != mistake.path || known.message != mistake.message) {
            found.push(mistake);
        }
    }
    found
}

/// What to write instead of a flow that lets in less than an account has.
fn advice(flow: &Flow) -> &'static str {
    match (flow.secrets.iter().any(|secret| secret.device.is_some()), flow.allow_downgrade) {
        (true, true) => ": write \"passcode\" without a device, and leave allow_downgrade out",
        (true, false) => ": write \"passcode\" without a device",
        (false, true) => ": leave allow_downgrade out",
        (false, false) => "",
    }
}

/// Providers that do less than they seem to.
fn provider_warnings(settings: &Settings, routes: &Routes) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (section, channels) in [("email", &[Channel::Email][..]), ("phone", Channel::PHONE)] {
        let here: Vec<_> =
            routes.all().iter().filter(|entry| channels.contains(&entry.channels[0])).collect();
        if !here.is_empty() && here.iter().all(|entry| entry.provider.verifier().is_some()) {
            let text = "all own their codes: notices, and the long codes that an account gets after many wrong \
                guesses, cannot be sent; name another kind beside";
            found.push(Mistake::new(format!("{section}.providers"), text));
        }
        let hidden = settings.public_url.scheme() != "https";
        for entry in here.iter().filter(|entry| hidden && entry.receipt_within.is_some()) {
            let text =
                format!("{}: vendors report to https:// alone, so nobody waits for a report", entry.name);
            found.push(Mistake::new(format!("{section}.providers"), text));
        }
    }
    found
}

/// Webhooks whose calls others could read.
fn webhook_warnings(settings: &Settings) -> Vec<Mistake> {
    let plain = settings.webhooks.iter().filter(|(_, webhook)| webhook.url.scheme() == "http");
    let text = "is not encrypted: whoever is on the way reads names and addresses of users";
    plain.map(|(name, _)| Mistake::new(format!("webhooks.{name}.url"), text)).collect()
}

/// Networks too wide to be proxies of one's own: private ones have 8 bits of IPv4 at most, those of the largest hosts
/// of proxies 12, and nobody is given more than 32 of IPv6.
fn proxy_warnings(settings: &Settings) -> Vec<Mistake> {
    let widest = |net: &IpNet| match net.network() {
        IpAddr::V4(ip) if ip.is_private() || ip.is_loopback() => 8,
        IpAddr::V4(_) => 12,
        IpAddr::V6(_) => 32,
    };
    let wide = |(n, net): (usize, &IpNet)| {
        let text = format!(
            "{net} is more than proxies of your own: whoever connects from there says which address they have, and \
             no limit by address holds them"
        );
        (net.prefix_len() < widest(net)).then(|| Mistake::new(format!("server.trusted_proxies[{n}]"), text))
    };
    settings.server.trusted_proxies.iter().enumerate().filter_map(wide).collect()
}

/// What may cost money that nobody meant to spend.
fn phone_warnings(settings: &Settings) -> Vec<Mistake> {
    let mut found = Vec::new();
    let countries = settings.phone_countries();
    if settings.phone_providers().is_empty() {
        return found;
    }
    if countries.is_empty() {
        found.push(Mistake::new("phone.countries", "is empty: no phone is sent anything"));
    }
    if countries.iter().any(|country| country == "*") {
        let text = "is every country: fraudsters choose the dearest; name those that you serve";
        found.push(Mistake::new("phone.countries", text));
    }
    let foreign: BTreeSet<char> = settings.name.chars().filter(|c| !is_gsm(&c.to_string())).collect();
    if !foreign.is_empty() {
        let listed: Vec<String> =
            foreign.into_iter().map(|c| format!("{c} (U+{:04X})", u32::from(c))).collect();
        let text = format!(
            "has {}, which the alphabet of text messages (GSM 03.38) does not have: a text with the name in it holds 70 \
             characters instead of 160, and most cost twice",
            listed.join(", ")
        );
        found.push(Mistake::new("name", text));
    }
    let spend = &settings.phone.spend;
    if settings.mode == Mode::Production && spend.price == 0.0 && spend.prices.is_empty() {
        let text = "is empty, and so is phone.spend.price: what messages to phones cost is not counted";
        found.push(Mistake::new("phone.spend.prices", text));
    } else if settings.mode == Mode::Production && !spend.caps_money() {
        let text = "is 0, as every limit in money is: only the number of messages to phones is limited";
        found.push(Mistake::new("phone.spend.money_per_day", text));
    }
    found
}
