//! What the commands work on: the settings, the flows, and an instance on the operator's database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Failure;
use crate::app::App;
use crate::base::Sensitive;
use crate::flows::{self, Flows, Vocabulary};
use crate::settings::{self, Loaded, Settings};
use crate::startup::{self, World};
use crate::store::{self, Store};

/// The file that is read where no other was named.
pub const USUAL: &str = "multauth.toml";

/// The file of the settings: the named one, else [`USUAL`] where there is one.
pub fn settings_file(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| Some(PathBuf::from(USUAL)).filter(|usual| usual.exists()))
}

/// The settings of this process.
pub fn load(file: Option<&Path>) -> Result<Loaded, Failure> {
    startup::settings(file, settings::environment()).map_err(Failure::Settings)
}

/// The settings of this process where nobody asks for their places.
pub fn settings(file: Option<&Path>) -> Result<Settings, Failure> {
    Ok(load(file)?.settings)
}

/// The flows of settings that were found right.
pub struct Understood {
    /// What the words of the flows are worth.
    pub words: Vocabulary,
    /// The flows of sign-in.
    pub signin: Flows,
    /// The flows of recovery.
    pub recovery: Flows,
}

/// Understands the flows of `settings`.
pub fn understand(settings: &Settings) -> Result<Understood, Failure> {
    let words = startup::vocabulary(settings);
    let parsed = |path: &str, specs: &[_]| {
        let found =
            if specs.is_empty() { Ok(Flows::default()) } else { flows::parse(path, specs, &words, None) };
        let text = |mistakes: Vec<crate::base::Mistake>| {
            mistakes.iter().map(|m| format!("{}: {}", m.path, m.message)).collect::<Vec<_>>().join("\n")
        };
        found.map_err(|mistakes| Failure::Failed(text(mistakes)))
    };
    let signin = parsed("flows", &settings.flows)?;
    let recovery = parsed("recovery", &settings.recovery)?;
    Ok(Understood { words, signin, recovery })
}

/// The file of an SQLite database; none for PostgreSQL.
pub fn database_file(settings: &Settings) -> Option<&Path> {
    settings.database.url.expose().strip_prefix("sqlite://").map(Path::new)
}

/// An instance on the operator's own database, which must be there and up to date: a command never makes or
/// changes one in passing.
pub async fn open(file: Option<&Path>) -> Result<Arc<App>, Failure> {
    let mut settings = settings(file)?;
    if let Some(path) = database_file(&settings).filter(|path| !path.exists()) {
        let path = path.display();
        return Err(Failure::Failed(format!("there is no database {path}; `multauth migrate` makes it")));
    }
    store::check_version(&Store::open(settings.database.url.expose(), 1).await?).await?;
    // Nothing that is asked here is limited, so that no shared window is needed.
    settings.redis.url = Sensitive::default();
    Ok(startup::start(settings, World::default()).await?.app)
}
