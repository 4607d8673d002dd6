-- name: now
SELECT (julianday('now') - 2440587.5) * 86400.0;

-- name: enqueue
INSERT INTO relay_job (queue, key, kind, payload, told, priority, keep, ready_at, created_at)
VALUES (:queue, :key, :kind, :payload, :told, :priority, :keep, :now + :delay, :now)
ON CONFLICT (queue, key) DO UPDATE SET
    kind = iif(excluded.told < told, kind, excluded.kind),
    payload = iif(excluded.told < told, payload, excluded.payload),
    told = iif(excluded.told < told, told, excluded.told),
    priority = max(priority, excluded.priority),
    keep = max(keep, excluded.keep),
    generation = iif(dead_at IS NULL, generation + 1, 0),
    attempts = iif(dead_at IS NULL, attempts, 0),
    unsettled = iif(dead_at IS NULL, unsettled, 0),
    error = iif(dead_at IS NULL, error, ''),
    created_at = iif(dead_at IS NULL, created_at, excluded.created_at),
    -- One that waits after a failure goes on waiting: a target that is down is not tried at every event.
    ready_at = CASE
        WHEN dead_at IS NOT NULL THEN excluded.ready_at
        WHEN lease IS NULL AND attempts = 0 THEN min(ready_at, excluded.ready_at)
        ELSE ready_at END,
    dead_at = NULL
RETURNING id, generation = 0;

-- name: paused
SELECT EXISTS (SELECT 1 FROM relay_setting WHERE name = 'paused' AND value = 'yes');

-- name: pause
INSERT INTO relay_setting (name, value) VALUES ('paused', :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: first_head
SELECT queue, priority, ready_at FROM relay_job WHERE dead_at IS NULL ORDER BY queue, priority, ready_at LIMIT 1;

-- name: next_head
-- Two seeks: for `(queue, priority) > (:queue, :priority)` SQLite steps over every job of the queue and priority before.
SELECT queue, priority, ready_at FROM (
    SELECT queue, priority, ready_at FROM relay_job
    WHERE dead_at IS NULL AND queue = :queue AND priority > :priority ORDER BY priority, ready_at LIMIT 1)
UNION ALL
SELECT queue, priority, ready_at FROM (
    SELECT queue, priority, ready_at FROM relay_job
    WHERE dead_at IS NULL AND queue > :queue ORDER BY queue, priority, ready_at LIMIT 1)
ORDER BY queue, priority LIMIT 1;

-- name: claim
UPDATE relay_job SET lease = :lease, ready_at = :now + :seconds, attempts = attempts + 1, unsettled = unsettled + 1
WHERE id IN (
    SELECT id FROM relay_job
    WHERE dead_at IS NULL AND queue = :queue AND priority = :priority AND ready_at <= :now
      AND (:kinds IS NULL OR kind IN (SELECT value FROM json_each(:kinds)))
    ORDER BY ready_at LIMIT :limit)
RETURNING id, queue, key, kind, payload, priority, attempts, generation, lease, created_at, unsettled, error;

-- name: extend
UPDATE relay_job SET ready_at = :now + :seconds WHERE id = :id AND lease = :lease;

-- name: finish
DELETE FROM relay_job WHERE id = :id AND lease = :lease AND generation = :generation;

-- name: begin_anew
UPDATE relay_job SET lease = NULL, attempts = 0, unsettled = 0, error = '', ready_at = :now, created_at = :now
WHERE id = :id AND lease = :lease AND generation <> :generation;

-- name: bury
UPDATE relay_job SET lease = NULL, attempts = :attempts, error = :error, result = :result, dead_at = :now
WHERE id = :id AND lease = :lease AND generation = :generation;

-- name: put_back
UPDATE relay_job SET lease = NULL, attempts = :attempts, unsettled = :unsettled, error = :error, ready_at = :now + :delay
WHERE id = :id AND lease = :lease;

-- name: keep_result
INSERT OR REPLACE INTO relay_ended (id, queue, key, kind, state, attempts, error, result, ended_at)
VALUES (:id, :queue, :key, :kind, :state, :attempts, '', :result, :now);

-- name: is_kept
SELECT keep FROM relay_job WHERE id = :id AND lease = :lease AND generation = :generation;

-- name: forget_results
DELETE FROM relay_ended WHERE ended_at < :before;

-- name: counts
SELECT queue,
    sum(dead_at IS NULL AND NOT (lease IS NOT NULL AND ready_at > :now)),
    sum(dead_at IS NULL AND lease IS NOT NULL AND ready_at > :now),
    sum(dead_at IS NOT NULL),
    min(iif(dead_at IS NULL AND NOT (lease IS NOT NULL AND ready_at > :now), created_at, NULL))
FROM relay_job WHERE :queue = '' OR queue = :queue GROUP BY queue;

-- name: dead
SELECT id, queue, key, kind, attempts, error, result, dead_at FROM relay_job
WHERE dead_at IS NOT NULL AND (dead_at, id) > (:at, :id) ORDER BY dead_at, id LIMIT 1000;

-- name: died
SELECT count(*) FROM relay_job WHERE dead_at >= :since;

-- name: retry
UPDATE relay_job
SET dead_at = NULL, attempts = 0, unsettled = 0, generation = 0, error = '', result = '{}', ready_at = :now, created_at = :now
WHERE dead_at IS NOT NULL AND (:keys IS NULL OR key IN (SELECT value FROM json_each(:keys)));

-- name: get
SELECT id, queue, key, kind, attempts, error, result,
    CASE WHEN dead_at IS NOT NULL THEN 'dead' WHEN lease IS NOT NULL AND ready_at > :now THEN 'running' ELSE 'waiting' END
FROM relay_job WHERE id = :id;

-- name: get_ended
SELECT id, queue, key, kind, attempts, error, result, state FROM relay_ended WHERE id = :id;

-- name: last_run
SELECT last_at FROM relay_schedule WHERE name = :name;

-- name: set_last_run
INSERT INTO relay_schedule (name, last_at) VALUES (:name, :at) ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at;
