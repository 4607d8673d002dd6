-- name: keys
SELECT digest, route, target, right_at, wrong, line FROM relay_key WHERE digest IN (SELECT value FROM json_each(:digests));
