//! The server as a library: one's own kinds of providers, devices and secrets beside the built-in ones, and then it
//! runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::{ServeError, serve};
use crate::devices::DeviceKind;
use crate::extensions::Extensions;
use crate::hooks::Hook;
use crate::providers::ProviderKind;
use crate::secrets::SecretKind;
use crate::settings::{self, Located, LogFormat};
use crate::startup::{self, StartError, Started, World};
use crate::telemetry;

/// The server, to be put together by [`Server::builder`].
///
/// The programs in `examples/` show it: `own_provider.rs`, `own_device.rs`, `own_secret.rs`.
#[derive(Debug)]
pub struct Server;

/// What an own program adds to the server before it runs.
///
/// A kind that cannot be, or whose name means something else already, is refused at the start, with the reason.
/// `examples/own_provider.rs` is a whole program.
///
/// ```no_run
/// # async fn serve() -> Result<(), multauth::server::RunError> {
/// multauth::Server::builder().settings("multauth.toml").serve().await
/// # }
/// ```
#[derive(Default)]
pub struct Builder {
    file: Option<PathBuf>,
    world: World,
}

/// Why a server put together by [`Server::builder`] ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It could not be built.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The log cannot be written as the settings say.
    #[error("the log: {0}")]
    Log(String),
    /// It could not serve.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl From<Vec<Located>> for RunError {
    fn from(mistakes: Vec<Located>) -> Self {
        Self::Start(StartError::Settings(mistakes))
    }
}

impl Server {
    /// A server with the built-in settings and kinds.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Builder {
    /// Lays the settings of `file` over the built-in ones. The environment (`MULTAUTH__SECTION__KEY`) goes over both.
    #[must_use]
    pub fn settings(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Adds a kind of provider: from now on the settings may name it as `kind` under `email.providers` and
    /// `phone.providers`, as far as its channels go. It is checked, routed, retried and counted as every other.
    #[must_use]
    pub fn provider(mut self, kind: ProviderKind) -> Self {
        self.world.extensions.providers.push(kind);
        self
    }

    /// Adds a hook, asked behind those that were added before and ahead of the services in the settings.
    ///
    /// `examples/own_hook.rs` is a whole program.
    #[must_use]
    pub fn hook(mut self, hook: impl Hook + 'static) -> Self {
        self.world.extensions.hooks.push(Arc::new(hook));
        self
    }

    /// Adds a kind of device: from now on flows may begin with its name, and requests have its field. The settings
    /// check, the API document and every command know it. `examples/own_device.rs` is a whole program.
    #[must_use]
    pub fn device(mut self, kind: &'static dyn DeviceKind) -> Self {
        self.world.extensions.devices.push(kind);
        self
    }

    /// Adds a kind of secret: from now on flows may ask for it by its name. It is hashed, bounded and rated as a
    /// password is, set at sign-up, and changed at `PUT /v1/me/secrets/NAME`. `examples/own_secret.rs` is a whole
    /// program.
    #[must_use]
    pub fn secret(mut self, kind: &'static dyn SecretKind) -> Self {
        self.world.extensions.secrets.push(kind);
        self
    }

    /// The file of the settings, and the kinds.
    pub(crate) fn into_parts(self) -> (Option<PathBuf>, Extensions) {
        (self.file, self.world.extensions)
    }

    /// Builds the instance and its worker without serving: database (brought up to date), keys, flows, providers.
    ///
    /// # Errors
    /// [`RunError::Start`] with every mistake of the settings at once, each with its place.
    pub async fn start(self) -> Result<Started, RunError> {
        let (settings, plan) =
            startup::understood(self.file.as_deref(), settings::environment(), &self.world.extensions)?;
        let log = &settings.log;
        let format = if log.format == LogFormat::Json { "json" } else { "pretty" };
        telemetry::init(format, &log.level).map_err(|error| RunError::Log(error.to_string()))?;
        Ok(startup::start_with(settings, plan, self.world).await?)
    }

    /// Serves until SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// [`RunError`].
    pub async fn serve(self) -> Result<(), RunError> {
        let started = self.start().await?;
        Ok(serve(started, |at: SocketAddr| tracing::info!(listen = %at, "serving")).await?)
    }
}
