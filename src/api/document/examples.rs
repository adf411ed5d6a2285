//! Examples for the document: bodies made of the configured flows, and answers.

use serde_json::{Map, Value, json};

use crate::api::body::bodies::Body;
use crate::api::body::field::{Field, Form};
use crate::flows::{Flow, Flows};
use crate::plan::Plan;
use crate::settings::{Settings, Who};
use crate::users::example;
use crate::users::rules::Rule;

/// A name, and the fields that stand in the example.
type Named = Vec<(String, Vec<String>)>;

/// Adds the examples to a document.
pub(in crate::api) fn add(document: &mut Value, plan: &Plan, settings: &Settings) {
    let answers = answers(plan, settings);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        for (name, example) in &answers {
            if let Some(schema) = schemas.get_mut(*name) {
                schema["example"] = example.clone();
            }
        }
    }
    let items = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in items.flat_map(|item| item.as_object_mut().into_iter().flat_map(Map::values_mut)) {
        if let Some(media) = operation.pointer_mut("/requestBody/content/application~1json") {
            sent(media, plan);
        }
        for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            answered(response, &answers);
        }
    }
}

/// Several examples where there are several ways; one where there is one.
fn sent(media: &mut Value, plan: &Plan) {
    let name = media["schema"]["$ref"].as_str().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    let Some(body) = Body::ALL.into_iter().find(|body| body.name() == name) else { return };
    let fields = body.fields(&plan.surface());
    let mut all = Map::new();
    for (name, wanted) in wanted(body, plan) {
        let chosen = wanted.iter().filter_map(|name| fields.iter().find(|field| field.name == name));
        let value: Map<_, _> = chosen.map(|field| (field.name.to_owned(), value(field, plan))).collect();
        if !value.is_empty() {
            all.insert(name, json!({ "value": value }));
        }
    }
    if all.len() == 1 {
        media["example"] = all.values_mut().next().map(|only| only["value"].take()).unwrap_or_default();
    } else if !all.is_empty() {
        media["examples"] = all.into();
    }
}

fn wanted(body: Body, plan: &Plan) -> Named {
    let one =
        |name: &str, fields: &[&str]| (name.to_owned(), fields.iter().map(|f| (*f).to_owned()).collect());
    match body {
        Body::Signin => each(&plan.signin, |flow| typed(plan, flow, &[])),
        Body::Signup => each(&plan.signin, |flow| typed(plan, flow, &["profile"]))
            .into_iter()
            .filter(|(name, _)| plan.signin.find(name).is_some_and(|f| plan.devices.by_user(&f.identifier)))
            .collect(),
        Body::Recovery => each(&plan.recovery, |flow| vec![flow.identifier.clone()]),
        Body::Reauth => vec![one("flow", &["flow"])],
        Body::Answer => {
            let fields = body.fields(&plan.surface());
            let secrets = fields.iter().filter(|f| f.form == Form::Secret);
            secrets.map(|f| one(f.name, &[f.name])).chain([one("profile", &["profile"])]).collect()
        }
        Body::Send => vec![one("channel", &["channel"])],
        Body::RemoveDevice => vec![one("code", &["passcode"]), one("recovery_code", &["recovery_code"])],
        Body::Confirm => vec![one("link", &["key"]), one("undo", &["key", "passcode"])],
        Body::ChangePassword => vec![one("password", &["password", "new_password"])],
        Body::ChangeSecret => vec![one("secret", &["current", "new"])],
        Body::NewDevice => crate::api::body::bodies::in_use(&plan.surface())
            .iter()
            .filter(|kind| plan.devices.by_user(kind.name()))
            .map(|kind| one(kind.name(), &["kind", kind.field(), "label"]))
            .collect(),
        Body::ChangeDevice => vec![one("change", &["label", "primary"])],
        Body::NewVerification => vec![one("sms", &["to"])],
        Body::Refresh | Body::Introspect | Body::ChangeMe | Body::Code => {
            let fields = body.fields(&plan.surface());
            vec![("one".to_owned(), fields.iter().map(|f| f.name.to_owned()).collect())]
        }
    }
}

fn each(flows: &Flows, fields: impl Fn(&Flow) -> Vec<String>) -> Named {
    flows.iter().map(|flow| (flow.name.clone(), fields(flow))).collect()
}

/// What can be typed before a code comes.
fn typed(plan: &Plan, flow: &Flow, more: &[&str]) -> Vec<String> {
    let known =
        flow.secrets.iter().filter(|s| plan.secrets.kind(&s.name).is_some_and(|kind| !kind.carried()));
    let names = known.map(|secret| secret.name.clone()).chain(more.iter().map(|name| (*name).to_owned()));
    std::iter::once(flow.identifier.clone()).chain(names).collect()
}

fn value(field: &Field, plan: &Plan) -> Value {
    match field.form {
        Form::Flag => json!(true),
        Form::Profile => profile(plan, |rule| rule.field.writes(Who::User)),
        _ if !field.choices.is_empty() => json!(field.choices[0]),
        _ if !field.example.is_empty() => json!(field.example),
        _ => json!(match field.name {
            "refresh_token" | "token" => REFRESH,
            "key" => TAIL,
            _ => "plum-lantern-orbit-42",
        }),
    }
}

fn profile(plan: &Plan, which: impl Fn(&Rule) -> bool) -> Value {
    let fields = plan.profile.iter().filter(|rule| which(rule));
    fields.filter_map(|rule| Some((rule.name.clone(), example::of(rule)?))).collect::<Map<_, _>>().into()
}

