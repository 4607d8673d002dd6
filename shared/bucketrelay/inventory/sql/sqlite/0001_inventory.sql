-- Tables and columns as bcgov/common-object-management-service names them; the store's name stands in "object".
CREATE TABLE object (
    id               TEXT PRIMARY KEY,
    store            TEXT NOT NULL,
    path             TEXT NOT NULL,
    name             TEXT NOT NULL,
    active           BOOLEAN NOT NULL DEFAULT TRUE,
    "lastSyncedDate" TIMESTAMP,
    "createdAt"      TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (store, path)
);
CREATE TABLE version (
    id                 TEXT PRIMARY KEY,
    "objectId"         TEXT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    "s3VersionId"      TEXT,
    "mimeType"         TEXT NOT NULL DEFAULT '',
    "deleteMarker"     BOOLEAN NOT NULL DEFAULT FALSE,
    etag               TEXT NOT NULL DEFAULT '',
    size               BIGINT NOT NULL DEFAULT 0,
    "isLatest"         BOOLEAN NOT NULL DEFAULT FALSE,
    "lastModifiedDate" TEXT,
    "createdAt"        TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX version_object ON version ("objectId");
CREATE INDEX version_s3 ON version ("s3VersionId");
CREATE TABLE tag (id TEXT PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (key, value));
CREATE TABLE version_tag (
    "versionId" TEXT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
    "tagId"     TEXT NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY ("versionId", "tagId")
);
CREATE INDEX version_tag_tag ON version_tag ("tagId");
CREATE TABLE metadata (id TEXT PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (key, value));
CREATE TABLE version_metadata (
    "versionId"  TEXT NOT NULL REFERENCES version (id) ON DELETE CASCADE,
    "metadataId" TEXT NOT NULL REFERENCES metadata (id) ON DELETE CASCADE,
    PRIMARY KEY ("versionId", "metadataId")
);
CREATE INDEX version_metadata_metadata ON version_metadata ("metadataId");
-- The stores that have been taken stock of, as a whole or below a prefix.
CREATE TABLE relay_inventory (store TEXT PRIMARY KEY, "lastSyncRequestedDate" TIMESTAMP NOT NULL);
