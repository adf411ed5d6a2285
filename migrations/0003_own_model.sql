-- One's own user model, and what happened to it.

-- Names of the groups that a user is in, a JSON list in their order.
ALTER TABLE users ADD COLUMN group_names TEXT NOT NULL DEFAULT '[]';
-- Since when it is deleted and waits for its purge; NULL while it is in use.
ALTER TABLE users ADD COLUMN deleted_at BIGINT;
CREATE INDEX users_deleted ON users (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX users_created ON users (created_at);
-- What a purge looks for: only messages that were given up keep their text.
CREATE INDEX outbox_given_up ON outbox (device_id) WHERE state = 'failed';

-- What hooks took away from an attempt, as JSON; NULL where nobody was asked.
ALTER TABLE attempts ADD COLUMN ways TEXT;

-- Values of profile fields that only one user may have.
CREATE TABLE profile_values (
    field TEXT NOT NULL,
    -- the keyed hash of the value
    value TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (field, value)
);
CREATE INDEX profile_values_user ON profile_values (user_id);

-- One hash a user for each secret that a person chooses: the password, and kinds of an own program.
DROP INDEX secrets_password;
CREATE UNIQUE INDEX secrets_kept ON secrets (user_id, kind) WHERE kind <> 'recovery';

-- What happened, by name: the audit trail, and what webhooks are told.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    -- rises with time, and strictly so for one user
    position BIGINT NOT NULL,
    at BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- whom it is about; no reference, for it outlives the user
    user_id TEXT,
    session_id TEXT,
    -- the network it came from and the request that did it; '' where there was none
    network TEXT NOT NULL,
    request TEXT NOT NULL,
    -- the payload, a JSON object without anything personal
    data TEXT NOT NULL,
    -- what names the user, a JSON object for webhooks; NULL from the purge on
    personal TEXT
);
CREATE INDEX events_position ON events (position);
CREATE INDEX events_user ON events (user_id, position) WHERE user_id IS NOT NULL;

-- An event on its way to one webhook.
CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    -- the webhook's name in the settings
    webhook TEXT NOT NULL,
    event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    -- what is kept in order: the user, or the event itself where it is about nobody
    subject TEXT NOT NULL,
    position BIGINT NOT NULL,
    -- queued, sent or failed
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    finished_at BIGINT,
    -- what the receiver last answered, and why it was not taken
    status BIGINT,
    problem TEXT
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at) WHERE state = 'queued';
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook, subject, position) WHERE state = 'queued';
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event_id);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (state, finished_at);
