//! `multauth flows`

use serde_json::{Value, json};

use super::{Failure, Outcome, Setup, check, instance, print};
use crate::flows::{self, Explanation, Exposure, Flows};
use crate::plan;
use crate::settings::Settings;

/// Explain every flow in plain words.
///
/// What is asked, what is sent where, what it is worth, what an attacker needs, and which flow it gives way to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth flows
  multauth flows --json | jq '.flows[] | {name, level}'
  MULTAUTH__FLOWS='[[\"email\", \"passcode\"]]' multauth flows    what would that flow be worth?")]
pub struct Args {
    /// For machines.
    #[arg(long)]
    json: bool,
}

pub fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let loaded = instance::load(setup)?;
    let found = Explained::of(&loaded.settings, setup.extensions)?;
    if args.json {
        return print::json(&found.json());
    }
    let places = found.warnings.iter().map(|warning| loaded.origins.locate(warning.clone()).to_string());
    print::out(&found.text(&places.collect::<Vec<_>>()))
}

/// All flows in plain words.
pub struct Explained {
    signin: Vec<Explanation>,
    recovery: Vec<Explanation>,
    exposures: Vec<Exposure>,
    warnings: Vec<crate::base::Mistake>,
}

impl Explained {
    /// Explains the flows of `settings`.
    pub fn of(settings: &Settings, extensions: &crate::extensions::Extensions) -> Result<Self, Failure> {
        let understood = instance::understand(settings, extensions)?;
        let explain = |list: &Flows| -> Vec<Explanation> {
            let one = |flow| flows::explain(flow, list, &understood.words, &plan::bounds(settings, flow));
            list.iter().map(one).collect()
        };
        let lists = [&understood.signin, &understood.recovery];
        Ok(Self {
            signin: explain(&understood.signin),
            recovery: explain(&understood.recovery),
            exposures: flows::exposures(&understood.signin, &understood.recovery, &understood.words),
            warnings: lists
                .into_iter()
                .flat_map(flows::warnings)
                .chain(check::exposed(&understood.signin, &understood.recovery, &understood.words))
                .collect(),
        })
    }

    /// For people; `warnings` are the warnings with their places.
    pub fn text(&self, warnings: &[String]) -> String {
        let list = |flows: &[Explanation]| -> String {
            flows.iter().map(|explanation| format!("{explanation}\n\n")).collect()
        };
        let mut text = format!("SIGN-IN\n\n{}", list(&self.signin));
        for line in alone(&self.exposures) {
            text += &format!("{line}\n\n");
        }
        text += "RECOVERY\n\n";
        text += if self.recovery.is_empty() {
            "There is none: who forgets their password has lost the account.\n\n"
        } else {
            "It gives the right to set a new password, ends all sessions, and lifts no further factor.\n\n"
        };
        text += &list(&self.recovery);
        if !warnings.is_empty() {
            text += &format!("WARNINGS\n\n{}\n", warnings.join("\n"));
        }
        text.trim_end().to_owned() + "\n"
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let list = |flows: &[Explanation]| flows.iter().map(one).collect::<Vec<_>>();
        let exposed = |e: &Exposure| json!({ "by": e.by, "flow": e.flow, "recovers": e.recovers, "in_spite_of": e.in_spite_of });
        let warnings = self.warnings.iter().map(|w| json!({ "path": w.path, "message": w.message }));
        json!({
            "flows": list(&self.signin),
            "recovery": list(&self.recovery),
            "alone": self.exposures.iter().map(exposed).collect::<Vec<_>>(),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    }
}

/// For each kind of device a line: who gets in by it alone, because they have enrolled nothing more.
fn alone(exposures: &[Exposure]) -> Vec<String> {
    let bare = || exposures.iter().filter(|exposure| exposure.in_spite_of.is_none());
    let mut kinds: Vec<&str> = bare().map(|exposure| exposure.by.as_str()).collect();
    kinds.dedup();
    let line = |kind: &&str| {
        let ways = bare().filter(|exposure| exposure.by == **kind).map(|exposure| {
            let after = if exposure.recovers { " after a recovery" } else { "" };
            format!("{}{after}", exposure.flow)
        });
        let ways: Vec<String> = ways.collect();
        format!("Who has enrolled nothing more is let in by their {kind} alone: {}.", ways.join(", "))
    };
    kinds.iter().map(line).collect()
}

fn one(explanation: &Explanation) -> Value {
    let facts = &explanation.facts;
    json!({
        "name": explanation.name,
        "asked": explanation.asked,
        "level": facts.level,
        "best_level": facts.best,
        "kinds": facts.kinds,
        "phishable": facts.phishable,
        "guess_in_a_million": facts.guess.in_a_million,
        "attack": explanation.attack,
        "gives_way": explanation.gives_way,
        "notes": explanation.notes,
    })
}
