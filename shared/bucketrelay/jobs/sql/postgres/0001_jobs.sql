-- Times are seconds since 1970 by the database's clock. A job is due at ready_at; while it runs, that is when its lease
-- ends, so the job of a worker that is gone becomes due by itself.
CREATE TABLE relay_job (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue      text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    kind       text NOT NULL,
    payload    text NOT NULL,
    priority   integer NOT NULL DEFAULT 0,
    keep       boolean NOT NULL DEFAULT false,
    generation integer NOT NULL DEFAULT 0,
    attempts   integer NOT NULL DEFAULT 0,
    unsettled  integer NOT NULL DEFAULT 0, -- of these attempts, the last ones of which no worker has told the end
    ready_at   double precision NOT NULL,
    lease      text,
    error      text NOT NULL DEFAULT '',
    result     text NOT NULL DEFAULT '{}',
    created_at double precision NOT NULL,
    dead_at    double precision,
    UNIQUE (queue, key)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
CREATE INDEX relay_job_ready ON relay_job (queue, priority, ready_at) WHERE dead_at IS NULL;
CREATE INDEX relay_job_dead ON relay_job (dead_at, id) WHERE dead_at IS NOT NULL;

-- Results of jobs that have ended, for whoever asks by the job's id.
CREATE TABLE relay_ended (
    id       bigint PRIMARY KEY,
    queue    text NOT NULL,
    key      text NOT NULL,
    kind     text NOT NULL,
    state    text NOT NULL,
    attempts integer NOT NULL,
    error    text NOT NULL,
    result   text NOT NULL,
    ended_at double precision NOT NULL
);
CREATE INDEX relay_ended_at ON relay_ended (ended_at);

CREATE TABLE relay_schedule (name text PRIMARY KEY, last_at double precision NOT NULL);
CREATE TABLE relay_setting (name text PRIMARY KEY, value text NOT NULL);
