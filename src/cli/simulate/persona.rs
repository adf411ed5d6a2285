//! Who signs up: Maria, with what a flow takes.

use std::collections::{BTreeMap, BTreeSet};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};
use serde_json::{Map, Value};

use crate::flows::{Factor, Flow, Secret, Vocabulary};
use crate::plan;
use crate::settings::{Required, Settings};
use crate::users::example;
use crate::users::rules::Rule;

/// A number for films, where no country tells better.
const PHONE: &str = "+12025550123";
const AUTHENTICATOR: &str = "authenticator";

/// A person with one of everything.
pub struct Persona {
    phone: String,
    password: String,
    profile: Map<String, Value>,
    /// Examples of the kinds that no Maria is known to have.
    others: BTreeMap<&'static str, &'static str>,
}

/// What the persona does to be able to walk a flow.
pub struct Plan {
    /// The fields of the sign-up.
    pub fields: BTreeSet<String>,
    /// Whether an authenticator app is added after it.
    pub authenticator: bool,
    /// The identifier that the operator gives after it.
    pub given: Option<String>,
}

impl Persona {
    /// Somebody whom these settings let in.
    pub fn new(settings: &Settings, found: &plan::Plan) -> Self {
        let kinds = found.devices.iter().map(|kind| (kind.field(), kind.example()));
        let secrets = found.secrets.own().map(|kind| (kind.field(), kind.example()));
        let required = |rule: &&Rule| rule.field.required == Required::Signup;
        let value = |rule: &Rule| Some((rule.name.clone(), example::of(rule)?));
        Self {
            phone: settings
                .phone_countries()
                .first()
                .and_then(|region| phone(region))
                .unwrap_or(PHONE.into()),
            password: password(settings.password.minimum_single.max(settings.password.minimum_multi)),
            others: kinds.chain(secrets).collect(),
            profile: found.profile.iter().filter(required).filter_map(value).collect(),
        }
    }

    /// The value of a request field.
    pub fn value(&self, field: &str) -> Option<Value> {
        Some(match field {
            "username" => "maria-k".into(),
            "email" => "maria@example.com".into(),
            "phone" => self.phone.as_str().into(),
            "password" => self.password.as_str().into(),
            "hardcode" => "4711-0815".into(),
            "profile" if !self.profile.is_empty() => self.profile.clone().into(),
            other => (*self.others.get(other)?).into(),
        })
    }

    /// What to do to walk `flow`. Where an authenticator app is needed, or what the operator gives, which
    /// nobody has at sign-up, the account is made by the first flow that takes none.
    pub fn plan(&self, flow: &Flow, found: &plan::Plan) -> Plan {
        let (flows, words) = (&found.signin, &found.words);
        let mut plan = Plan { fields: BTreeSet::new(), authenticator: false, given: None };
        plan.add(flow, words);
        let by_user = |flow: &Flow| found.devices.by_user(&flow.identifier);
        if !by_user(flow) {
            plan.fields.remove(&flow.identifier);
            plan.given = Some(flow.identifier.clone());
        }
        if plan.authenticator || plan.given.is_some() {
            let app = |other: &Flow| other.secrets.iter().any(|s| needs_authenticator(s, words));
            let without = |other: &&Flow| !app(other) && by_user(other);
            let own = flows.iter().filter(without).find(|other| other.identifier == flow.identifier);
            if let Some(first) = own.or_else(|| flows.iter().find(without)) {
                plan.add(first, words);
            }
        }
        plan
    }
}

impl Plan {
    fn add(&mut self, flow: &Flow, words: &Vocabulary) {
        self.fields.insert("profile".into());
        self.fields.insert(flow.identifier.clone());
        for secret in &flow.secrets {
            let carriers = words.working(secret);
            let sent = || carriers.iter().filter(|carrier| carrier.factor != Factor::Held);
            let own = sent().find(|carrier| carrier.device == flow.identifier);
            match own.or_else(|| sent().next()) {
                _ if carriers.is_empty() => drop(self.fields.insert(secret.name.clone())),
                Some(carrier) => drop(self.fields.insert(carrier.device.clone())),
                None => self.authenticator = true,
            }
        }
    }
}

fn needs_authenticator(secret: &Secret, words: &Vocabulary) -> bool {
    let carriers = words.working(secret);
    !carriers.is_empty() && carriers.iter().all(|carrier| carrier.device == AUTHENTICATOR)
}

/// A password that no policy refuses, of at least `length` characters.
fn password(length: u32) -> String {
    let words = ["velvet", "crane", "orbit", "pumice", "lantern", "gravel"];
    let mut text = String::from("plum");
    for word in words.iter().cycle() {
        if text.len() >= length as usize && text.len() > 20 {
            break;
        }
        text = format!("{text}-{word}");
    }
    text
}

/// A mobile number of a region that its own numbering plan gives as an example.
fn phone(region: &str) -> Option<String> {
    if region == "US" {
        return Some(PHONE.to_owned());
    }
    let region = Region::from_code(region).ok()?;
    let util = &PHONE_NUMBER_UTIL;
    let number = util.get_example_number_for_type_and_region(region, PhoneNumberType::Mobile).ok()?;
    Some(number.format_as(PhoneNumberFormat::E164).into_owned())
}
