use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::settings::check::Checks;

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// The least that is logged: `error`, `warn`, `info`, `debug`, `trace`, by module as in `info,sqlx=warn`.
    pub level: String,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Log {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        // A bare word that is no level would be taken for a module's name.
        let bare = self.level.split(',').map(str::trim).filter(|part| !part.contains(['=', '[']));
        let levels = bare.into_iter().all(|word| LEVELS.contains(&word));
        let sound = levels && EnvFilter::try_new(&self.level).is_ok();
        let message = "must be error, warn, info, debug or trace, by module as in \"info,sqlx=warn\"";
        checks.must(sound, "log.level", message);
    }
}
