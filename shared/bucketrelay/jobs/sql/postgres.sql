-- name: now
SELECT extract(epoch FROM clock_timestamp())::float8;

-- name: enqueue
INSERT INTO relay_job AS job (queue, key, kind, payload, told, priority, keep, ready_at, created_at)
SELECT queue, key, kind, payload, told, priority, keep, clock.now + delay, clock.now
FROM unnest(%(queues)b::text[], %(keys)b::text[], %(kinds)b::text[], %(payloads)b::text[], %(told)b::float8[],
            %(priorities)b::int[], %(keeps)b::bool[], %(delays)b::float8[])
        AS given (queue, key, kind, payload, told, priority, keep, delay),
     (SELECT extract(epoch FROM clock_timestamp())::float8 AS now) AS clock
ON CONFLICT (queue, key) DO UPDATE SET
    kind = CASE WHEN excluded.told < job.told THEN job.kind ELSE excluded.kind END,
    payload = CASE WHEN excluded.told < job.told THEN job.payload ELSE excluded.payload END,
    told = CASE WHEN excluded.told < job.told THEN job.told ELSE excluded.told END,
    priority = greatest(job.priority, excluded.priority),
    keep = job.keep OR excluded.keep,
    generation = CASE WHEN job.dead_at IS NULL THEN job.generation + 1 ELSE 0 END,
    attempts = CASE WHEN job.dead_at IS NULL THEN job.attempts ELSE 0 END,
    unsettled = CASE WHEN job.dead_at IS NULL THEN job.unsettled ELSE 0 END,
    error = CASE WHEN job.dead_at IS NULL THEN job.error ELSE '' END,
    created_at = CASE WHEN job.dead_at IS NULL THEN job.created_at ELSE excluded.created_at END,
    -- One that waits after a failure goes on waiting: a target that is down is not tried at every event.
    ready_at = CASE
        WHEN job.dead_at IS NOT NULL THEN excluded.ready_at
        WHEN job.lease IS NULL AND job.attempts = 0 THEN least(job.ready_at, excluded.ready_at)
        ELSE job.ready_at END,
    dead_at = NULL
RETURNING id, queue, key, generation = 0;

-- name: pause
INSERT INTO relay_setting (name, value) VALUES ('paused', %(value)s)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: heads
WITH RECURSIVE head AS (
    (SELECT queue, priority, ready_at FROM relay_job WHERE dead_at IS NULL ORDER BY queue, priority, ready_at LIMIT 1)
    UNION ALL
    SELECT later.queue, later.priority, later.ready_at
    FROM head CROSS JOIN LATERAL (
        SELECT queue, priority, ready_at FROM relay_job
        WHERE dead_at IS NULL AND (queue, priority) > (head.queue, head.priority)
        ORDER BY queue, priority, ready_at LIMIT 1) AS later)
SELECT queue, priority, ready_at FROM head;

