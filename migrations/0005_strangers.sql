-- What strangers leave, and what is not used any more, goes.

CREATE INDEX known_devices_used ON known_devices (last_used_at);
