//! What can be limited, and how it is unless the operator says otherwise. To add one: a line here.

use std::collections::BTreeMap;

use super::By::{self, Account, Address, All, Block, Identifier, Ip, Key, Net};
use super::rate::{Rate, Rates, parse};
use crate::base::Mistake;

/// Something that can be limited, and its name in the settings.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// The name, as in `[throttle] signin = "…"`.
    pub name: &'static str,
    /// The rates it has unless the settings say otherwise.
    pub default: &'static str,
    /// The keys its calls carry; a rate by another one would never count and is a mistake. (A test holds each of them
    /// against the action's door.)
    pub keys: &'static [By],
    /// What is counted, for the settings reference.
    pub about: &'static str,
}

impl Action {
    /// The default rates. (A test reads every one of them, so none is ever empty by mistake.)
    pub fn rates(&self) -> Rates {
        parse(self.name, self.default).unwrap_or_default()
    }
}

const fn action(
    name: &'static str,
    default: &'static str,
    keys: &'static [By],
    about: &'static str,
) -> Action {
    Action { name, default, keys, about }
}

/// Everything that can be limited.
pub const ACTIONS: &[Action] = &[
    // the doors
    action("form", "300/m/ip, 3000/m/net", &[Ip, Net, All], "requests whose form is wrong, at whatever door"),
    action("signin", "20/m/ip, 200/m/net", &[Ip, Net, Identifier, All], "sign-ins begun"),
    action("signup", "20/h/ip, 200/h/net", &[Ip, Net, All], "sign-ups begun"),
    action("recovery", "20/h/ip, 200/h/net", &[Ip, Net, Identifier, All], "recoveries begun"),
    action(
        "reauth",
        "10/10m/account",
        &[Account, All],
        "re-authentications begun; each session counts apart",
    ),
    action("attempt", "60/m/ip, 600/m/net", &[Ip, Net, All], "answers to an attempt, right or wrong"),
    action(
        "confirm",
        "30/m/ip, 300/m/net",
        &[Ip, Net, All],
        "links opened or spent: dead ones by who opens them, each live one by itself alone",
    ),
    action(
        "username_lookup",
        "20/m/ip, 200/m/net",
        &[Ip, Net, All],
        "questions whether a username or the like is free",
    ),
    action("docs", "60/m/ip, 600/m/net", &[Ip, Net, All], "the API's document and its page"),
    // wrong answers
    action(
        "failures",
        "20/10m/ip, 200/10m/net",
        &[Ip, Net],
        "wrong secrets and wrong API keys; a success clears nothing",
    ),
    // messages
    action("send", "5/h/address, 20/h/ip, 200/h/net", &[Ip, Net, Address, All], "messages with a code"),
    action(
        "send_phone",
        "10/d/address, 10/h/block",
        &[Ip, Net, Address, Block, All],
        "messages and calls to phones, beside `send` and [phone.spend]",
    ),
    action(
        "send_beyond",
        "1/2h/address, 1/d/identifier",
        &[Address, Identifier],
        "codes beyond `send` and `send_phone`, each to a network that had none for that address today",
    ),
    action(
        "reserve",
        "3/h/account, 100/h/all",
        &[Account, All],
        "codes out of the tenth of [phone.spend] that is kept for who has proven something or asks by a key",
    ),
    action(
        "lookup",
        "10/h/block, 1000/h/all",
        &[Block, All],
        "questions what kind of line a phone number is; they cost money",
    ),
    action("notice", "1/d/address", &[Address], "mails that tell an owner of a sign-up with their address"),
    // signed in
    action("token", "600/m/ip, 6000/m/net", &[Ip, Net, All], "refreshes"),
    action(
        "token_beyond",
        "10/m/account",
        &[Account, All],
        "refreshes of live sessions beyond `token`, whatever others send from the same network",
    ),
    action("me", "120/m/account", &[Account, All], "calls with an access token; each session counts apart"),
    action(
        "devices",
        "20/h/account",
        &[Ip, Net, Account, All],
        "devices added or changed, recovery codes made",
    ),
    action("profile", "60/h/account", &[Ip, Net, Account, All], "changes of a profile"),
    action(
        "password",
        "10/h/account",
        &[Ip, Account, All],
        "changes of a password; each session counts apart",
    ),
    // applications
    action("introspect", "6000/m/key", &[Key, All], "tokens looked at"),
    action("verification", "600/h/key", &[Ip, Net, Key, All], "verifications begun"),
    action(
        "check",
        "600/m/key, 20/10m/address",
        &[Ip, Net, Key, Address, All],
        "codes checked for a verification; by address the wrong ones alone",
    ),
];