-- name: claim
WITH due AS MATERIALIZED (
    SELECT id, ready_at FROM relay_job
    WHERE dead_at IS NULL AND queue = %(queue)s AND priority = %(priority)s
      AND ready_at <= extract(epoch FROM statement_timestamp())::float8 AND ready_at >= %(floor)s
      AND (%(kinds)b::text[] IS NULL OR kind = ANY (%(kinds)b::text[]))
      AND NOT EXISTS (SELECT 1 FROM relay_setting WHERE name = 'paused' AND value = 'yes')
    ORDER BY ready_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE relay_job AS job
SET lease = %(lease)s, attempts = job.attempts + 1, unsettled = job.unsettled + 1,
    ready_at = extract(epoch FROM statement_timestamp())::float8 + %(seconds)s
FROM due WHERE job.id = due.id
RETURNING job.id, queue, key, kind, payload, priority, attempts, generation, lease, created_at, unsettled, error, due.ready_at;

-- name: extend
UPDATE relay_job AS job SET ready_at = extract(epoch FROM clock_timestamp())::float8 + %(seconds)s
FROM unnest(%(ids)b::bigint[], %(leases)b::text[]) AS given (id, lease)
WHERE job.id = given.id AND job.lease = given.lease
RETURNING job.id;

-- name: finish
WITH ended AS (
    DELETE FROM relay_job AS job
    USING unnest(%(ids)b::bigint[], %(leases)b::text[], %(generations)b::int[], %(states)b::text[], %(results)b::text[])
        AS given (id, lease, generation, state, result)
    WHERE job.id = given.id AND job.lease = given.lease AND job.generation = given.generation
    RETURNING job.id, job.queue, job.key, job.kind, job.attempts, job.keep, given.state, given.result),
kept AS (
    INSERT INTO relay_ended (id, queue, key, kind, state, attempts, error, result, ended_at)
    SELECT id, queue, key, kind, state, attempts, '', result, extract(epoch FROM clock_timestamp())::float8
    FROM ended WHERE keep
    ON CONFLICT (id) DO NOTHING)
SELECT id, keep FROM ended;

-- name: bury
UPDATE relay_job AS job
SET lease = NULL, attempts = given.attempts, error = given.error, result = given.result,
    dead_at = extract(epoch FROM clock_timestamp())::float8
FROM unnest(%(ids)b::bigint[], %(leases)b::text[], %(generations)b::int[], %(attempts)b::int[], %(errors)b::text[],
            %(results)b::text[]) AS given (id, lease, generation, attempts, error, result)
WHERE job.id = given.id AND job.lease = given.lease AND job.generation = given.generation
RETURNING job.id;

-- name: put_back
UPDATE relay_job AS job
SET lease = NULL, attempts = given.attempts, unsettled = given.unsettled, error = given.error,
    ready_at = extract(epoch FROM clock_timestamp())::float8 + given.delay
FROM unnest(%(ids)b::bigint[], %(leases)b::text[], %(attempts)b::int[], %(unsettled)b::int[], %(errors)b::text[],
            %(delays)b::float8[]) AS given (id, lease, attempts, unsettled, error, delay)
WHERE job.id = given.id AND job.lease = given.lease
RETURNING job.id;

-- name: begin_anew
UPDATE relay_job AS job
SET lease = NULL, attempts = 0, unsettled = 0, error = '',
    ready_at = extract(epoch FROM clock_timestamp())::float8, created_at = extract(epoch FROM clock_timestamp())::float8
FROM unnest(%(ids)b::bigint[], %(leases)b::text[]) AS given (id, lease)
WHERE job.id = given.id AND job.lease = given.lease
RETURNING job.id;

-- name: forget_results
DELETE FROM relay_ended WHERE ended_at < extract(epoch FROM clock_timestamp())::float8 - %(seconds)s;

-- name: counts
SELECT queue,
    count(*) FILTER (WHERE dead_at IS NULL AND NOT (lease IS NOT NULL AND ready_at > clock.now)),
    count(*) FILTER (WHERE dead_at IS NULL AND lease IS NOT NULL AND ready_at > clock.now),
    count(*) FILTER (WHERE dead_at IS NOT NULL),
    min(created_at) FILTER (WHERE dead_at IS NULL AND NOT (lease IS NOT NULL AND ready_at > clock.now))
FROM relay_job, (SELECT extract(epoch FROM statement_timestamp())::float8 AS now) AS clock
WHERE %(queue)s = '' OR queue = %(queue)s GROUP BY queue;

-- name: paused
SELECT EXISTS (SELECT 1 FROM relay_setting WHERE name = 'paused' AND value = 'yes');

-- name: dead
SELECT id, queue, key, kind, attempts, error, result, dead_at FROM relay_job
WHERE dead_at IS NOT NULL AND (dead_at, id) > (%(at)s, %(id)s) ORDER BY dead_at, id LIMIT 1000;

-- name: died
SELECT count(*) FROM relay_job WHERE dead_at >= %(since)s;

-- name: retry
UPDATE relay_job
SET dead_at = NULL, attempts = 0, unsettled = 0, generation = 0, error = '', result = '{}',
    ready_at = extract(epoch FROM clock_timestamp())::float8, created_at = extract(epoch FROM clock_timestamp())::float8
WHERE dead_at IS NOT NULL AND (%(keys)b::text[] IS NULL OR key = ANY (%(keys)b::text[]));

-- name: get
SELECT id, queue, key, kind, attempts, error, result,
    CASE WHEN dead_at IS NOT NULL THEN 'dead'
         WHEN lease IS NOT NULL AND ready_at > extract(epoch FROM statement_timestamp())::float8 THEN 'running'
         ELSE 'waiting' END
FROM relay_job WHERE id = %(id)s
UNION ALL
SELECT id, queue, key, kind, attempts, error, result, state FROM relay_ended WHERE id = %(id)s
LIMIT 1;

-- name: last_run
SELECT last_at FROM relay_schedule WHERE name = %(name)s FOR UPDATE;

-- name: first_run
INSERT INTO relay_schedule (name, last_at) VALUES (%(name)s, 'infinity') ON CONFLICT (name) DO NOTHING;

-- name: set_last_run
UPDATE relay_schedule SET last_at = %(at)s WHERE name = %(name)s;
