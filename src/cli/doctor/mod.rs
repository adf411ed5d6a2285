//! `multauth doctor`: tries everything that an instance needs, and says what to do about what does not work.
//!
//! To add a check: a function in `checks.rs` or `outside.rs` that gives [`Finding`]s, and a line in [`examine`]. What
//! is true of every database is in `store/invariants.rs`.

mod checks;
pub mod invariants;
mod outside;

use super::{Failure, Outcome, Setup, instance, print};
use crate::extensions::Extensions;
use crate::hooks;
use crate::providers::Routes;
use crate::settings::Settings;
use crate::webhooks::Webhooks;

/// Try everything that an instance needs, and say what to do about what fails.
///
/// Clock, disk, descriptors, master key, database, signing keys, Redis, providers, webhooks, hooks: one line each, ok, warn or fail.
/// Nothing is sent to anybody. The exit code is 1 where something fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth doctor
  multauth doctor --config /etc/multauth/multauth.toml
  multauth doctor --invariants    after a crash or a restored backup: do the rows fit together?")]
pub struct Args {
    /// Look at the rows of the database instead: no account made by half, no session of nobody, no code used twice.
    ///
    /// Each invariant is a line, with how many rows break it, what that means and what to do. Nothing is changed, and
    /// instances may be running. It reads whole tables: with millions of users it takes a minute.
    #[arg(long)]
    invariants: bool,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and is worth a look.
    Warn,
    /// It does not work.
    Fail,
}

/// What a check found.
#[derive(Debug)]
pub struct Finding {
    health: Health,
    what: String,
    text: String,
}

impl Finding {
    fn ok(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { health: Health::Ok, what: what.into(), text: text.into() }
    }

    fn warn(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { health: Health::Warn, what: what.into(), text: text.into() }
    }

    fn fail(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { health: Health::Fail, what: what.into(), text: text.into() }
    }

    /// As it is printed.
    pub fn line(&self) -> String {
        let health = match self.health {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Fail => "fail",
        };
        let text = self.text.lines().collect::<Vec<_>>().join("; ");
        format!("{health:<4}  {:<18}  {text}\n", self.what)
    }
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let tell = |finding: &Finding| print::out(&finding.line());
    let settings = instance::settings(setup)?;
    let findings = if args.invariants {
        invariants::examine(&settings, &tell).await?
    } else {
        let from = setup.file.map_or("built-in".to_owned(), |file| file.display().to_string());
        tell(&Finding::ok("settings", from))?;
        examine(&settings, setup.extensions, &tell).await?
    };
    let failed = findings.iter().filter(|finding| finding.health == Health::Fail).count();
    if failed == 0 { Ok(()) } else { Err(Failure::Told) }
}

/// Makes every check and tells each finding as soon as it is there.
pub async fn examine(
    settings: &Settings,
    extensions: &Extensions,
    tell: &dyn Fn(&Finding) -> Result<(), Failure>,
) -> Result<Vec<Finding>, Failure> {
    let mut found = Vec::new();
    let mut note = |finding: Finding| -> Result<(), Failure> {
        tell(&finding)?;
        found.push(finding);
        Ok(())
    };
    note(checks::clock())?;
    checks::disk(settings).map(&mut note).transpose()?;
    note(checks::descriptors(settings))?;
    let (sealer, finding) = checks::master(settings);
    note(finding)?;
    let (store, finding) = checks::database(settings).await;
    note(finding)?;
    if let Some(store) = &store {
        checks::agreement(store).await.map(&mut note).transpose()?;
    }
    if let (Some(store), Some(sealer)) = (store, sealer) {
        note(checks::signing(store, sealer).await)?;
    }
    note(outside::redis(settings).await)?;
    // Mistakes in their settings were reported when those were read.
    let routes = Routes::read(settings, &extensions.providers).unwrap_or_default();
    for entry in routes.all() {
        note(outside::provider(entry).await)?;
    }
    let webhooks = Webhooks::read(settings).unwrap_or_default();
    for webhook in webhooks.iter() {
        note(outside::webhook(webhook).await)?;
    }
    for callee in hooks::http::read(settings).unwrap_or_default() {
        note(outside::hook(&callee).await)?;
    }
    Ok(found)
}
