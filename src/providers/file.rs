//! `file`: appends messages to a file, one JSON line each; for development and tests.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::Deserialize;

use super::{Outcome, Provider, ProviderKind, Spec};
use crate::base::Mistake;
use crate::messages::{Channel, Message};

/// Appends a message as one JSON line: `id, at, channel, to, kind, subject, text, html`.
pub const KIND: ProviderKind = ProviderKind {
    name: "file",
    channels: Channel::ALL,
    development_only: true,
    example: r#"{ kind = "file", path = "data/messages.jsonl" }"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    path: PathBuf,
}

struct Lines {
    path: PathBuf,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let Settings { path: file } = spec.read()?;
    if file.as_os_str().is_empty() {
        return Err(vec![spec.mistake("path", "is empty; name the file to append to")]);
    }
    Ok(Box::new(Lines { path: file }))
}

#[async_trait]
impl Provider for Lines {
    async fn send(&self, message: &Message) -> Outcome {
        let Ok(mut line) = serde_json::to_string(message) else {
            return Outcome::misconfigured("the message cannot be written as JSON");
        };
        line.push('\n');
        match self.in_file(move |mut file| file.write_all(line.as_bytes()).and_then(|()| file.flush())).await
        {
            Ok(()) => Outcome::Delivered { reference: None },
            Err(error) => Outcome::retry(format!("the message file: {}", error.kind())),
        }
    }

    async fn check(&self) -> Result<(), String> {
        let opened = self.in_file(|_| Ok(())).await;
        opened.map_err(|error| format!("{} cannot be written: {error}", self.path.display()))
    }
}

impl Lines {
    /// Opens the file each time, so that it may be emptied or moved while the server runs.
    async fn in_file(&self, act: impl FnOnce(File) -> io::Result<()> + Send + 'static) -> io::Result<()> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || open(&path).and_then(act)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// Opens for appending, so that one write is one whole line; a new file is its owner's alone.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{Kind, Rendered};
    use crate::providers::spec::told;

    fn provider(path: &Path) -> Box<dyn Provider> {
        told(&format!("path = {:?}", path.display().to_string()), build)
            .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    fn message(id: usize) -> Message {
        let rendered = Rendered { subject: None, text: "one\ntwo".repeat(500).as_str().into(), html: None };
        Message::new(id.to_string(), 1, Channel::Sms, "+48123456767", Kind::SigninCode, rendered)
    }

    #[tokio::test]
    async fn many_at_once_leave_one_whole_line_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/messages.jsonl");
        let provider: std::sync::Arc<dyn Provider> = provider(&path).into();
        assert_eq!(provider.check().await, Ok(()));
        let sent = (0..50).map(|id| {
            let provider = provider.clone();
            async move { provider.send(&message(id)).await }
        });
        for outcome in futures_util::future::join_all(sent).await {
            assert_eq!(outcome, Outcome::Delivered { reference: None });
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut ids: Vec<usize> = text
            .lines()
            .map(|line| serde_json::from_str::<Message>(line).unwrap().id.parse().unwrap())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_tried_again_later() {
        let folder = tempfile::tempdir().unwrap();
        let provider = provider(folder.path());
        assert!(matches!(provider.send(&message(1)).await, Outcome::Retry { .. }));
        assert!(provider.check().await.is_err());
    }
}
