-- name: keys
SELECT digest, route, target, right_at, wrong, line FROM relay_key
WHERE digest IN (SELECT json_array_elements_text(CAST(:digests AS json)));
