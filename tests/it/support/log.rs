//! What was logged, kept to be searched.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use multauth::telemetry::{self, Format, Lines};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Level};
use tracing_subscriber::layer::SubscriberExt;

/// Somebody who wants every line, whichever thread comes by it first, and writes none. Where one test alone listens, a
/// line that another one comes by is otherwise silent for all.
static WANTS_ALL: LazyLock<Dispatch> = LazyLock::new(|| {
    let all = tracing_subscriber::fmt().with_max_level(Level::TRACE);
    Dispatch::new(all.with_writer(std::io::sink).finish())
});

/// What a subscriber writes.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps what this thread logs, down to `level`, for as long as the guard lives.
    pub fn listen(level: Level) -> (Self, DefaultGuard) {
        LazyLock::force(&WANTS_ALL);
        let log = Self::default();
        let written = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        let subscriber = subscriber.with_writer(move || written.clone()).finish();
        let guard = tracing::subscriber::set_default(subscriber);
        Self::hear();
        (log, guard)
    }

    /// Keeps what this thread logs as the program writes it for machines, a JSON object a line.
    pub fn of_machines(level: &str) -> (Self, DefaultGuard) {
        LazyLock::force(&WANTS_ALL);
        let log = Self::default();
        let written = log.clone();
        let lines = Lines::new(Format::Json, move || written.clone());
        let all = tracing_subscriber::registry().with(telemetry::filter(level).unwrap()).with(lines);
        let guard = tracing::subscriber::set_default(all);
        Self::hear();
        (log, guard)
    }

    /// Another test may have come by a line while nobody listened, and then it stays silent for all: from now on it is
    /// heard.
    pub fn hear() {
        tracing::callsite::rebuild_interest_cache();
    }

    /// All of it so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// All of it since it was last taken.
    pub fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    /// All of it so far, as it was written.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
