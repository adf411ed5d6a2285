-- What strangers leave goes, what the reader of a mail goes on by, and guesses that are counted apart.

-- The way that a mail opens to whoever reads it, beside the attempt that asked for its code: the SHA-256 of the link's
-- key, the keyed hash of the code beside it, when both end, how many codes were typed there, and what an attempt of the
-- reader's own begins by, as JSON. NULL where a code is good for nothing but the attempt that asked for it.
ALTER TABLE challenges ADD COLUMN way_key TEXT;
ALTER TABLE challenges ADD COLUMN way_code TEXT;
ALTER TABLE challenges ADD COLUMN way_ends BIGINT;
ALTER TABLE challenges ADD COLUMN way_guesses BIGINT NOT NULL DEFAULT 0;
ALTER TABLE challenges ADD COLUMN way_from TEXT;
-- when the code ends, where it was to be sent again and was held back: whoever asked is told of a new one
ALTER TABLE challenges ADD COLUMN code_ends BIGINT;
CREATE UNIQUE INDEX challenges_way ON challenges (way_key);

-- By which factor the guesses of an attempt are counted apart, and under which name, as JSON; NULL: by none.
ALTER TABLE attempts ADD COLUMN apart TEXT;

-- What the reader of an address wants for a while: no codes that strangers ask for, or one where somebody waits for it
-- now. The name is a keyed hash of the address and of what is wanted.
CREATE TABLE wishes (
    name TEXT PRIMARY KEY,
    ends_at BIGINT NOT NULL
);
CREATE INDEX wishes_ends ON wishes (ends_at);

-- Known devices that are not used any more go.
CREATE INDEX known_devices_used ON known_devices (last_used_at);
