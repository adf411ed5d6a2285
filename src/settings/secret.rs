//! Secrets in the settings: written in place, or kept in a file that only the server reads.

use std::path::Path;

use crate::base::{Mistake, Sensitive};

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
