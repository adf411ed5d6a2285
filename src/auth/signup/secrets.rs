//! The secrets that a sign-up sets.

use crate::app::App;
use crate::auth::account::flows;
use crate::auth::account::secrets::Chosen;
use crate::auth::input::Given;
use crate::auth::signup::draft::DraftDevice;
use crate::base::Fault;
use crate::secrets::{Choice, Kept, SecretKind};

/// Every secret that a sign-up sets and that is kept as a hash, in a device or by itself; the faults of the others.
pub(in crate::auth) fn at_signup(
    app: &App,
    given: &Given,
    devices: &[DraftDevice],
) -> (Vec<Chosen>, Vec<Fault>) {
    let names: Vec<String> = devices.iter().flat_map(|d| flows::name_and_local_part(&d.canonical)).collect();
    let names = &flows::context(app, &names);
    let (mut chosen, mut faults) = (Vec::new(), Vec::new());
    for (name, typed) in &given.secrets {
        let Some(kind) = app.plan.secrets.kind(name).filter(|kind| set_at_signup(*kind)) else { continue };
        let named = |flow: &&crate::flows::Flow| devices.iter().any(|d| d.kind == flow.identifier);
        let alone = app.plan.signin.iter().filter(named).any(|flow| flows::asks_only(flow, name));
        let choice = Choice { field: kind.field(), alone, names, passwords: &app.policy };
        match kind.check(typed.expose(), &choice) {
            Ok(ready) => chosen.push(Chosen { kind, ready }),
            Err(fault) => faults.push(fault),
        }
    }
    (chosen, faults)
}

fn set_at_signup(kind: &dyn SecretKind) -> bool {
    matches!(kind.kept(), Kept::Hashed | Kept::InDevice)
}
