//! What the commands work on: the settings, the flows, and an instance on the operator's database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::failure::Failure;
use crate::app::App;
use crate::base::Sensitive;
use crate::base::clock::HOUR;
use crate::extensions::Extensions;
use crate::plan::{self, Plan};
use crate::settings::{self, Loaded, Settings, Span};
use crate::startup::{self, World};
use crate::store::{self, Store};

/// What every command works on.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The file of the settings.
    pub file: Option<&'a Path>,
    /// The kinds that the program adds.
    pub extensions: &'a Extensions,
}

impl Setup<'_> {
    /// The real world, with these kinds.
    pub fn world(self) -> World {
        World { extensions: self.extensions.clone(), ..World::default() }
    }
}

/// The file that is read where no other was named.
pub const USUAL: &str = "multauth.toml";

/// The file of the settings: the named one, else [`USUAL`] where there is one.
pub fn settings_file(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| Some(PathBuf::from(USUAL)).filter(|usual| usual.exists()))
}

/// The settings of this process.
pub fn load(setup: Setup<'_>) -> Result<Loaded, Failure> {
    startup::settings(setup.file, settings::environment(), setup.extensions).map_err(Failure::Settings)
}

/// The settings of this process where nobody asks for their places.
pub fn settings(setup: Setup<'_>) -> Result<Settings, Failure> {
    Ok(load(setup)?.settings)
}

/// The settings of this process and what they mean.
pub fn understood(setup: Setup<'_>) -> Result<(Settings, Plan), Failure> {
    startup::understood(setup.file, settings::environment(), setup.extensions).map_err(Failure::Settings)
}

/// Understands the flows of `settings`.
pub fn understand(settings: &Settings, extensions: &Extensions) -> Result<Plan, Failure> {
    plan::read(settings, extensions).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(|m| format!("{}: {}", m.path, m.message)).collect();
        Failure::Failed(lines.join("\n"))
    })
}

/// The file of an SQLite database; none for PostgreSQL.
pub fn database_file(settings: &Settings) -> Option<&Path> {
    settings.database.url.expose().strip_prefix("sqlite://").map(Path::new)
}

/// An instance on the operator's own database, which must be there and up to date: a command never makes or
/// changes one in passing.
pub async fn open(setup: Setup<'_>) -> Result<Arc<App>, Failure> {
    let (mut settings, plan) = understood(setup)?;
    if let Some(path) = database_file(&settings).filter(|path| !path.exists()) {
        let path = path.display();
        return Err(Failure::Failed(format!("there is no database {path}; `multauth migrate` makes it")));
    }
    store::check_version(&Store::open(settings.database.url.expose(), 1).await?).await?;
    // An operator waits for as long as it takes to look through all accounts.
    settings.database.timeout = Span(HOUR);
    // Nothing that is asked here is limited, so that no shared window is needed.
    settings.redis.url = Sensitive::default();
    Ok(startup::start_with(settings, plan, setup.world()).await?.app)
}
