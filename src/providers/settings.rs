//! Strict reading of a provider's settings, for all of them the same.

use serde::de::DeserializeOwned;

use crate::base::Mistake;

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
}
