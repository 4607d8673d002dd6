-- Tables and columns as bcgov/common-object-management-service names them; the store's name stands in "object".
CREATE TABLE object (
    id               text PRIMARY KEY,
    store            text NOT NULL,
    path             text COLLATE "C" NOT NULL,
    name             text NOT NULL,
    active           boolean NOT NULL DEFAULT true,
    "lastSyncedDate" timestamptz,
    "createdAt"      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (store, path)
);
CREATE TABLE version (
    id                 text PRIMARY KEY,
    "objectId"         text NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    "s3VersionId"      text,
    "mimeType"         text NOT NULL DEFAULT '',
    "deleteMarker"     boolean NOT NULL DEFAULT false,
    etag               text NOT NULL DEFAULT '',
    size               bigint NOT NULL DEFAULT 0,
    "isLatest"         boolean NOT NULL DEFAULT false,
    "lastModifiedDate" text,
    "createdAt"        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX version_object ON version ("objectId");
CREATE INDEX version_s3 ON version ("s3VersionId");
CREATE TABLE tag (id text PRIMARY KEY, key text NOT NULL, value text NOT NULL, UNIQUE (key, value));
CREATE TABLE version_tag (
    "versionId" text NOT NULL REFERENCES version (id) ON DELETE CASCADE,
    "tagId"     text NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY ("versionId", "tagId")
);
CREATE INDEX version_tag_tag ON version_tag ("tagId");
CREATE TABLE metadata (id text PRIMARY KEY, key text NOT NULL, value text NOT NULL);
-- A value may be longer than an entry of an index.
CREATE UNIQUE INDEX metadata_key_value ON metadata (key, md5(value));
CREATE TABLE version_metadata (
    "versionId"  text NOT NULL REFERENCES version (id) ON DELETE CASCADE,
    "metadataId" text NOT NULL REFERENCES metadata (id) ON DELETE CASCADE,
    PRIMARY KEY ("versionId", "metadataId")
);
CREATE INDEX version_metadata_metadata ON version_metadata ("metadataId");
-- The stores that have been taken stock of, as a whole or below a prefix.
CREATE TABLE relay_inventory (store text PRIMARY KEY, "lastSyncRequestedDate" timestamptz NOT NULL);
