//! What an operator may say about SendGrid.

use std::path::PathBuf;

use jiff::SignedDuration;
use serde::Deserialize;

use super::super::letter::{Letterhead, mailbox};
use super::SendGrid;
use super::events::Events;
use crate::base::{Mistake, Sensitive};
use crate::outbound::http;
use crate::providers::Spec;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    key: Option<Sensitive>,
    key_file: Option<PathBuf>,
    from: Option<String>,
    reply_to: Option<String>,
    /// Where the account lives: mail of a European subuser has to go in by another door.
    #[serde(default)]
    region: Region,
    url: Option<String>,
    timeout: Option<SignedDuration>,
    #[serde(default)]
    sandbox: bool,
    /// The verification key that SendGrid shows beside "Signed Event Webhook"; without it no report is believed.
    webhook_key: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Region {
    #[default]
    Global,
    Eu,
}

impl Region {
    const fn url(self) -> &'static str {
        match self {
            Self::Global => "https://api.sendgrid.com",
            Self::Eu => "https://api.eu.sendgrid.com",
        }
    }
}

/// The provider that `spec` describes, or all its mistakes.
pub(super) fn read(spec: &Spec<'_>) -> Result<SendGrid, Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let mut mistakes = Vec::new();
    let mut note = |mistake| mistakes.push(mistake);
    let at = |key: &'static str| move |why: String| spec.mistake(key, why);

    let key = spec.secret("key", settings.key.as_ref(), settings.key_file.as_deref());
    let key = key.map_err(&mut note).ok();
    let from = mailbox(settings.from.as_deref().unwrap_or(&spec.site.from));
    let from = from.map_err(at("from")).map_err(&mut note).ok();
    let reply_to = settings.reply_to.as_deref().map(mailbox).transpose();
    let reply_to = reply_to.map_err(at("reply_to")).map_err(&mut note).ok();
    let base = spec.base(settings.url.as_deref(), settings.region.url()).map_err(&mut note).ok();
    let http = spec.http(settings.timeout.unwrap_or(http::TIMEOUT)).map_err(&mut note).ok();
    let events = settings.webhook_key.as_deref().map(Events::new).transpose();
    let events = events.map_err(at("webhook_key")).map_err(&mut note).ok();

    match (key, from, reply_to, base, http, events) {
        (Some(key), Some(from), Some(reply_to), Some(base), Some(http), Some(events)) => {
            let letterhead = Letterhead { from, reply_to };
            Ok(SendGrid { http, base, key, letterhead, sandbox: settings.sandbox, events })
        }
        _ => Err(mistakes),
    }
}
