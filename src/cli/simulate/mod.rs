//! `multauth simulate`: walks flows in process, against the real code, and prints every request and answer.
//!
//! [`persona`] is who signs up; [`world`] is an instance with a clock that stands, seeded chance, a database of
//! its own and an inbox; [`walk`] is a client that only knows what the answers tell it; [`transcript`] is what
//! is printed.

mod persona;
mod transcript;
mod walk;
mod world;

use super::{Failure, Outcome, Setup, instance, print};
use crate::extensions::Extensions;
use crate::flows::{Flow, Flows, level_of_flow};
use crate::settings::Settings;

/// Walk a flow: sign up, sign in, and print every request, answer and message.
///
/// It runs in this process with a clock of its own, repeatable chance, a database that is thrown away, and an
/// inbox in place of your providers: nothing leaves, nothing is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth simulate                              every flow
  multauth simulate email+password+passcode      one of them, as `multauth flows` names it
  MULTAUTH__FLOWS='[[\"phone\", \"passcode\"]]' multauth simulate    a flow that you think about")]
pub struct Args {
    /// The flow's name; all flows without it.
    #[arg(default_value = "all", value_name = "FLOW")]
    flow: String,
    /// Another number, other codes and ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let settings = instance::settings(setup)?;
    let flows = instance::understand(&settings, setup.extensions)?.signin;
    let mut failed = false;
    for flow in chosen(&flows, &args.flow)? {
        eprintln!("walking {} …", flow.name);
        let (text, arrived) = simulate(&settings, setup.extensions, flow, args.seed).await?;
        print::out(&text)?;
        failed |= !arrived;
    }
    if failed { Err(Failure::Told) } else { Ok(()) }
}

fn chosen<'a>(flows: &'a Flows, name: &str) -> Result<Vec<&'a Flow>, Failure> {
    // A flow that is really called "all" is found first.
    if let Some(flow) = flows.find(name) {
        return Ok(vec![flow]);
    }
    if name == "all" {
        return Ok(flows.iter().collect());
    }
    let names: Vec<&str> = flows.iter().map(|flow| flow.name.as_str()).collect();
    Err(Failure::Argument(format!("there is no flow {name:?}; there are: {}", names.join(", "))))
}

/// The transcript of one flow, and whether it led to a sign-in.
pub async fn simulate(
    settings: &Settings,
    extensions: &Extensions,
    flow: &Flow,
    seed: u64,
) -> Result<(String, bool), Failure> {
    let understood = instance::understand(settings, extensions)?;
    let words = &understood.words;
    let persona = persona::Persona::new(settings, &understood);
    let plan = persona.plan(flow, &understood);
    let world = world::World::start(settings, extensions, seed).await?;
    let mut walk = walk::Walk::new(&world, persona, plan);
    let title = format!("{}, level {}", flow.name, level_of_flow(flow, words));
    walk.transcript.title(&title);
    let arrived = walk.all(flow).await;
    match &arrived {
        Ok(()) => walk.transcript.note("signed in"),
        Err(why) => walk.transcript.note(&format!("the walk ends here: {why}")),
    }
    Ok((std::mem::take(&mut walk.transcript).text(), arrived.is_ok()))
}
