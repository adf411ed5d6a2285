//! What a client knows for sure: `sent` is on the disk before a call, `acked` after its answer. Whatever became of the
//! server, afterwards *acked ⊆ present ⊆ sent*.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::sql;
use super::table::Seen;

/// The identifiers that are there: counted as confirmed, or not, so that a sign-up is either whole or absent.
const PRESENT: &str = "SELECT canonical FROM devices WHERE canonical IS NOT NULL";

/// A file that only grows, a line an entry, each flushed to the disk.
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

impl Ledger {
    /// An empty one in `folder`.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join("ledger");
        let file = File::options().create(true).append(true).open(&path).unwrap();
        Self { path, file: Mutex::new(file) }
    }

    /// A sign-up of `name` is about to be sent.
    pub fn sent(&self, name: &str) {
        self.note("sent", name);
    }

    /// It was answered as done.
    pub fn acked(&self, name: &str) {
        self.note("acked", name);
    }

    fn note(&self, what: &str, name: &str) {
        let mut file = self.file.lock().unwrap();
        file.write_all(format!("{what} {name}\n").as_bytes()).unwrap();
        file.sync_data().unwrap();
    }

    fn names(&self, what: &str) -> BTreeSet<String> {
        let text = std::fs::read_to_string(&self.path).unwrap();
        let all = text.lines().filter_map(|line| line.split_once(' '));
        all.filter(|(found, _)| *found == what).map(|(_, name)| name.to_owned()).collect()
    }

    /// Holds it against the database at `url`.
    pub async fn compare(&self, url: &str, seen: &mut Seen) {
        let (sent, acked) = (self.names("sent"), self.names("acked"));
        let present: BTreeSet<String> = sql::strings(url, PRESENT).await.into_iter().collect();
        seen.figure(format!("acked {}", acked.len()));
        seen.must(!acked.is_empty(), "nothing was acknowledged: there was nothing to lose");
        seen.none("lost", acked.difference(&present).count());
        seen.none("unsent", present.difference(&sent).count());
    }
}
