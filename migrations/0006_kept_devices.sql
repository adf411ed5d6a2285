-- The known device that a session was opened at: a change from inside of the session forgets the others. NULL where
-- that is not known.
ALTER TABLE sessions ADD COLUMN known_device TEXT;