/// How much wider the default rates are in development: whoever builds a client, and its tests, are one client in an
/// hour.
pub const DEVELOPMENT: u32 = 100;

/// The rates of every action: what the settings say in `given` (the table at `path`), else the default, `wider` times
/// as wide.
///
/// # Errors
/// Every mistake at once: unknown actions, rates that cannot be read, keys that an action never carries.
pub fn rates(
    path: &str,
    given: &BTreeMap<String, String>,
    wider: u32,
) -> Result<BTreeMap<&'static str, Rates>, Vec<Mistake>> {
    let widened = |rate: Rate| Rate { count: rate.count.saturating_mul(wider), ..rate };
    let built_in = |action: &Action| action.rates().into_iter().map(widened).collect();
    let mut rates: BTreeMap<_, _> = ACTIONS.iter().map(|action| (action.name, built_in(action))).collect();
    let mut mistakes = Vec::new();
    for (name, text) in given {
        match of(&format!("{path}.{name}"), name, text) {
            Ok((name, found)) => drop(rates.insert(name, found)),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(rates) } else { Err(mistakes) }
}

fn of(path: &str, name: &str, text: &str) -> Result<(&'static str, Rates), Vec<Mistake>> {
    let Some(action) = ACTIONS.iter().find(|action| action.name == name) else {
        let names = ACTIONS.iter().map(|action| action.name).collect::<Vec<_>>().join(", ");
        return Err(vec![Mistake::new(path, format!("no such action; there are {names}"))]);
    };
    let rates = parse(path, text)?;
    let strange = |by: &By| !action.keys.contains(by);
    let wrong = rates.iter().map(|rate| rate.by).filter(strange).map(|by| {
        let (key, valid) = (by.name(), By::names(action.keys));
        Mistake::new(path, format!("{name} cannot be counted by \"{key}\"; it has {valid}"))
    });
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() { Ok((action.name, rates)) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
    }

    #[test]
    fn every_default_is_sound_and_stated_once() {
        let all = given(&ACTIONS.iter().map(|a| (a.name, a.default)).collect::<Vec<_>>());
        assert_eq!(all.len(), ACTIONS.len());
        let rates = rates("throttle", &all, 1).unwrap();
        assert!(rates.values().all(|rates| !rates.is_empty()));
    }

    #[test]
    fn the_reference_says_every_default() {
        let reference: toml::Table = crate::settings::REFERENCE.parse().unwrap();
        let said = reference["throttle"].as_table().unwrap();
        let said: BTreeMap<_, _> =
            said.iter().map(|(name, rates)| (name.as_str(), rates.as_str().unwrap())).collect();
        assert_eq!(said, ACTIONS.iter().map(|action| (action.name, action.default)).collect());
    }

    #[test]
    fn a_network_may_do_ten_times_what_a_client_may() {
        for action in ACTIONS {
            let rates = action.rates();
            for ip in rates.iter().filter(|rate| rate.by == Ip) {
                let net = Rate { count: 10 * ip.count, by: Net, ..*ip };
                assert!(rates.contains(&net), "{}: {net}", action.name);
            }
        }
    }

    #[test]
    fn the_settings_win_over_the_defaults() {
        let given = given(&[("signin", "3/m/net"), ("me", "off")]);
        for (wider, signup) in [(1, "20/h/ip, 200/h/net"), (DEVELOPMENT, "2000/h/ip, 20000/h/net")] {
            let rates = rates("throttle", &given, wider).unwrap();
            assert_eq!(rates["signin"], parse("", "3/m/net").unwrap());
            assert!(rates["me"].is_empty());
            assert_eq!(rates["signup"], parse("", signup).unwrap());
        }
    }

    #[test]
    fn mistakes_are_all_named_with_their_place() {
        let wrong = given(&[("sigin", "3/m/ip"), ("signup", "3/m/account"), ("token", "x")]);
        let mistakes = rates("throttle", &wrong, 1).unwrap_err();
        let paths: Vec<_> = mistakes.iter().map(|m| m.path.as_str()).collect();
        assert_eq!(paths, ["throttle.sigin", "throttle.signup", "throttle.token"]);
        assert!(mistakes[0].message.contains("signin, signup"), "{}", mistakes[0].message);
        assert!(mistakes[1].message.contains("it has ip, net, all"), "{}", mistakes[1].message);
    }
}
