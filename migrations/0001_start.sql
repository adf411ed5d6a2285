-- People, and what names them, reaches them or is held by them.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    profile TEXT NOT NULL,
    -- raised whenever a secret or device changes: attempts begun before it die
    credentials BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    signed_in_at BIGINT,
    disabled_at BIGINT
);

CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    canonical TEXT,
    delivery TEXT,
    label TEXT NOT NULL,
    is_primary BOOLEAN NOT NULL,
    -- the authenticator's sealed seed, or the hash of the card's hardcode
    secret TEXT,
    last_step BIGINT,
    created_at BIGINT NOT NULL,
    -- counts as confirmed since; NULL: a claim that binds nobody
    confirmed_at BIGINT,
    -- the owner has shown control of it since; NULL where it was only taken as confirmed
    proven_at BIGINT,
    last_used_at BIGINT,
    -- the device that this one takes the place of once it is confirmed
    replaces TEXT,
    -- since when another one has its place; kept a while so that the change can be taken back
    replaced_at BIGINT
);
CREATE UNIQUE INDEX devices_owner ON devices (kind, canonical) WHERE confirmed_at IS NOT NULL;
CREATE INDEX devices_claims ON devices (kind, canonical) WHERE confirmed_at IS NULL;
CREATE INDEX devices_user ON devices (user_id);

CREATE TABLE secrets (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX secrets_password ON secrets (user_id) WHERE kind = 'password';
CREATE INDEX secrets_user ON secrets (user_id);

-- A sign-in, sign-up, recovery or re-authentication under way; gone when it is done.
CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    canonical TEXT NOT NULL,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    credentials BIGINT,
    session_id TEXT,
    known_device TEXT,
    -- what has been proven so far, as JSON
    passed TEXT NOT NULL,
    -- what sign-up was given, sealed
    draft TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX attempts_user ON attempts (user_id);
CREATE INDEX attempts_expires ON attempts (expires_at);

-- A passcode (and link) that was sent, for one target within one scope.
CREATE TABLE challenges (
    id TEXT PRIMARY KEY,
    -- "attempt/…", "device/…" or "verification/…"
    scope TEXT NOT NULL,
    -- the device it was sent to, or its kind where there is no device yet
    target TEXT NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    code TEXT NOT NULL,
    code_length BIGINT NOT NULL,
    key_hash TEXT NOT NULL,
    guesses BIGINT NOT NULL,
    max_guesses BIGINT NOT NULL,
    sends BIGINT NOT NULL,
    sent_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at BIGINT
);
CREATE UNIQUE INDEX challenges_target ON challenges (scope, target);
CREATE UNIQUE INDEX challenges_key ON challenges (key_hash);
CREATE INDEX challenges_expires ON challenges (expires_at);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- the SHA-256 of the live refresh token, and how often it was rotated
    refresh_hash TEXT NOT NULL,
    generation BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    flow TEXT NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    ip TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- A device that signed in before: its guesses are counted apart from everybody else's.
CREATE TABLE known_devices (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX known_devices_hash ON known_devices (hash);
CREATE INDEX known_devices_user ON known_devices (user_id);

-- The guess budget: one row a subject (an account, or an identifier that nobody owns) and factor.
CREATE TABLE guesses (
    subject TEXT NOT NULL,
    factor TEXT NOT NULL,
    streak BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    day_start BIGINT NOT NULL,
    day_count BIGINT NOT NULL,
    month_start BIGINT NOT NULL,
    month_count BIGINT NOT NULL,
    PRIMARY KEY (subject, factor)
);
CREATE INDEX guesses_last ON guesses (last_at);

-- Wrong codes a day over the whole installation.
CREATE TABLE guess_days (
    day BIGINT PRIMARY KEY,
    count BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    private_key TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- the message, sealed; emptied once it is delivered or given up
    payload TEXT NOT NULL,
    -- queued, sent, expired or failed
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    finished_at BIGINT,
    provider TEXT,
    problem TEXT
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE state = 'queued';
CREATE INDEX outbox_finished ON outbox (finished_at);

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
