-- What was shown in sign-ins at a known device: fixed secrets by their names and devices by their ids, a space behind
-- each. Guesses at anything else are not counted by that device.
ALTER TABLE known_devices ADD COLUMN shown TEXT NOT NULL DEFAULT '';
