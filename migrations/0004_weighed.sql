-- What a proof is weighed by, and what can be taken back.

-- What was shown in a session and when, as JSON: what a sensitive change looks at.
ALTER TABLE sessions ADD COLUMN proofs TEXT NOT NULL DEFAULT '[]';

-- The one device that had proven the account when a recovery set this secret; NULL where more is behind it.
ALTER TABLE secrets ADD COLUMN set_by TEXT;

-- How a device came to be its owner's own: 'proven' from inside the account, or 'vouched' for by the operator; NULL where
-- it was only taken as confirmed, or confirmed from outside.
ALTER TABLE devices ADD COLUMN own TEXT;
UPDATE devices SET own = 'proven' WHERE proven_at IS NOT NULL;
-- the session in which it was added; NULL where there was none
ALTER TABLE devices ADD COLUMN added_in TEXT;
-- since when it was removed, or another one has its place: it answers nothing, and is kept so that it can come back
ALTER TABLE devices RENAME COLUMN replaced_at TO hidden_at;
DROP INDEX devices_owner;
CREATE UNIQUE INDEX devices_owner ON devices (kind, canonical) WHERE confirmed_at IS NOT NULL AND hidden_at IS NULL;
DROP INDEX devices_replaced;
CREATE INDEX devices_hidden ON devices (hidden_at) WHERE hidden_at IS NOT NULL;

-- A change of an account's devices, or new recovery codes: what there was before, for as long as it can be taken back.
CREATE TABLE device_changes (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    -- the confirmed devices before it, with label and whether primary, as JSON
    devices TEXT NOT NULL
);
CREATE INDEX device_changes_user ON device_changes (user_id);
CREATE INDEX device_changes_at ON device_changes (at);
