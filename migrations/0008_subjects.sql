-- Whoever asks about one identifier again and again finds the same pages read already, whether somebody has it: what is
-- about nobody has a subject too, by which such rows stand beside each other. Where there is none it is the row's own id.
ALTER TABLE attempts ADD COLUMN subject TEXT;
DROP INDEX attempts_subject;
CREATE INDEX attempts_subject ON attempts ((COALESCE(user_id, subject, id)));

ALTER TABLE events ADD COLUMN subject TEXT;
DROP INDEX events_subject;
CREATE INDEX events_subject ON events ((COALESCE(user_id, subject, id)), position);
