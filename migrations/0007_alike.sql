-- What an identifier leaves costs as much to write where somebody has it, so that time tells nothing. An attempt or
-- event is looked up and indexed by its subject: the user's id or, where there is none, its own.

-- No reference to the user, which would be looked up for somebody alone: whatever deletes a user deletes their
-- attempts, and one that is left over answers nothing and goes with its time.
CREATE TABLE attempts_under_way AS SELECT * FROM attempts;
DROP TABLE attempts;
CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    purpose TEXT NOT NULL,
    kind TEXT NOT NULL,
    canonical TEXT NOT NULL,
    user_id TEXT,
    credentials BIGINT,
    session_id TEXT,
    known_device TEXT,
    -- what has been proven so far, as JSON
    passed TEXT NOT NULL,
    -- what sign-up was given, sealed
    draft TEXT,
    -- what hooks took away from it, as JSON; NULL where nobody was asked
    ways TEXT,
    -- by which factor its guesses are counted apart, and under which name, as JSON; NULL: by none
    apart TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
INSERT INTO attempts (id, purpose, kind, canonical, user_id, credentials, session_id, known_device, passed, draft,
    ways, apart, created_at, expires_at)
    SELECT id, purpose, kind, canonical, user_id, credentials, session_id, known_device, passed, draft,
    ways, apart, created_at, expires_at FROM attempts_under_way;
DROP TABLE attempts_under_way;
CREATE INDEX attempts_subject ON attempts ((COALESCE(user_id, id)));
CREATE INDEX attempts_expires ON attempts (expires_at);

DROP INDEX events_user;
CREATE INDEX events_subject ON events ((COALESCE(user_id, id)), position);

-- A message without a code, such as the notice to the owner of an address, takes a place in the index too.
DROP INDEX outbox_challenge;
CREATE INDEX outbox_challenge ON outbox ((COALESCE(challenge, id)));
