//! Strict reading of a provider's settings, for all of them the same.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::base::{Mistake, Sensitive};

/// Reads `table` as `T`, which refuses unknown fields. Every unknown key is reported, each with the valid names,
/// and then the first value that does not fit.
pub(super) fn read<T: DeserializeOwned>(table: &toml::Table, path: &str) -> Result<T, Vec<Mistake>> {
    let mut table = table.clone();
    let mut mistakes = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(table.clone()) {
            Ok(settings) if mistakes.is_empty() => return Ok(settings),
            Ok(_) => return Err(mistakes),
            Err(error) => error,
        };
        let key = error.path().to_string();
        let message = error.inner().message().to_owned();
        let unknown = message.starts_with("unknown field") && table.remove(&key).is_some();
        let at = if key == "." { path.to_owned() } else { format!("{path}.{key}") };
        mistakes.push(Mistake::new(at, message));
        if !unknown {
            return Err(mistakes);
        }
    }
}

/// A secret written in place or kept in a file: at most one of `inline` and `file` is set. `name` is the key of the
/// first; the second is called `{name}_file`.
pub fn secret(
    inline: Option<&Sensitive>,
    file: Option<&Path>,
    path: &str,
    name: &str,
) -> Result<Option<Sensitive>, Mistake> {
    match (inline, file) {
        (Some(_), Some(_)) => Err(Mistake::new(
            format!("{path}.{name}_file"),
            format!("stands beside `{name}`; keep one of them"),
        )),
        (inline, None) => Ok(inline.cloned()),
        (None, Some(file)) => {
            secret_file(file).map(Some).map_err(|why| Mistake::new(format!("{path}.{name}_file"), why))
        }
    }
}

/// A secret that others can read is refused (R141).
fn secret_file(file: &Path) -> Result<Sensitive, String> {
    let shown = file.display();
    if open_to_others(file) {
        return Err(format!("{shown} can be read by every user of this machine; take that right away"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let text = Sensitive::new(text.trim_end_matches(['\r', '\n']));
    if text.expose().is_empty() { Err(format!("{shown} is empty")) } else { Ok(text) }
}

#[cfg(unix)]
fn open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_file: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        port: u16,
    }

    fn wrong(text: &str) -> Vec<Mistake> {
        read::<Sample>(&toml::from_str(text).unwrap(), "p[0]").map(|sample| sample.port).unwrap_err()
    }

    #[test]
    fn every_mistake_says_where_and_what_is_right() {
        let found = wrong("porrt = 1\nhots = 2\nport = \"x\"");
        let paths: Vec<_> = found.iter().map(|m| m.path.as_str()).collect();
        assert_eq!(paths, ["p[0].hots", "p[0].porrt", "p[0].port"]);
        assert!(found[0].message.contains("`port`"), "{found:?}");
        assert_eq!(wrong("")[0].message, "missing field `port`");
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_file_is_private_and_not_empty() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let with_mode = |text: &str, mode| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            secret(None, Some(&file), "p[0]", "password")
        };
        assert_eq!(with_mode("s3cret\n", 0o600), Ok(Some("s3cret".into())));
        assert_eq!(with_mode("s3cret\n", 0o644).unwrap_err().path, "p[0].password_file");
        assert!(with_mode("\n", 0o600).unwrap_err().message.contains("empty"));
        assert!(secret(Some(&"a".into()), Some(&file), "p[0]", "password").is_err());
        assert!(secret(None, Some(&folder.path().join("none")), "p[0]", "password").is_err());
    }
}
