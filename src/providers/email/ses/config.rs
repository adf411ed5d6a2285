//! What an operator may say about SES.

use super::super::letter::{Letterhead, mailbox};
use super::Ses;
use super::events::Events;
use crate::base::Mistake;
use crate::providers::Spec;
use crate::providers::aws::{self, Topic};

aws::settings! {
    struct Settings {
        from: Option<String>,
        reply_to: Option<String>,
        /// Whose events and rules apply; events with our id come from one alone.
        configuration_set: Option<String>,
        /// The ARN of the SNS topic that events are published to; without it no report is believed.
        topic: Option<String>,
    }
}

/// The provider that `spec` describes, or all its mistakes.
pub(super) fn read(spec: &Spec<'_>) -> Result<Ses, Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let mut mistakes = Vec::new();
    let service =
        settings.shared().service(spec, "ses", "email").map_err(|found| mistakes.extend(found)).ok();
    let mut note = |key: &str, why: String| mistakes.push(spec.mistake(key, why));

    let from = mailbox(settings.from.as_deref().unwrap_or(&spec.site.from));
    let from = from.map_err(|why| note("from", why)).ok();
    let reply_to = settings.reply_to.as_deref().map(mailbox).transpose();
    let reply_to = reply_to.map_err(|why| note("reply_to", why)).ok();
    let set = settings.configuration_set.map(set_name).transpose();
    let set = set.map_err(|why| note("configuration_set", why)).ok();
    let topic = settings.topic.as_deref().map(Topic::new).transpose();
    let topic = topic.map_err(|why| note("topic", why)).ok();

    match (service, from, reply_to, set, topic) {
        (Some(service), Some(from), Some(reply_to), Some(configuration_set), Some(topic)) => {
            let letterhead = Letterhead { from, reply_to };
            Ok(Ses { service, letterhead, configuration_set, events: topic.map(Events::new) })
        }
        _ => Err(mistakes),
    }
}

fn set_name(name: String) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let sound = (1..=64).contains(&name.len()) && name.chars().all(plain);
    if sound { Ok(name) } else { Err("is 1 to 64 letters, digits, - and _".into()) }
}
