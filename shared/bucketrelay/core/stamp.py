"""The origin stamp: what we leave in a copy's metadata, so that the next task knows what it holds.

One user-metadata value named `bucketrelay`, ASCII, some 210 bytes (S3 allows 2 KB for all of an object's metadata):

    1;<where>;<hop>,<hop>…;<size>;<when>;<etag>;<digest>;<md5>

*where* is the identity of the copy itself: a stamp that a user's tool carried to another key is void there.
The *hops* are the identities of all objects that the bytes came through, the original first, so that a copy is never
written back to a place it came from, in a ring of any length. *size*, *when* and *etag* are the fingerprint of the
version of the last hop that was copied. *digest* is that of the bytes (`core/digest.py`); it is empty where the object
went in parts or was copied by the server, as its metadata had to be said before the last byte was seen. *md5*, empty
likewise, is what most stores say of an object unasked: it finds out a copy that somebody has edited in place with a
tool that keeps metadata. Identities are hashes: a key may be 1,024 bytes long, a stamp may not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from bucketrelay.errors import StoreRefused
from bucketrelay.model import ObjectInfo
from bucketrelay.routes.places import identity

__all__ = ["MAX_HOPS", "NAME", "Stamp", "identity", "make", "parse", "stamp_of", "stamped", "when", "without"]
NAME = "bucketrelay"
MAX_HOPS = 16
_DIGEST = re.compile(r"[A-Za-z0-9_-]{0,64}")


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which version of which object a copy was made of."""

    where: str
    hops: tuple[str, ...]
    size: int
    when: str
    etag: str
    digest: str = ""
    md5: str = ""  # hex

    def text(self) -> str:
        """The metadata value."""
        etag = quote(self.etag, safe="-_.~")
        hops, moment = ",".join(self.hops), quote(self.when, safe="-_.~")
        return f"1;{self.where};{hops};{self.size};{moment};{etag};{self.digest};{self.md5}"

    def names(self, source: ObjectInfo) -> bool:
        """Whether the copy was made of just this version of *source*; what *source* does not tell is not compared."""
        same_size = source.size in (-1, self.size)
        return source.etag == self.etag and same_size and when(source) == self.when


def when(info: ObjectInfo) -> str:
    """What tells two versions with equal bytes apart: the version id, else the second of the last change.

    A rewrite of the metadata alone keeps the ETag on S3 and OBS, so the ETag is not enough.
    """
    if info.version:
        return info.version
    return str(int(info.modified.timestamp())) if info.modified else ""


def parse(text: str) -> Stamp | None:
    """The stamp in a metadata value, or None where it is none of ours (users may write what they like there)."""
    fields = text.split(";")
    if (
        len(fields) != 8
        or not text.isascii()
        or fields[0] != "1"
        or not fields[3].isdecimal()
        or len(fields[3]) > 20
        or not _DIGEST.fullmatch(fields[6])
        or not _DIGEST.fullmatch(fields[7])
    ):
        return None
    hops = tuple(fields[2].split(","))
    if not all(hops) or len(hops) > MAX_HOPS:
        return None
    return Stamp(fields[1], hops, int(fields[3]), unquote(fields[4]), unquote(fields[5]), fields[6], fields[7])


def stamp_of(info: ObjectInfo | None, here: str) -> Stamp | None:
    """The stamp that *info* carries, if it was written for this very object and still fits what it holds."""
    stamp = parse(info.meta.user.get(NAME, "")) if info else None
    if not stamp or not info or stamp.where != here or stamp.size != info.size:
        return None
    return stamp if not stamp.md5 or info.checksums.get("md5", stamp.md5) == stamp.md5 else None


def make(source: ObjectInfo, source_id: str, target_id: str, digest: str = "", md5: str = "") -> Stamp:
    """The stamp for a copy of *source* at the target; *digest* and *md5* of its bytes, else those that it carries."""
    earlier = stamp_of(source, source_id)
    hops = (*(earlier.hops if earlier else ()), source_id)
    if len(hops) > MAX_HOPS:
        raise StoreRefused(f"{source.key}: the object has come through {MAX_HOPS} routes; shorten the chain of routes")
    if earlier and not digest:
        digest, md5 = earlier.digest, earlier.md5
    return Stamp(target_id, hops, source.size, when(source), source.etag, digest, md5)


def without(user: Mapping[str, str]) -> dict[str, str]:
    """The user's own metadata."""
    return {name: value for name, value in user.items() if name != NAME}


def stamped(info: ObjectInfo, stamp: Stamp) -> ObjectInfo:
    """*info* with the stamp in its metadata."""
    return replace(info, meta=replace(info.meta, user={**without(info.meta.user), NAME: stamp.text()}))