fn answered(response: &mut Value, answers: &[(&str, Value)]) {
    let attempt = json!("#/components/schemas/Attempt");
    if let Some(media) = response.pointer_mut("/content/application~1json")
        && media["schema"]["$ref"] == attempt
    {
        for (name, schema) in [("ask", "Asking"), ("done", "Done")] {
            let example = answers.iter().find(|answer| answer.0 == schema).map(|answer| &answer.1);
            media["examples"][name] = json!({ "value": example });
        }
    }
}

const ATTEMPT: &str = "at_0f3Kq9sVb7ZxYw2TjN5uRmEhLc8PdGaQ1iOoBtXvS4k";
const VERIFICATION: &str = "vf_0f3Kq9sVb7ZxYw2TjN5uRmEhLc8PdGaQ1iOoBtXvS4k";
const REFRESH: &str = "rt_0f3Kq9sVb7ZxYw2TjN5uRmEhLc8PdGaQ1iOoBtXvS4k";
const KNOWN_DEVICE: &str = "kd_0f3Kq9sVb7ZxYw2TjN5uRmEhLc8PdGaQ1iOoBtXvS4k";
const TAIL: &str = "0f3Kq9sVb7ZxYw2TjN5uRmEhLc8PdGaQ1iOoBtXvS4k";
const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI2ZjFjIn0.c2lnbmF0dXJl";
const USER: &str = "6f1c2a34-9d0e-4b5f-8a77-2f1e0d9c8b7a";
const OTHER: &str = "0b9d8c7e-6f5a-4b3c-9d2e-1f0a9b8c7d6e";
const MOMENT: &str = "2026-03-04T10:20:30.456Z";

/// The first flow of the settings is the one that the examples speak of.
fn answers(plan: &Plan, settings: &Settings) -> Vec<(&'static str, Value)> {
    let flow = plan.signin.get(0);
    let name = flow.map_or("", |flow| flow.name.as_str());
    let kind = flow.and_then(|flow| plan.devices.kind(&flow.identifier));
    let (kind_name, address) = kind.map_or(("", ""), |kind| (kind.name(), kind.example()));
    let to = kind.map(|kind| kind.mask(address)).unwrap_or_default();
    let channel = kind.and_then(|kind| kind.channels().first().copied());
    let ask = match channel {
        Some(channel) => json!({
            "secret": "passcode", "device": OTHER, "channel": channel, "to": to, "length": 6, "expires_in": 300,
            "resend_in": 60, "attempts_left": 5, "channels": kind.map(|kind| kind.channels())
        }),
        None => json!({ "secret": "password" }),
    };
    let asking = json!({
        "state": "ask", "attempt": ATTEMPT, "purpose": "signin", "expires_in": 900, "ask": [ask]
    });
    let pair = json!({
        "access_token": JWT, "token_type": "Bearer", "expires_in": 600, "refresh_token": REFRESH
    });
    let mut done = json!({ "state": "done", "purpose": "signin", "user": { "id": USER } });
    if let (Some(done), Some(pair)) = (done.as_object_mut(), pair.as_object()) {
        done.extend(pair.clone());
        done.insert("known_device".into(), json!(KNOWN_DEVICE));
    }
    let device = json!({
        "id": OTHER, "kind": kind_name, "address": address, "label": "Work", "primary": true, "confirmed": true,
        "created_at": MOMENT, "last_used_at": MOMENT
    });
    let mut me = json!({
        "id": USER, "profile": profile(plan, |rule| rule.field.reads(Who::User)), "groups": ["staff"],
        "has_password": true, "recovery_codes": 10, "created_at": MOMENT, "signed_in_at": MOMENT
    });
    for kind in crate::api::body::bodies::named(&plan.surface()) {
        me[kind.name()] = json!(kind.example());
    }
    let (acr, amr) = ("urn:multauth:acr:multifactor", ["pwd", "otp"]);
    vec![
        ("Asking", asking),
        ("Done", done),
        ("Ask", ask_of(channel)),
        ("Pair", pair),
        ("Device", device),
        ("Me", me),
        ("RecoveryCodes", json!({ "codes": ["7K3M-Q0ZX-9WPT-2HVR", "M2T8-0WJ5-XKQ4-9CEA"] })),
        (
            "Session",
            json!({
                "id": OTHER, "current": true, "flow": name, "acr": acr, "amr": amr, "network": "192.0.2.0/24",
                "user_agent": "Mozilla/5.0", "created_at": MOMENT, "last_used_at": MOMENT, "expires_at": MOMENT
            }),
        ),
        (
            "Verification",
            json!({
                "verification": VERIFICATION, "channel": "sms", "to": "+1 ••• ••• ••23", "length": 6,
                "expires_in": 600, "resend_in": 30, "attempts_left": 5
            }),
        ),
        (
            "Verified",
            json!({ "to": "+12025550123", "channel": "sms", "verified_at": 1_772_619_630, "proof": JWT }),
        ),
        (
            "Inspection",
            json!({
                "active": true, "token_type": "access_token", "iss": settings.base_url(), "sub": USER,
                "sid": OTHER, "exp": 1_772_620_230, "iat": 1_772_619_630, "acr": acr, "amr": amr,
                "auth_time": 1_772_619_630
            }),
        ),
    ]
}

fn ask_of(channel: Option<&str>) -> Value {
    match channel {
        Some(channel) => json!({ "secret": "passcode", "channel": channel, "length": 6, "expires_in": 300 }),
        None => json!({ "secret": "password" }),
    }
}
