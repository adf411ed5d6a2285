//! The master key: 32 bytes in a file beside the database, never in it.

use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER_PERMISSIVE;

use crate::base::Random;

/// Why the master key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file is missing where multauth may not make one.
    #[error("the master key {0} is missing; make one with `multauth keys master {0}`")]
    Missing(String),
    /// The file cannot be read or written.
    #[error("the master key {0} cannot be used: {1}")]
    File(String, std::io::Error),
    /// The file holds something else.
    #[error(
        "the master key {0} must be 32 random bytes in base64 or hex (`head -c 32 /dev/urandom | base64`)"
    )]
    Malformed(String),
    /// The key is one that everybody knows.
    #[error("the master key {0} is not random; make one with `multauth keys master {0}`")]
    Sample(String),
    /// Others on this machine can read the file.
    #[error("the master key {0} can be read by others; `chmod 600 {0}`")]
    Readable(String),
}

/// Reads the master key, or makes it where `may_make` allows that (development).
pub fn master_key(path: &Path, may_make: bool, random: &Random) -> Result<[u8; 32], MasterKeyError> {
    read(path, may_make)?.map_or_else(|| make(path, random), Ok)
}

/// Reads the master key; none where there is none yet and `may_make` says that one may be made.
pub fn read(path: &Path, may_make: bool) -> Result<Option<[u8; 32]>, MasterKeyError> {
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && may_make => return Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(MasterKeyError::Missing(name)),
        Err(e) => return Err(MasterKeyError::File(name, e)),
    };
    if !may_make && readable_by_others(path) {
        return Err(MasterKeyError::Readable(name));
    }
    let key = decode(text.trim()).ok_or_else(|| MasterKeyError::Malformed(name.clone()))?;
    let distinct = key.iter().collect::<std::collections::BTreeSet<_>>().len();
    if distinct < 8 { Err(MasterKeyError::Sample(name)) } else { Ok(Some(key)) }
}

/// 32 bytes, written in base64 or hex; the two differ in length.
fn decode(text: &str) -> Option<[u8; 32]> {
    let bytes = if text.len() == 64 {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?
    } else {
        STANDARD.decode(text).ok()?
    };
    bytes.try_into().ok()
}

/// Makes a master key in a new file that only its owner can read.
pub fn make(path: &Path, random: &Random) -> Result<[u8; 32], MasterKeyError> {
    let failed = |e| MasterKeyError::File(path.display().to_string(), e);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let key: [u8; 32] = random.bytes();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    writeln!(file, "{}", STANDARD.encode(key)).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(key)
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/master.key");
        assert!(matches!(master_key(&path, false, &Random::System), Err(MasterKeyError::Missing(_))));
        let made = master_key(&path, true, &Random::System).unwrap();
        assert_eq!(master_key(&path, false, &Random::System).unwrap(), made);
    }

    #[test]
    fn it_may_be_written_in_base64_or_hex() {
        let key: [u8; 32] = std::array::from_fn(|n| n as u8);
        let hex = data_encoding::HEXUPPER.encode(&key);
        assert_eq!(decode(&hex), Some(key));
        assert_eq!(decode(&hex.to_lowercase()), Some(key));
        assert_eq!(decode(&STANDARD.encode(key)), Some(key));
        assert_eq!(decode(&hex[1..]), None);
    }

    #[test]
    fn bad_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            master_key(&path, true, &Random::System)
        };
        assert!(matches!(of("short"), Err(MasterKeyError::Malformed(_))));
        assert!(matches!(of(&STANDARD.encode([0; 32])), Err(MasterKeyError::Sample(_))));
        std::fs::write(&path, STANDARD.encode(Random::System.bytes::<32>())).unwrap();
        assert!(matches!(master_key(&path, false, &Random::System), Err(MasterKeyError::Readable(_))));
    }
}
