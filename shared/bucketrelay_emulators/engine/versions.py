"""The versions of a bucket's keys, and its delete markers: kept from the moment at which versioning is switched on."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bucketrelay_emulators.engine.values import Obj

NULL = "null"  # how S3 and OBS call the version of what was written while none were kept


@dataclass(frozen=True, slots=True)
class Held:
    """One version of a key, or a delete marker where there is no object."""

    key: str
    obj: Obj | None
    version: str
    modified: datetime
    null: bool = False  # written while no versions were kept: the next such write takes its place

    @property
    def name(self) -> str:
        """What S3 and OBS call it."""
        return NULL if self.null else self.version


def as_version(obj: Obj) -> Held:
    """What was written while no versions were kept."""
    return Held(obj.key, obj, obj.version, obj.modified, null=True)


class History:
    """Versions by key, the newest first. The bucket's lock is held by who calls."""

    def __init__(self, objects: Mapping[bytes, Obj]) -> None:
        self.on = True
        self._held = {key: [as_version(obj)] for key, obj in objects.items()}

    def write(self, obj: Obj) -> None:
        """A new version; or the null one anew, while versioning is suspended."""
        self._add(Held(obj.key, obj, obj.version, obj.modified, null=not self.on))

    def mark(self, key: str, now: datetime) -> Held:
        """A delete marker."""
        return self._add(Held(key, None, uuid.uuid4().hex, now, null=not self.on))

    def amend(self, obj: Obj) -> None:
        """What belongs to a version besides its bytes has changed."""
        held = self._held[obj.key.encode()]
        held[:] = [replace(each, obj=obj) if each.version == obj.version else each for each in held]

    def find(self, key: str, name: str) -> Held | None:
        """A version by its own id, or by what S3 and OBS call it."""
        return next((each for each in self._held.get(key.encode(), ()) if name in (each.name, each.version)), None)

    def remove(self, key: str, gone: Held) -> Obj | None:
        """Remove a version for good. Returns what the key holds then."""
        held = self._held[key.encode()]
        held.remove(gone)
        if not held:
            del self._held[key.encode()]
            return None
        return held[0].obj

    def all(self, prefix: str) -> Iterator[tuple[Held, bool]]:
        """Every version of keys with this prefix, ascending by key, the newest first; and whether it is the latest."""
        for key in sorted(key for key in self._held if key.startswith(prefix.encode())):
            for place, each in enumerate(self._held[key]):
                yield each, place == 0

    def _add(self, new: Held) -> Held:
        before = self._held.get(new.key.encode(), [])
        self._held[new.key.encode()] = [new, *(each for each in before if not (new.null and each.null))]
        return new
