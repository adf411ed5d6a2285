//! File descriptors: each connection has one, and where they are used up, nobody is taken, no file is opened and no
//! database is reached. So `server.connections` is held against what the system allows (`RLIMIT_NOFILE`).

use crate::settings::Settings;

/// Connections of the listener for metrics: whoever reads them are few.
pub const METRICS: u32 = 64;
/// What else is open at once: providers, webhooks, hooks, Redis, listeners, the log, and files that are read.
const RESERVE: u64 = 256;
/// Files of one connection to SQLite: the database and its log of writes, and the memory that both share.
const OF_SQLITE: u64 = 3;
/// What is kept of `server.connections` whatever the limit is.
const FEWEST: u32 = 16;

/// How many descriptors there may be, and how many are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What is needed for everything that the settings allow.
    pub needed: u64,
    /// What this process may have now; none: without end.
    pub soft: Option<u64>,
    /// What it may raise that to by itself.
    pub hard: Option<u64>,
    /// `server.connections`.
    pub connections: u32,
}

impl Room {
    /// What there is for a process started as this one, and what the settings need.
    pub fn of(settings: &Settings) -> Self {
        let (soft, hard) = limits();
        Self { needed: needed(settings), soft, hard, connections: settings.server.connections }
    }

    /// How many connections are taken at once, once the limit was raised as far as it goes.
    pub fn fit(&self) -> u32 {
        let Some(hard) = self.hard.filter(|hard| *hard < self.needed) else { return self.connections };
        let others = self.needed - u64::from(self.connections);
        let left = u32::try_from(hard.saturating_sub(others)).unwrap_or(u32::MAX);
        left.clamp(FEWEST.min(self.connections), self.connections)
    }

    /// What is wrong, with both numbers and what to do; nothing where everything fits.
    pub fn warning(&self) -> Option<String> {
        let fit = self.fit();
        let hard = self.hard.filter(|_| fit < self.connections)?;
        Some(format!(
            "{} connections and what else is open need {} file descriptors, and {hard} is the limit here: {fit} \
             connections are taken at once; raise the limit (LimitNOFILE= of systemd, ulimit -Hn), or lower \
             server.connections",
            self.connections, self.needed
        ))
    }
}

/// Raises the limit where that is needed and allowed, and says how many connections may be taken; a warning is logged
/// where those are fewer than the settings say.
pub fn make_room(settings: &Settings) -> u32 {
    let room = Room::of(settings);
    let short = room.soft.is_some_and(|soft| soft < room.needed);
    let raised = if short { raise(&room) } else { room };
    if let Some(warning) = raised.warning() {
        tracing::warn!("{warning}");
    }
    raised.fit()
}

fn needed(settings: &Settings) -> u64 {
    let each = if settings.database.url.expose().starts_with("sqlite:") { OF_SQLITE } else { 1 };
    let metrics = if settings.server.metrics_listen.is_some() { METRICS } else { 0 };
    // SQLite has one connection more, for who writes.
    let database = (u64::from(settings.database.connections) + 1) * each;
    u64::from(settings.server.connections) + u64::from(metrics) + database + RESERVE
}

#[cfg(unix)]
fn limits() -> (Option<u64>, Option<u64>) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    (limit.current, limit.maximum)
}

/// What holds once the limit is raised: to the hard one, or where the system refuses that, to what is needed.
#[cfg(unix)]
fn raise(room: &Room) -> Room {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let to = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum: room.hard }).is_ok();
    let least = room.hard.map_or(room.needed, |hard| hard.min(room.needed));
    let raised = to(room.hard) || to(Some(least));
    let (soft, hard) = limits();
    // One that cannot be raised is as good as the hard one.
    Room { soft, hard: if raised { hard } else { soft }, ..*room }
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
fn limits() -> (Option<u64>, Option<u64>) {
    (None, None)
}

#[cfg(not(unix))]
fn raise(room: &Room) -> Room {
    *room
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(soft: u64, hard: u64) -> Room {
        Room { needed: 10_289, soft: Some(soft), hard: Some(hard), connections: 10_000 }
    }

    #[test]
    fn connections_are_as_many_as_fit_and_that_is_told_with_both_numbers() {
        assert_eq!((room(1_024, 10_289).fit(), room(1_024, 10_289).warning()), (10_000, None));
        let unlimited = Room { hard: None, ..room(1_024, 0) };
        assert_eq!((unlimited.fit(), unlimited.warning()), (10_000, None));
        assert_eq!(room(1_024, 1_024).fit(), 735);
        let warning = room(1_024, 4_096).warning().unwrap();
        for word in
            ["10000 connections", "10289", "4096", "3807 connections", "LimitNOFILE=", "server.connections"]
        {
            assert!(warning.contains(word), "{word}: {warning}");
        }
        assert_eq!(room(64, 64).fit(), FEWEST, "the server begins whatever the limit is");
        assert_eq!(Room { connections: 4, needed: 293, ..room(64, 64) }.fit(), 4);
    }

    #[test]
    fn what_is_open_beside_connections_counts() {
        let mut settings = Settings::built_in();
        let plain = needed(&settings);
        assert_eq!(plain, 10_000 + 11 * OF_SQLITE + RESERVE);
        settings.server.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        settings.database.url = "postgres://h/d".into();
        assert_eq!(needed(&settings), 10_000 + 11 + u64::from(METRICS) + RESERVE);
    }
}
