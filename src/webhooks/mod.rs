//! Webhooks: the operator's own systems, told what happened.
//!
//! [`Events::write`](crate::events::Events::write) queues an event for each webhook that wants it, in the transaction
//! that makes it true; the [`Worker`] leases what is due, posts it, and writes down what came of it ([`delivery`]),
//! again and again for three days ([`retry`]). What one user did comes in its order: nothing is sent while something
//! earlier about the same user waits for the same webhook. [`replay`] sends again what was sent or failed.

mod body;
mod delivery;
pub mod replay;
mod retry;
pub(super) mod tried;
mod worker;

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;

use crate::base::{Millis, Mistake};
use crate::events::{Listener, NAMES};
use crate::outbound::{Answer, Named, Outcome, Service};
use crate::settings::{self, Settings, none_of};

pub use worker::Worker;

/// A webhook of the settings.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its name in the settings.
    pub name: String,
    /// Who is called.
    pub service: Service,
    /// Which events it wants.
    pub listener: Listener,
}

/// All webhooks of the settings.
#[derive(Clone, Debug, Default)]
pub struct Webhooks(Arc<[Webhook]>);

impl Webhooks {
    /// Understands `[webhooks]`; no network is touched.
    ///
    /// # Errors
    /// Every mistake at once: those of [`Service::read`], and events that there are none of.
    pub fn read(settings: &Settings) -> Result<Self, Vec<Mistake>> {
        let (mut found, mut mistakes) = (Vec::new(), Vec::new());
        for (name, webhook) in &settings.webhooks {
            match Webhook::read(name, webhook, settings) {
                Ok(webhook) => found.push(webhook),
                Err(more) => mistakes.extend(more),
            }
        }
        if mistakes.is_empty() { Ok(Self(found.into())) } else { Err(mistakes) }
    }

    /// Each of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Webhook> {
        self.0.iter()
    }

    /// The one of that name.
    pub fn named(&self, name: &str) -> Option<&Webhook> {
        self.0.iter().find(|webhook| webhook.name == name)
    }

    /// Who wants to be told, for the writer of events.
    pub fn listeners(&self) -> Vec<Listener> {
        self.0.iter().map(|webhook| webhook.listener.clone()).collect()
    }
}

impl Webhook {
    fn read(name: &str, said: &settings::Webhook, settings: &Settings) -> Result<Self, Vec<Mistake>> {
        let path = format!("webhooks.{name}");
        let named = Named {
            path: &path,
            url: &said.url,
            secret: &said.secret,
            secret_file: said.secret_file.as_deref(),
            timeout: SignedDuration::from_millis(said.timeout.millis()),
        };
        let service = Service::read(&named, settings);
        let unknown: Vec<Mistake> = said.events.iter().filter_map(|event| unknown(&path, event)).collect();
        match service {
            Ok(service) if unknown.is_empty() => Ok(Self {
                name: name.to_owned(),
                service,
                listener: Listener { name: name.to_owned(), wants: said.events.clone() },
            }),
            service => Err(service.err().into_iter().flatten().chain(unknown).collect()),
        }
    }

    /// Posts a test event with the id `id`, signed as every other; its type is `ping`.
    ///
    /// # Errors
    /// As [`Service::post`].
    pub async fn ping(&self, id: &str, now: Millis) -> Result<Answer, Outcome> {
        self.service.post(id, now, body::of("ping", now, &json!({}))).await
    }
}

/// Why `event` names none.
fn unknown(path: &str, event: &str) -> Option<Mistake> {
    let family = |name: &'static str| name.split_once('.').map(|(family, _)| format!("{family}.*"));
    let families = NAMES.iter().filter_map(|known| family(known.name));
    let mut known: Vec<String> = NAMES.iter().map(|known| known.name.to_owned()).collect();
    for family in families {
        if !known.contains(&family) {
            known.push(family);
        }
    }
    if event == "*" || known.iter().any(|name| name == event) {
        return None;
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let message = format!("there is no event {event:?}; {}, and *", none_of(event, &known));
    Some(Mistake::new(format!("{path}.events"), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_names_families_or_all() {
        for right in ["*", "user.*", "user.created", "signin.failed", "session.*"] {
            assert!(unknown("webhooks.crm", right).is_none(), "{right}");
        }
        for wrong in ["", "user", "user.", "use*", "user.creatd", "User.created", "**"] {
            let mistake = unknown("webhooks.crm", wrong).unwrap();
            assert_eq!(mistake.path, "webhooks.crm.events", "{wrong}");
        }
        let mistake = unknown("webhooks.crm", "user.creatd").unwrap().message;
        assert!(mistake.contains("did you mean `user.created`?"), "{mistake}");
    }
}
