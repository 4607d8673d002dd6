-- name: begin
INSERT INTO relay_statistics (id, since, until, wide, version) VALUES (1, :since, :since, 0, 0) ON CONFLICT (id) DO NOTHING;

-- name: state
SELECT since, until, wide, version FROM relay_statistics WHERE id = 1;

-- name: advance
UPDATE relay_statistics SET version = version + :more, until = CASE WHEN until < :until THEN :until ELSE until END WHERE id = 1;

-- name: widened
UPDATE relay_statistics SET wide = :wide WHERE id = 1 AND wide < :wide;

-- name: known
SELECT stem FROM relay_list WHERE written >= :start;

-- name: remember
INSERT INTO relay_list (stem, written, error) VALUES (:stem, :written, :error) ON CONFLICT (stem) DO NOTHING;

-- name: unreadable
SELECT error FROM relay_list WHERE error <> '' AND written >= :since ORDER BY stem;

-- name: sums
SELECT route, target, start, copied, deleted, unchanged, forwarded, unfinished, failed, bytes, causes, lags, greatest, newest
FROM relay_done WHERE start = 0 OR start >= :start;

-- name: sum
SELECT route, target, start, copied, deleted, unchanged, forwarded, unfinished, failed, bytes, causes, lags, greatest, newest
FROM relay_done WHERE route = :route AND target = :target AND start = :start;

-- name: put_sum
INSERT INTO relay_done
    (route, target, start, copied, deleted, unchanged, forwarded, unfinished, failed, bytes, causes, lags, greatest, newest)
VALUES (:route, :target, :start, :copied, :deleted, :unchanged, :forwarded, :unfinished, :failed, :bytes, :causes, :lags,
    :greatest, :newest)
ON CONFLICT (route, target, start) DO UPDATE SET
    copied = excluded.copied, deleted = excluded.deleted, unchanged = excluded.unchanged, forwarded = excluded.forwarded,
    unfinished = excluded.unfinished, failed = excluded.failed, bytes = excluded.bytes, causes = excluded.causes,
    lags = excluded.lags, greatest = excluded.greatest, newest = excluded.newest;

-- name: open_keys
SELECT digest, route, target, right_at, wrong, line FROM relay_key WHERE failed_at IS NOT NULL ORDER BY failed_at, digest;

-- name: put_key
INSERT INTO relay_key (digest, route, target, right_at, failed_at, wrong, line)
VALUES (:digest, :route, :target, :right_at, :failed_at, :wrong, :line)
ON CONFLICT (digest) DO UPDATE SET
    right_at = excluded.right_at, failed_at = excluded.failed_at, wrong = excluded.wrong, line = excluded.line;

-- name: forget_lists
DELETE FROM relay_list WHERE written < :old OR (written < :lately AND error = '');

-- name: forget_sums
DELETE FROM relay_done WHERE start > 0 AND start < :old;

-- name: forget_keys
DELETE FROM relay_key WHERE failed_at < :old OR (failed_at IS NULL AND right_at < :lately);
