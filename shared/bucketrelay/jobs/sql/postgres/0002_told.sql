-- When what a job tells of has happened, in seconds since 1970 by whoever told of it: of a key's jobs the newest counts.
ALTER TABLE relay_job ADD COLUMN told double precision;
