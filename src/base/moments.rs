//! Every moment that is stored or remembered, and how it is judged where the wall clock jumps. There is no code here: it
//! is the list to add to when a column is added.
//!
//! Three rules hold for all. A moment is taken where it is judged: after what was waited for, or, for what a client
//! brought, when its call came in. What lies ahead of now was written by a clock that was ahead: it counts as now, and is
//! *brought back*, written as now, for otherwise it would count as now for ever; what ends by its beginning ends as much
//! earlier, and counts stay as they are. What was refused because it was over is marked, and is over whatever the clock
//! says later. `soon` and `late` are those of `store::ahead`: the first for a clock that agrees with
//! the database's, or was steady for an hour, the second for one that was steady for an hour, once a day. Guesses are
//! brought back by the moment that all instances count by, where that was steady for an hour. What waits to
//! leave is brought back at any turn.
//!
//! | Moment | How it is judged |
//! |---|---|
//! | `users.created_at`, `users.updated_at` | told; claims go by the first; brought back late |
//! | `users.signed_in_at` | whether somebody came in since; brought back late |
//! | `users.disabled_at` | whether there is one; brought back late, beside the one that it equals |
//! | `users.deleted_at` | purged when its grace is over, and later rather than sooner; brought back late |
//! | `devices.created_at` | a claim goes after a day; brought back late |
//! | `devices.confirmed_at`, `devices.proven_at` | how young a device is; brought back late |
//! | `devices.last_used_at`, `devices.last_step` | a step passes once; one more than a day ahead counts as taken now |
//! | `devices.hidden_at` | goes after three days; brought back late |
//! | `devices.failing_since` | told; brought back late |
//! | `secrets.created_at` | a young recovery code goes with a recovery; brought back late |
//! | `attempts.created_at`, `attempts.expires_at` | over at its end, and gone once that was told; brought back soon |
//! | `challenges.sent_at` | bars another for a while; brought back where another is asked for, and soon |
//! | `challenges.expires_at`, `challenges.way_ends`, `challenges.code_ends` | over at its end, and marked once that was told; brought back with the moment that it was sent |
//! | `challenges.spent_at` | whether there is one |
//! | `sessions.created_at`, `sessions.expires_at`, `sessions.auth_time` | over at its end, and deleted once that was told; brought back where it is refreshed, and late |
//! | `sessions.rotated_at` | idle by when the call came in, and so the grace; brought back where it is shown again, and late |
//! | `known_devices.created_at`, `known_devices.last_used_at` | goes after half a year; brought back soon |
//! | `guesses.last_at`, `guesses.day_start`, `guesses.month_start` | bar as long as the ladder says, by `store::agreement`, which with PostgreSQL follows no jump at once, and with SQLite one ahead; brought back by whoever judges them while no clock is in doubt, and every hour |
//! | `guess_days.day` | days to come count as today; folded into it every hour |
//! | `signing_keys.created_at` | the one that signs is rotated by its age; of the future none waits to take its place; brought back late |
//! | `signing_keys.active_at` | the newest that has begun signs, else the first; brought back with the moment that it was made |
//! | `signing_keys.retired_at` | published until then; the next rotation brings back what is later than it has to be |
//! | `api_keys.created_at`, `api_keys.ended_at` | told; whether there is one |
//! | `outbox.created_at`, `outbox.due_at`, `outbox.leased_until`, `outbox.expires_at` | what was written ahead, or is due or leased later than anything is put off, is due at the next turn; how long it is good for is brought back while no clock is in doubt |
//! | `outbox.finished_at`, `outbox.receipt_at`, `outbox.confirmed_at` | told, and counted towards conversion; goes a week after, later rather than sooner |
//! | `webhook_deliveries.created_at`, `webhook_deliveries.due_at`, `webhook_deliveries.leased_until` | as in the outbox |
//! | `webhook_deliveries.finished_at` | goes a week or a month after, later rather than sooner |
//! | `webhook_deliveries.position`, `events.position` | the order of what happened to one user; stays as it was told |
//! | `events.at` | told; goes when its time is, wherever it stands in the order |
//! | `spend.since` | windows of the wall clock; what was counted ahead is folded into those of now, soon |
//! | `lines.looked_at` | good for as long as the settings say; brought back soon |
//! | `suspensions.since`, `suspensions.ends_at` | as long as the settings say from now; brought back soon |
//! | `wishes.ends_at` | a day at most, and gone once it was refused as over; brought back soon |
//! | `device_changes.at` | can be taken back for three days; brought back late |
//! | what a session's row says was shown, and when | shown lately only as long ago as the settings say, and not ahead |
//! | windows of rates, in memory and in Redis | a mark of the future counts as made now |
//! | rests of providers and hooks, in memory | come as much earlier as the clock went back |
//! | the place of the last event, in memory | nothing is put behind one that lies ahead |
//! | access tokens, proofs | judged by what stands in them: one made by a clock that was ahead is refused until then |
//! | what connections, hashes and calls out take | the clock that is never set |
