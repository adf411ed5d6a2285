//! An instance that nobody else sees: its own time, chance, database and inbox.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::Failure;
use crate::app::App;
use crate::base::{Clock, Millis, Random, Sensitive};
use crate::extensions::Extensions;
use crate::outbox::Worker;
use crate::providers::Routes;
use crate::settings::{Mode, Settings};
use crate::startup;

/// When it begins: 1 March 2026, 10:00 UTC.
const BEGIN: Millis = 1_772_359_200_000;

/// The instance, and the folder that goes with it.
pub struct World {
    /// The instance.
    pub app: Arc<App>,
    /// Delivers what was queued.
    pub worker: Worker,
    _folder: Folder,
}

impl World {
    /// Starts an instance by `settings`, apart from where it keeps and sends things.
    pub async fn start(settings: &Settings, extensions: &Extensions, seed: u64) -> Result<Self, Failure> {
        let folder = Folder::new()?;
        let (clock, random) = (Clock::fixed(BEGIN), Random::seeded(seed));
        let world =
            startup::World { clock, random, extensions: extensions.clone(), ..startup::World::default() };
        let started = startup::start(private(settings, &folder.0), world).await?;
        let channels =
            Routes::read(settings, &extensions.providers).map(|routes| routes.channels()).unwrap_or_default();
        let mut app = Arc::into_inner(started.app).ok_or(Failure::failed("the instance is in use"))?;
        app.channels.retain(|channel| channels.contains(channel));
        Ok(Self { app: Arc::new(app), worker: started.outbox_worker, _folder: folder })
    }
}

/// The operator's settings, with everything that reaches outside put into `folder`.
fn private(settings: &Settings, folder: &Path) -> Settings {
    let mut private = settings.clone();
    private.mode = Mode::Development; // for the inbox, and for the file as a provider
    private.database.url = Sensitive::new(format!("sqlite://{}", folder.join("simulate.db").display()));
    private.redis.url = Sensitive::default();
    private.keys.file = folder.join("master.key");
    let path = folder.join("messages.jsonl").display().to_string();
    let file: toml::Table = [("kind", "file".to_owned()), ("path", path)]
        .map(|(key, value)| (key.to_owned(), toml::Value::from(value)))
        .into_iter()
        .collect();
    private.email.providers = vec![file.clone()];
    private.phone.providers = vec![file];
    private
}

/// A folder of our own that goes when we go.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        // Real chance: two simulations with one seed may run at the same time.
        let path = std::env::temp_dir().join(format!("multauth-simulate-{}", Random::System.uuid()));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for what may be thrown away.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
