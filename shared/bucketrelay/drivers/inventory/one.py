"""One key: what the store holds of it, and the tables made equal to that.

As COMS's `syncJob` does (docs/inventory.md has its table), but:

* everything is read from the store before a row is touched, so that an error leaves the rows as they were;
* only *no such key* removes an object: an error, a missing bucket, a 403 is raised;
* tags are written back only when they were read a moment before, of the very version. Where that write fails the rows
  are right all the same, as COMS has it, and the error is raised: the id is in no tag yet.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from bucketrelay.abilities import Taggable, Tagged, Version, Versioned
from bucketrelay.errors import ObjectGone, RelayError, StoreUnavailable
from bucketrelay.inventory.tables import Change, Found, Row, Tables
from bucketrelay.jobs.inventory import DEPTHS
from bucketrelay.model import ObjectInfo
from bucketrelay.routes.probes import is_probe
from bucketrelay.store import Store
from bucketrelay.values import dataclass, replace

COMS_ID = "coms-id"
_MOST_TAGS = 10  # of an object on S3; one with as many gets no coms-id, as COMS has it


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """A store that is taken stock of, by its name; *coms_id*: an object's id is written into its tag."""

    name: str
    store: Store
    coms_id: bool = False


@dataclass(frozen=True, slots=True)
class KeySync:
    """What became of the rows of one key."""

    change: Change
    removed: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return self.removed or self.change.object or bool(self.change.versions)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the rows of the inventory right."""

    tables: Tables

    def sync(self, facts: StoreFacts, key: str, depth: str, listed: Sequence[Version] | None = None) -> KeySync:
        """Make the rows of *key* equal to what the store holds.

        Args:
            depth: how much of it: see `DEPTHS`; each includes what stands before it.
            listed: its versions, where the caller has just listed them; None: they are asked for.

        Raises:
            RelayError: the store or the database could not be asked, and the rows are as they were; or the tag with the
                id could not be written, and they are right.
        """
        if is_probe(key):  # comes and goes, and is no object of anybody's
            return KeySync(Change())
        versions = list(listed) if listed is not None else self._versions(facts.store, key, depth)
        if not versions:
            return self._absent(facts, key)
        has = self.tables.rows(facts.name, key)
        rows = {row.version: row for row in has[1]} if has else {}
        level = DEPTHS.index(depth)
        entries = [self._describe(facts.store, version, rows.get(version.version), level) for version in versions]
        number, entries, untagged = self._identity(facts, has[0] if has else "", entries, level)
        if level == 0:  # the latest version only: the rows of older ones stay
            entries += [
                Found(_version_of(key, row)) for row in rows.values() if row.version != entries[0].version.version
            ]
        change = self.tables.write(facts.name, key, number, entries)
        if untagged:
            raise untagged
        return KeySync(change)

    def _versions(self, store: Store, key: str, depth: str) -> list[Version]:
        if isinstance(store, Versioned):
            versions = _of(store, key)
            return versions[:1] if depth == "object" else versions
        info = store.look(key)
        return [only_version(info)] if info else []

    def _absent(self, facts: StoreFacts, key: str) -> KeySync:
        """Nothing is listed: the object goes if the store itself says that there is none."""
        if facts.store.look(key) is not None:
            raise StoreUnavailable(f"{facts.store.address.of(key)}: it is there, and was not listed: ask again later")
        return KeySync(Change(), removed=self.tables.drop(facts.name, key))

    def _describe(self, store: Store, version: Version, row: Row | None, level: int) -> Found:
        """What is to be known of a version; only what may have changed is asked for."""
        if version.marker:
            return Found(version)
        changed = row is None or not row.is_of(version)
        info = self._look(store, version) if level and (changed or level >= 4) else None
        return Found(
            version,
            mime=info.meta.content_type if info else None,
            tags=store.tags(_info(version)) if level >= 2 and isinstance(store, Tagged) else None,
            metadata=dict(info.meta.user) if info and level >= 3 else None,
        )

    def _look(self, store: Store, version: Version) -> ObjectInfo:
        if isinstance(store, Versioned):
            return store.look_version(version)
        info = store.look(version.key)
        if info is None or info.etag != version.etag:
            raise ObjectGone(f"{store.address.of(version.key)}: it has changed since it was looked at: looked at again")
        return info

    def _identity(
        self, facts: StoreFacts, known: str, entries: list[Found], level: int
    ) -> tuple[str, list[Found], RelayError | None]:
        """The object's id, the versions, the latest of which may have got a tag with it, and why it could not get it.

        A new object keeps the id that its tag says, if no other object has it; a deleted one that of its newest version
        that says one.
        """
        store = facts.store
        if not isinstance(store, Tagged):
            return known or str(uuid.uuid4()), entries, None
        number = known or self._id_in_tags(store, entries)
        latest = entries[0]
        if level < 2 or not facts.coms_id or latest.version.marker or not isinstance(store, Taggable):
            return number, entries, None
        tags = latest.tags if latest.tags is not None else store.tags(_info(latest.version))
        if tags.get(COMS_ID) == number or len(tags.keys() - {COMS_ID}) >= _MOST_TAGS:
            return number, entries, None
        try:
            store.set_tags(_info(latest.version), {**tags, COMS_ID: number})
        except RelayError as error:
            return number, entries, error
        return number, [replace(latest, tags={**tags, COMS_ID: number}), *entries[1:]], None

    def _id_in_tags(self, store: Tagged, entries: Sequence[Found]) -> str:
        """The first id that a version's tag says and no object has; else a new one."""
        for each in entries:
            if each.version.marker:
                continue
            tags = each.tags if each.tags is not None else store.tags(_info(each.version))
            number = _uuid(tags)
            if number:
                return number if self.tables.place(number) is None else str(uuid.uuid4())
            if not entries[0].version.marker:  # COMS looks at older versions only where the object is deleted
                break
        return str(uuid.uuid4())


def _of(store: Versioned, key: str) -> list[Version]:
    versions = []
    for version in store.versions(key):
        if version.key != key:
            break  # ascending: the keys that merely begin with it come behind it
        versions.append(version)
    return sorted(versions, key=lambda version: not version.latest)


def _uuid(tags: Mapping[str, str]) -> str:
    try:
        return str(uuid.UUID(tags.get(COMS_ID, "")))
    except ValueError:
        return ""


def _info(version: Version) -> ObjectInfo:
    return ObjectInfo(version.key, version.size, version.etag, version.modified, version.version)


def only_version(info: ObjectInfo) -> Version:
    """An object of a store that keeps no versions, or tells of none."""
    return Version(info.key, "", latest=True, etag=info.etag, size=info.size, modified=info.modified)


def _version_of(key: str, row: Row) -> Version:
    modified = datetime.fromisoformat(row.modified.replace("Z", "+00:00")) if row.modified else None
    return Version(key, row.version, latest=False, marker=row.marker, etag=row.etag, size=row.size, modified=modified)
