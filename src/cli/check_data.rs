//! `multauth check --data`: which stored profiles do not fit the fields of the settings any more.

use std::fmt::Write;

use super::{Failure, Outcome, Setup, instance, print};
use crate::base::UserId;
use crate::store::{self, Store, users};
use crate::users::profile;
use crate::users::rules::ProfileRules;

/// Users that are read at a time.
const PAGE: i64 = 500;
/// Users between two words about how far it is.
const WORD: u64 = 10_000;

/// Looks at every profile; what does not fit is a line with the user, the field and the rule. Nothing is changed.
pub async fn run(setup: Setup<'_>) -> Outcome {
    let (settings, plan) = instance::understood(setup)?;
    if let Some(path) = instance::database_file(&settings).filter(|path| !path.exists()) {
        return Err(Failure::Failed(format!(
            "there is no database {}; `multauth migrate` makes it",
            path.display()
        )));
    }
    let store = Store::open(settings.database.url.expose(), 1).await?;
    store::check_version(&store).await?;
    let (users, unfit) = look(&store, &plan.profile, print::out).await?;
    if unfit == 0 {
        return print::out(&format!("all profiles of {users} users fit\n"));
    }
    eprintln!("multauth: {unfit} of {users} users have a profile that does not fit; it is kept as it is");
    Err(Failure::Told)
}

/// Pages through all users; gives how many there are, and of how many the profile does not fit. `tell` is given the
/// lines of a page.
pub async fn look(
    store: &Store,
    rules: &ProfileRules,
    mut tell: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(u64, u64), Failure> {
    let (mut users, mut unfit, mut after) = (0_u64, 0_u64, UserId::default());
    loop {
        let page = users::page(&mut store.read().await?, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((users, unfit)) };
        after.clone_from(&last.id);
        let mut lines = String::new();
        for user in &page {
            users += 1;
            if users % WORD == 0 {
                eprintln!("{users} users looked at");
            }
            let faults = rules.unfit(&profile::stored(&user.profile));
            unfit += u64::from(!faults.is_empty());
            for fault in faults {
                let _ = writeln!(lines, "{}  {}  {}", user.id, fault.field, fault.code);
            }
        }
        tell(&lines)?;
    }
}
