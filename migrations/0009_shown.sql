-- What was shown at a known device: secrets that a person chose by their names, devices by their ids, a space behind
-- each. Guesses at anything else are not counted by that device.
ALTER TABLE known_devices ADD COLUMN shown TEXT NOT NULL DEFAULT '';
