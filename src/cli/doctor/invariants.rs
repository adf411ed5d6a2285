//! `multauth doctor --invariants`: whether the rows of the database fit together.

use std::time::Duration;

use super::super::{Failure, instance};
use super::{Finding, checks};
use crate::settings::Settings;
use crate::store::invariants::{self, Invariant};
use crate::store::{self, Store, StoreError};

/// How long one may take: whole tables are read, and nobody waits for it but the operator.
const WHOLE: Duration = Duration::from_secs(3_600);

/// Counts the rows that break each invariant, and changes nothing.
///
/// # Errors
/// Where what is found cannot be told.
pub async fn examine(
    settings: &Settings,
    tell: &dyn Fn(&Finding) -> Result<(), Failure>,
) -> Result<Vec<Finding>, Failure> {
    let store = match opened(settings).await {
        Ok(store) => store,
        Err(finding) => {
            tell(&finding)?;
            return Ok(vec![finding]);
        }
    };
    let mut found = Vec::new();
    for invariant in invariants::ALL {
        let finding = looked_at(&store, invariant).await;
        tell(&finding)?;
        found.push(finding);
    }
    Ok(found)
}

/// The database, which must be there and up to date.
async fn opened(settings: &Settings) -> Result<Store, Finding> {
    if let Some(path) = instance::database_file(settings).filter(|path| !path.exists()) {
        return Err(Finding::fail("database", format!("there is no {}", path.display())));
    }
    eprintln!("opening the database …");
    let store = async {
        let store = Store::open_within(settings.database.url.expose(), 1, WHOLE).await?;
        store::check_version(&store).await?;
        Ok(store)
    };
    store.await.map_err(|error: StoreError| checks::unusable(&error))
}

async fn looked_at(store: &Store, invariant: &Invariant) -> Finding {
    let counted = match store.read().await {
        Ok(mut db) => invariants::broken(&mut db, invariant).await,
        Err(error) => Err(error),
    };
    match counted {
        Ok(0) => Finding::ok(invariant.name, "all"),
        Ok(rows) => Finding::fail(invariant.name, format!("not {rows}: {}", invariant.means)),
        Err(error) => Finding::fail(invariant.name, format!("nobody can tell: {error}")),
    }
}
