-- Times are seconds since 1970 by the database's clock. A job is due at ready_at; while it runs, that is when its lease
-- ends, so the job of a worker that is gone becomes due by itself.
CREATE TABLE relay_job (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue      TEXT NOT NULL,
    key        TEXT NOT NULL,
    kind       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    priority   INTEGER NOT NULL DEFAULT 0,
    keep       INTEGER NOT NULL DEFAULT 0,
    generation INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    unsettled  INTEGER NOT NULL DEFAULT 0, -- of these attempts, the last ones of which no worker has told the end
    ready_at   REAL NOT NULL,
    lease      TEXT,
    error      TEXT NOT NULL DEFAULT '',
    result     TEXT NOT NULL DEFAULT '{}',
    created_at REAL NOT NULL,
    dead_at    REAL,
    UNIQUE (queue, key)
);
CREATE INDEX relay_job_ready ON relay_job (queue, priority, ready_at) WHERE dead_at IS NULL;
CREATE INDEX relay_job_dead ON relay_job (dead_at, id) WHERE dead_at IS NOT NULL;

-- Results of jobs that have ended, for whoever asks by the job's id.
CREATE TABLE relay_ended (
    id       INTEGER PRIMARY KEY,
    queue    TEXT NOT NULL,
    key      TEXT NOT NULL,
    kind     TEXT NOT NULL,
    state    TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error    TEXT NOT NULL,
    result   TEXT NOT NULL,
    ended_at REAL NOT NULL
);
CREATE INDEX relay_ended_at ON relay_ended (ended_at);

CREATE TABLE relay_schedule (name TEXT PRIMARY KEY, last_at REAL NOT NULL);
CREATE TABLE relay_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
