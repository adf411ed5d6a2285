//! `multauth flows`

use serde_json::{Value, json};

use super::{Failure, Outcome, Setup, instance, print};
use crate::flows::{self, Explanation, Flows};
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
    let found = Explained::of(&loaded.settings, setup.own)?;
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
    warnings: Vec<crate::base::Mistake>,
}

impl Explained {
    /// Explains the flows of `settings`.
    pub fn of(settings: &Settings, own: &plan::Own) -> Result<Self, Failure> {
        let understood = instance::understand(settings, own)?;
        let explain = |list: &Flows| -> Vec<Explanation> {
            let one = |flow| flows::explain(flow, list, &understood.words, &plan::bounds(settings, flow));
            list.iter().map(one).collect()
        };
        let lists = [&understood.signin, &understood.recovery];
        Ok(Self {
            signin: explain(&understood.signin),
            recovery: explain(&understood.recovery),
            warnings: lists.into_iter().flat_map(flows::warnings).collect(),
        })
    }

    /// For people; `warnings` are the warnings with their places.
    pub fn text(&self, warnings: &[String]) -> String {
        let list = |flows: &[Explanation]| -> String {
            flows.iter().map(|explanation| format!("{explanation}\n\n")).collect()
        };
        let mut text = format!("SIGN-IN\n\n{}RECOVERY\n\n", list(&self.signin));
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
        let warnings = self.warnings.iter().map(|w| json!({ "path": w.path, "message": w.message }));
        json!({
            "flows": list(&self.signin),
            "recovery": list(&self.recovery),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    }
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
