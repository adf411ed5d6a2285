//! Secrets that are kept in a file of their own: `x_file` beside `x`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::Sensitive;

use super::check::Checks;
use super::{Origins, Settings};

/// Longer is no secret but the wrong file.
const LONGEST: u64 = 64 * 1_024;

/// Reads every `x_file` into its `x`.
pub(super) fn read_all(
    settings: &mut Settings,
    origins: &mut Origins,
    production: bool,
    checks: &mut Checks,
) {
    let database = (&mut settings.database.url, &settings.database.url_file, "database.url");
    let redis = (&mut settings.redis.url, &settings.redis.url_file, "redis.url");
    let lookup = &mut settings.phone.lookup;
    let token = (&mut lookup.auth_token, &lookup.auth_token_file, "phone.lookup.auth_token");
    let secret = (&mut lookup.api_secret, &lookup.api_secret_file, "phone.lookup.api_secret");
    for (secret, file, path) in [database, redis, token, secret] {
        let Some(file) = file else { continue };
        let file_path = format!("{path}_file");
        if !origins.is_default(path) {
            checks.wrong(file_path, format!("stands beside {path}; keep one of them"));
            continue;
        }
        match read(file, production) {
            Ok(text) => {
                *secret = text;
                origins.answer_for(path, &file_path);
            }
            Err(why) => checks.wrong(file_path, why),
        }
    }
}

fn read(file: &PathBuf, production: bool) -> Result<Sensitive, String> {
    let shown = file.display();
    let failed = |error| format!("{shown} cannot be read: {error}");
    let about = fs::metadata(file).map_err(failed)?;
    if !about.is_file() || about.len() > LONGEST {
        return Err(format!("{shown} must be a file of at most {LONGEST} bytes"));
    }
    if production && open_to_others(file) {
        return Err(format!(
            "{shown} can be read by every user of this machine: take that right away (chmod o-r)"
        ));
    }
    let text = Sensitive::new(fs::read_to_string(file).map_err(failed)?);
    let text = text.expose().trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(format!("{shown} is empty")) } else { Ok(Sensitive::new(text)) }
}

/// Whether every user of this machine may read `file`.
#[cfg(unix)]
pub(super) fn open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|about| about.permissions().mode() & 0o004 != 0)
}

/// Whether every user of this machine may read `file`.
#[cfg(not(unix))]
pub(super) fn open_to_others(_: &Path) -> bool {
    false
}
