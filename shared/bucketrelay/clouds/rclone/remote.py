"""What a remote can hold, from what rclone says of its backend; and what rclone says of an object, as ours."""

from collections.abc import Mapping
from datetime import datetime, timezone
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

from bucketrelay.clouds.rclone.facts import ABILITIES
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Abilities
from bucketrelay.values import dataclass, replace

# Fields of Meta by the names that rclone gives them, whatever the backend calls them.
_HEADERS = {
    "content-type": "content_type",
    "content-encoding": "content_encoding",
    "content-language": "content_language",
    "content-disposition": "content_disposition",
    "cache-control": "cache_control",
}
_HEX = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha512": "sha512", "crc32": "crc32"}
# What every backend may tell as metadata and nobody has set (rclone.org/docs, "Metadata").
_SYSTEM = frozenset({"atime", "btime", "gid", "mode", "mtime", "rdev", "tier", "uid", "utime"})


@dataclass(frozen=True, slots=True)
class Remote:
    """What rclone says of a remote's backend (`operations/fsinfo`)."""

    buckets: bool  # it has buckets, and no directories
    hashes: bool  # it knows hashes without reading the object
    keeps: bool  # it keeps metadata of the user's
    system: frozenset[str]  # names of metadata that are the backend's own
    root: str  # what the store stands for at the backend: a bucket and a path, say
    partial: bool  # it writes in place: a reader would see half an object, were it not written beside and renamed

    @property
    def abilities(self) -> Abilities:
        """What a remote can hold; no metadata where its backend keeps none."""
        return ABILITIES if self.keeps else replace(ABILITIES, headers=frozenset(), user_bytes=0)


def remote_of(told: Mapping[str, Any]) -> Remote:
    """The remote in an answer to `operations/fsinfo`."""
    features = told.get("Features") or {}
    system = ((told.get("MetadataInfo") or {}).get("System")) or {}
    return Remote(
        buckets=bool(features.get("BucketBased")),
        hashes=bool(told.get("Hashes")) and not features.get("SlowHash"),
        keeps=bool(features.get("UserMetadata") and features.get("WriteMetadata")),
        system=_SYSTEM | frozenset(system),
        root=str(told.get("Root") or "").strip("/"),
        partial=bool(features.get("PartialUploads")),
    )


def info_of(key: str, item: Mapping[str, Any], remote: Remote, *, listed: bool = False) -> ObjectInfo:
    """An object as rclone describes it.

    rclone has no ETags: ours is made of size, time and, where they cost nothing, hashes. Where a backend has buckets
    the time is the server's, of which a look tells the second and a listing more.
    """
    text = str(item.get("ModTime") or "")
    modified = moment(text)
    if remote.buckets and modified:
        modified, text = modified.replace(microsecond=0), text[:19]
    hashes = {name: value for name, value in (item.get("Hashes") or {}).items() if value}
    size, identity = int(item.get("Size", -1)), str(item.get("ID") or "")
    parts = [str(size), text, identity, *(f"{name}={hashes[name]}" for name in sorted(hashes))]
    sums = {_HEX[name]: str(value) for name, value in hashes.items() if name in _HEX}
    return ObjectInfo(
        key,
        size,
        blake2b("\n".join(parts).encode(), digest_size=12).hexdigest(),
        modified,
        meta=Meta() if listed else meta_of(item, remote),
        checksums=MappingProxyType(sums),
    )


def meta_of(item: Mapping[str, Any], remote: Remote) -> Meta:
    """The metadata; a content type that rclone has guessed by the name is none."""
    told = {str(name).lower(): str(value) for name, value in (item.get("Metadata") or {}).items()}
    headers: dict[str, Any] = {field: told[name] for name, field in _HEADERS.items() if name in told}
    user = {n: v for n, v in told.items() if n not in remote.system and n not in _HEADERS}
    return replace(Meta(user=MappingProxyType(user), storage_class=told.get("tier", "")), **headers)


def metadata_of(meta: Meta) -> dict[str, str]:
    """The metadata of an object in rclone's words."""
    headers = {name: value for name, field in _HEADERS.items() if (value := getattr(meta, field))}
    return {**{name.lower(): value for name, value in meta.user.items()}, **headers}


def moment(text: str) -> datetime | None:
    """A time of rclone's: nanoseconds, and Z or an offset. None where it is none."""
    date, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    zone = rest[len(digits) :] if dot else ("Z" if date.endswith("Z") else date[19:])
    try:
        time = datetime.fromisoformat(f"{date[:19]}.{(digits or '0')[:6]:0<6}{zone.replace('Z', '+00:00')}")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


# Characters that rclone shows as symbols and takes as such, whatever the backend makes of them (rclone.org/overview,
# "Restricted characters"); a symbol that is meant as itself has a quotation mark before it.
_SYMBOLS = {**{chr(n): chr(0x2400 + n) for n in range(0x20)}, "\x7f": "\u2421"}
_PLAIN = {symbol: char for char, symbol in _SYMBOLS.items()}
_QUOTE = "\u201b"


def path_of(key: str) -> str:
    """A key as rclone wants to be told it."""
    return "".join(_SYMBOLS.get(char) or (_QUOTE + char if char in _PLAIN else char) for char in key)


def key_of(path: str) -> str:
    """The key of a path that rclone tells."""
    letters, quoted = [], False
    for char in path:
        if quoted:
            letters.append(char if char in _PLAIN else _QUOTE + char)
            quoted = False
        elif char == _QUOTE:
            quoted = True
        else:
            letters.append(_PLAIN.get(char, char))
    return "".join(letters) + (_QUOTE if quoted else "")
