-- What becomes of a message, and what it cost.

-- The line it waits in: the provider it goes to first; one that is slow holds up no other.
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT '';
-- the key's hash of the code that it carries; NULL for a notice
ALTER TABLE outbox ADD COLUMN challenge TEXT;
-- whether a vendor may put a code of its own in the place of ours
ALTER TABLE outbox ADD COLUMN verifiable BOOLEAN NOT NULL DEFAULT FALSE;
-- the device that it goes to, where there is one
ALTER TABLE outbox ADD COLUMN device_id TEXT;
-- the country of the number, such as "PL"; '' for email
ALTER TABLE outbox ADD COLUMN country TEXT NOT NULL DEFAULT '';
-- the number without its last six digits; '' for email
ALTER TABLE outbox ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
-- the providers that were passed over for good, by name and with a comma behind each
ALTER TABLE outbox ADD COLUMN passed TEXT NOT NULL DEFAULT '';
-- the vendor's own name for it
ALTER TABLE outbox ADD COLUMN reference TEXT;
-- what the vendor reported: underway, delivered, failed or unreachable
ALTER TABLE outbox ADD COLUMN receipt TEXT;
ALTER TABLE outbox ADD COLUMN receipt_at BIGINT;
-- when its code was typed
ALTER TABLE outbox ADD COLUMN confirmed_at BIGINT;

DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (lane, due_at) WHERE state = 'queued';
CREATE INDEX outbox_challenge ON outbox (challenge) WHERE challenge IS NOT NULL;
CREATE INDEX outbox_reference ON outbox (reference) WHERE reference IS NOT NULL;
CREATE INDEX outbox_conversion ON outbox (prefix, finished_at) WHERE prefix <> '';
CREATE INDEX outbox_failed ON outbox (created_at) WHERE state = 'failed';

-- A vendor that owns the code of a challenge, and its name for it; NULL while the code is ours.
ALTER TABLE challenges ADD COLUMN verifier TEXT;
ALTER TABLE challenges ADD COLUMN reference TEXT;

-- Since when messages to it come back; NULL while they arrive.
ALTER TABLE devices ADD COLUMN failing_since BIGINT;

-- Messages to phones and what they cost, by hour and day.
CREATE TABLE spend (
    -- 'day' and 'hour' of the installation, 'day/PL' and 'hour/PL' of a country
    scope TEXT NOT NULL,
    -- when the hour or day began
    since BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    -- in millionths of the currency of the price table
    cost BIGINT NOT NULL,
    PRIMARY KEY (scope, since)
);
CREATE INDEX spend_since ON spend (since);

-- What kind of line a number is, as a lookup said.
CREATE TABLE lines (
    -- the keyed hash of the number
    number TEXT PRIMARY KEY,
    line_type TEXT NOT NULL,
    looked_at BIGINT NOT NULL
);
CREATE INDEX lines_looked ON lines (looked_at);

-- Beginnings of numbers that are sent no code for a while: hardly one of theirs was typed.
CREATE TABLE suspensions (
    -- as in the outbox
    prefix TEXT PRIMARY KEY,
    since BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX suspensions_ends ON suspensions (ends_at);
