-- name: find
SELECT id FROM object WHERE store = :store AND path = :path;

-- name: place
SELECT store, path FROM object WHERE id = :id;

-- name: count
SELECT count(*) FROM object WHERE store = :store;

-- name: put_object
INSERT INTO object (id, store, path, name, "lastSyncedDate") VALUES (:id, :store, :path, :name, CURRENT_TIMESTAMP)
ON CONFLICT (store, path) DO UPDATE SET "lastSyncedDate" = CURRENT_TIMESTAMP
RETURNING id;

-- name: drop_object
DELETE FROM object WHERE store = :store AND path = :path;

-- name: versions
SELECT id, "s3VersionId", "mimeType", "deleteMarker", etag, size, "isLatest", "lastModifiedDate"
FROM version WHERE "objectId" = :object ORDER BY "isLatest" DESC, "createdAt", id;

-- name: page
SELECT page.path, version.id, version."s3VersionId", version."mimeType", version."deleteMarker", version.etag, version.size,
    version."isLatest", version."lastModifiedDate"
FROM (SELECT id, path FROM object WHERE store = :store AND path > :after AND path >= :prefix ORDER BY path LIMIT 1000) AS page
LEFT JOIN version ON version."objectId" = page.id
ORDER BY page.path;

-- name: add_version
INSERT INTO version (id, "objectId", "s3VersionId", "mimeType", "deleteMarker", etag, size, "isLatest", "lastModifiedDate")
VALUES (:id, :object, :version, :mime, :marker, :etag, :size, :latest, :modified);

-- name: change_version
UPDATE version SET "mimeType" = :mime, "deleteMarker" = :marker, etag = :etag, size = :size, "isLatest" = :latest,
    "lastModifiedDate" = :modified
WHERE id = :id;

-- name: drop_version
DELETE FROM version WHERE id = :id;

-- name: tags
SELECT tag.key, tag.value FROM version_tag JOIN tag ON tag.id = version_tag."tagId" WHERE version_tag."versionId" = :id;

-- name: find_tag
SELECT id FROM tag WHERE key = :key AND value = :value;

-- name: add_tag
INSERT INTO tag (id, key, value) VALUES (:id, :key, :value) ON CONFLICT DO NOTHING;

-- name: link_tag
INSERT INTO version_tag ("versionId", "tagId") VALUES (:version, :word) ON CONFLICT DO NOTHING;

-- name: unlink_tag
DELETE FROM version_tag
WHERE "versionId" = :version AND "tagId" IN (SELECT id FROM tag WHERE key = :key AND value = :value);

-- name: prune_tag
DELETE FROM tag WHERE key = :key AND value = :value AND NOT EXISTS (SELECT 1 FROM version_tag WHERE "tagId" = tag.id);

-- name: metadata
SELECT metadata.key, metadata.value FROM version_metadata JOIN metadata ON metadata.id = version_metadata."metadataId"
WHERE version_metadata."versionId" = :id;

-- name: find_metadata
SELECT id FROM metadata WHERE key = :key AND value = :value;

-- name: add_metadata
INSERT INTO metadata (id, key, value) VALUES (:id, :key, :value) ON CONFLICT DO NOTHING;

-- name: link_metadata
INSERT INTO version_metadata ("versionId", "metadataId") VALUES (:version, :word) ON CONFLICT DO NOTHING;

-- name: unlink_metadata
DELETE FROM version_metadata
WHERE "versionId" = :version AND "metadataId" IN (SELECT id FROM metadata WHERE key = :key AND value = :value);

-- name: prune_metadata
DELETE FROM metadata
WHERE key = :key AND value = :value AND NOT EXISTS (SELECT 1 FROM version_metadata WHERE "metadataId" = metadata.id);

-- name: ask
INSERT INTO relay_inventory (store, "lastSyncRequestedDate") VALUES (:store, CURRENT_TIMESTAMP)
ON CONFLICT (store) DO UPDATE SET "lastSyncRequestedDate" = CURRENT_TIMESTAMP;

-- name: stores
SELECT store FROM relay_inventory;

-- name: pairs
SELECT key, face FROM relay_pair WHERE scope = :scope AND key > :after AND key <= :last ORDER BY key LIMIT 1000;

-- name: drop_pair
DELETE FROM relay_pair WHERE scope = :scope AND key = :key;

-- name: keep_pair
INSERT INTO relay_pair (scope, key, face) VALUES (:scope, :key, :face)
ON CONFLICT (scope, key) DO UPDATE SET face = excluded.face;
