//! What is true of every database, whatever was killed, stalled or restarted: each invariant counts the rows that break
//! it.
//!
//! To add one: an entry in [`ALL`], whose statement reads alone, means the same on SQLite and PostgreSQL, and counts 0
//! where all is well, at any moment between two transactions; and in the tests a row that breaks it.

use super::sql::{self, Db, Result};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// Its name, some words.
    pub name: &'static str,
    /// What a row that is counted means, and what to do about it.
    pub means: &'static str,
    sql: &'static str,
}

/// How many rows break it.
pub async fn broken(db: &mut impl Db, invariant: &Invariant) -> Result<i64> {
    Ok(sql::scalar(db, invariant.sql, ()).await?.unwrap_or_default())
}

/// All of them. Where one is about new accounts, the day before the last event is meant: later an address that nobody
/// confirmed goes, and the account behind it. SQLite finds an account's events by their index beside an expression
/// alone, not beside a column.
pub const ALL: &[Invariant] = &[
    Invariant {
        name: "accounts are named",
        means: "a new account has no address or name, though nothing was removed from it: it was made by half; \
            `multauth users delete` takes it away",
        sql: "SELECT COUNT(*) FROM users u WHERE u.deleted_at IS NULL AND u.signed_in_at IS NULL
            AND u.created_at > (SELECT MAX(at) - 86400000 FROM events)
            AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.user_id = u.id AND d.canonical IS NOT NULL)
            AND NOT EXISTS (SELECT 1 FROM events e WHERE COALESCE(e.user_id, e.subject, e.id) = COALESCE(u.id, '')
                AND e.name = 'device.removed')",
    },
    Invariant {
        name: "accounts are told",
        means: "a new account has no event user.created: webhooks were never told of it; it was made by half, or its \
            row was put in by hand",
        sql: "SELECT COUNT(*) FROM users u WHERE u.created_at > (SELECT MAX(at) - 86400000 FROM events)
            AND NOT EXISTS (SELECT 1 FROM events e WHERE COALESCE(e.user_id, e.subject, e.id) = COALESCE(u.id, '')
                AND e.name = 'user.created')",
    },
    Invariant {
        name: "events have accounts",
        means: "user.created was told of an account that is not there and was not purged: it was lost; look for it in \
            a backup",
        sql: "SELECT COUNT(*) FROM events e WHERE e.name = 'user.created' AND e.user_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = e.user_id)
            AND NOT EXISTS (SELECT 1 FROM events p WHERE COALESCE(p.user_id, p.subject, p.id) = COALESCE(e.user_id, '')
                AND p.name = 'user.purged')",
    },
    Invariant {
        name: "rows have accounts",
        means: "a device, secret, session or known device, a change of devices or a value of a profile is nobody's: \
            the row was changed past the foreign keys; delete it",
        sql: "SELECT (SELECT COUNT(*) FROM devices r WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id))
            + (SELECT COUNT(*) FROM secrets r WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id))
            + (SELECT COUNT(*) FROM sessions r WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id))
            + (SELECT COUNT(*) FROM known_devices r WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id))
            + (SELECT COUNT(*) FROM device_changes r WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id))
            + (SELECT COUNT(*) FROM profile_values r WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id))",
    },
    Invariant {
        name: "sessions are alive",
        means: "a session is of an account that is disabled or deleted; `multauth users end-sessions` ends it",
        sql: "SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.disabled_at IS NOT NULL",
    },
    Invariant {
        name: "sessions are apart",
        means: "two sessions have the same refresh token: a copy of the database was mixed in; end both",
        sql: "SELECT COUNT(*) FROM (SELECT refresh_hash FROM sessions GROUP BY refresh_hash HAVING COUNT(*) > 1) twice",
    },
    Invariant {
        name: "names are one's own",
        means: "two accounts have the same confirmed address or name: the index devices_owner is gone or broken; \
            make it again (REINDEX) once one of them is removed",
        sql: "SELECT COUNT(*) FROM (SELECT canonical FROM devices WHERE canonical IS NOT NULL
            AND confirmed_at IS NOT NULL AND hidden_at IS NULL GROUP BY kind, canonical HAVING COUNT(*) > 1) twice",
    },
    Invariant {
        name: "one is primary",
        means: "an account has several primary devices of a kind; its owner may choose one again",
        sql: "SELECT COUNT(*) FROM (SELECT user_id FROM devices WHERE is_primary AND confirmed_at IS NOT NULL
            AND hidden_at IS NULL GROUP BY user_id, kind HAVING COUNT(*) > 1) several",
    },
    Invariant {
        name: "codes are used once",
        means: "a code was used both where it was asked for and behind the link of its mail; see the account's events, \
            and end its sessions",
        sql: "SELECT COUNT(*) FROM challenges WHERE spent_at IS NOT NULL AND way_code IS NOT NULL
            AND (code = '' OR way_key IS NOT NULL)",
    },
    Invariant {
        name: "guesses are bounded",
        means: "more codes were looked at than the settings allowed: the count was changed by hand",
        sql: "SELECT COUNT(*) FROM challenges WHERE guesses > max_guesses OR way_guesses > max_guesses",
    },
    Invariant {
        name: "counts are counts",
        means: "a count is below zero: the row was changed by hand, or a copy of the database was mixed in; \
            set it to 0",
        sql: "SELECT (SELECT COUNT(*) FROM guesses WHERE streak < 0 OR day_count < 0 OR month_count < 0)
            + (SELECT COUNT(*) FROM guess_days WHERE count < 0)
            + (SELECT COUNT(*) FROM challenges WHERE guesses < 0 OR way_guesses < 0 OR sends < 0)
            + (SELECT COUNT(*) FROM sessions WHERE generation < 0)
            + (SELECT COUNT(*) FROM outbox WHERE tries < 0)
            + (SELECT COUNT(*) FROM webhook_deliveries WHERE tries < 0)
            + (SELECT COUNT(*) FROM spend WHERE messages < 0 OR cost < 0)",
    },
    Invariant {
        name: "messages end once",
        means: "a message waits though it ended, or ended at no moment, or was sent and is still kept: the row was \
            changed by hand; `multauth messages list` shows it",
        sql: "SELECT COUNT(*) FROM outbox WHERE (state = 'queued') <> (finished_at IS NULL)
            OR state NOT IN ('queued', 'sent', 'expired', 'failed')
            OR (state IN ('sent', 'expired') AND payload <> '')",
    },
    Invariant {
        name: "webhooks end once",
        means: "an event waits for a webhook though it was told, or was told at no moment: the row was changed by \
            hand; `multauth webhooks deliveries` shows it",
        sql: "SELECT COUNT(*) FROM webhook_deliveries WHERE (state = 'queued') <> (finished_at IS NULL)
            OR state NOT IN ('queued', 'sent', 'failed')
            OR NOT EXISTS (SELECT 1 FROM events e WHERE e.id = webhook_deliveries.event_id)",
    },
    Invariant {
        name: "events have an order",
        means: "two events of an account that one call wrote have the same place: a webhook may be told of them in either order",
        sql: "SELECT COUNT(*) FROM (SELECT user_id FROM events WHERE user_id IS NOT NULL AND request <> ''
            GROUP BY user_id, request, position HAVING COUNT(*) > 1) twice",
    },
    Invariant {
        name: "a key signs",
        means: "every signing key is retired: no token can be signed; `multauth keys rotate` makes one",
        sql: "SELECT COUNT(*) FROM (SELECT 1 WHERE EXISTS (SELECT 1 FROM signing_keys)
            AND NOT EXISTS (SELECT 1 FROM signing_keys WHERE retired_at IS NULL)) none_left",
    },
];
