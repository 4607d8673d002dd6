"""The origin stamp: what we leave in a copy's metadata, so that the next task knows what it holds.

One user-metadata value named `bucketrelay`, ASCII, some 280 bytes (S3 allows 2 KB for all of an object's metadata):

    2;<where>;<hop>,<hop>…;<size>;<when>;<etag>;<digest>;<md5>;<born>;<mark>;<face>;<seen>

*where* is the identity of the copy itself: a stamp that a user's tool carried to another key is void there.
The *hops* are the identities of all objects that the bytes came through, the original first. *size*, *when* and *etag*
are the fingerprint of the version of the last hop that was copied, and *seen* is how its metadata looked. *digest* is
that of the bytes (`core/digest.py`); it is empty where the object went in parts or was copied by the server, as its
metadata had to be said before the last byte was seen. *md5*, empty likewise, is what most stores say of an object
unasked: it finds out a copy that somebody has edited in place with a tool that keeps metadata. *face* finds out an edit
of the metadata alone. *born* (the second) and *mark* (a digest of ETag, size and metadata) name the user's write that
the bytes come from: where routes meet, they say which of two writes is the newer one, on all sides alike.

Stamps of before 0.2 begin with `1` and end after *md5*; they are still read.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from bucketrelay.core.face import NAME, alike, digest, face, without
from bucketrelay.errors import StoreRefused
from bucketrelay.model import NOTHING, ObjectInfo
from bucketrelay.routes.places import identity
from bucketrelay.values import dataclass, field, replace

__all__ = [
    "MAX_HOPS",
    "NAME",
    "Link",
    "Origin",
    "Stamp",
    "identity",
    "make",
    "origin",
    "parse",
    "stamp_of",
    "when",
    "without",
]
MAX_HOPS = 16
_DIGEST = re.compile(r"[A-Za-z0-9_-]{0,64}")
_SHORT = re.compile(r"[0-9a-f.]{0,64}")


@dataclass(frozen=True, slots=True)
class Origin:
    """The write by a user that an object's bytes come from."""

    born: int  # seconds since 1970, by the clock of the store that it was made in
    mark: str  # what tells it apart from others of that second
    place: str  # the identity of the object that was written


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
    born: int = 0
    mark: str = ""  # "": the stamp is of before 0.2, and does not know
    face: str = ""
    seen: str = ""

    def text(self) -> str:
        """The metadata value."""
        known = [self.where, ",".join(self.hops), str(self.size), _encode(self.when), _encode(self.etag)]
        if not self.mark:
            return ";".join(["1", *known, self.digest, self.md5])
        return ";".join(["2", *known, self.digest, self.md5, str(self.born), self.mark, self.face, self.seen])

    def describes(self, source: ObjectInfo) -> bool:
        """Whether the copy was made of just this version of *source*; what *source* does not tell is not compared."""
        same_size = source.size in (-1, self.size)
        return source.etag == self.etag and same_size and when(source) == self.when

    def shows(self, source: ObjectInfo) -> bool:
        """Whether the metadata of *source* is as it was when the copy was made; a short answer does not tell."""
        return source.size == -1 or not self.mark or self.seen == digest(face(source.meta))

    def settled(self, copy: ObjectInfo) -> bool:
        """Whether a later rewrite of the source shows in what `describes` compares.

        Metadata rewritten in the very second in which the version was written, and its *copy*, too, leaves ETag and
        time as they were. A version id tells.
        """
        if not _is_second(self.when) or copy.modified is None:
            return True
        return int(copy.modified.timestamp()) > int(self.when)

    def fits(self, info: ObjectInfo) -> bool:
        """Whether *info*, which carries the stamp, still is what was written with it, as far as its store tells."""
        if self.size != info.size or (self.md5 and info.checksums.get("md5", self.md5) != self.md5):
            return False
        return not self.mark or alike(face(info.meta), self.face)

    def with_new_names(self, former: Mapping[str, str]) -> "Stamp":
        """The stamp with today's identities in place of *former* ones."""
        where, hops = former.get(self.where, self.where), tuple(former.get(hop, hop) for hop in self.hops)
        return replace(self, where=where, hops=hops)


@dataclass(frozen=True, slots=True)
class Link:
    """The identities of the two objects that a task is about, and which today's name each former one means."""

    source: str
    target: str
    former: Mapping[str, str] = field(default_factory=lambda: NOTHING)

    def of_source(self, info: ObjectInfo | None) -> Stamp | None:
        """The stamp of the source's object, if it is a copy and unedited."""
        return stamp_of(info, self.source, self.former)

    def of_target(self, info: ObjectInfo | None) -> Stamp | None:
        """The stamp of the target's object, if it is a copy and unedited."""
        return stamp_of(info, self.target, self.former)


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
    if (fields[0], len(fields)) not in (("1", 8), ("2", 12)) or not text.isascii():
        return None
    hops = tuple(fields[2].split(","))
    if not all(hops) or len(hops) > MAX_HOPS or not _number(fields[3]) or not all(map(_DIGEST.fullmatch, fields[6:8])):
        return None
    stamp = Stamp(fields[1], hops, int(fields[3]), unquote(fields[4]), unquote(fields[5]), fields[6], fields[7])
    if fields[0] == "1":
        return stamp
    born, mark, shown, seen = fields[8:]
    if not _number(born) or not mark or not all(map(_SHORT.fullmatch, (mark, shown, seen))) or shown.count(".") != 6:
        return None
    return replace(stamp, born=int(born), mark=mark, face=shown, seen=seen)


def stamp_of(info: ObjectInfo | None, where: str, former: Mapping[str, str] = NOTHING) -> Stamp | None:
    """The stamp that *info* carries, if it was written for this very object and still fits what it holds."""
    text = info.meta.user.get(NAME) if info else None
    stamp = parse(text) if text else None
    if not stamp or not info:
        return None
    stamp = stamp.with_new_names(former)
    return stamp if stamp.where == where and stamp.fits(info) else None


def origin(info: ObjectInfo, where: str, stamp: Stamp | None, shown: str = "") -> Origin:
    """The write that the object's bytes come from: what its *stamp* says, or the object itself.

    Args:
        shown: the face of *info*, where it is at hand.
    """
    if stamp is None:
        return Origin(int(info.modified.timestamp()) if info.modified else 0, _mark(info, shown), where)
    if not stamp.mark:  # of before 0.2: its time is that of the version it was copied of, where that had no id
        born = int(stamp.when) if _is_second(stamp.when) else 0
        return Origin(born, _mark(info, shown), stamp.hops[0])
    return Origin(stamp.born, stamp.mark, stamp.hops[0])


def make(source: ObjectInfo, link: Link, digest_of_bytes: str = "", md5: str = "") -> Stamp:
    """The stamp for a copy of *source*. Its face is the source's; `metadata.fit` puts in that of the copy.

    The digests are those of its bytes, else those that the source carries.
    """
    earlier = link.of_source(source)
    hops = (*(earlier.hops if earlier else ()), link.source)
    if len(hops) > MAX_HOPS:
        raise StoreRefused(f"{source.key}: the object has come through {MAX_HOPS} routes; shorten the chain of routes")
    if earlier and not digest_of_bytes:
        digest_of_bytes, md5 = earlier.digest, earlier.md5
    shown = face(source.meta)
    first = origin(source, link.source, earlier, shown)
    return Stamp(
        where=link.target,
        hops=hops,
        size=source.size,
        when=when(source),
        etag=source.etag,
        digest=digest_of_bytes,
        md5=md5,
        born=first.born,
        mark=first.mark,
        face=shown,
        seen=digest(shown),
    )


def _mark(info: ObjectInfo, shown: str) -> str:
    return digest(f"{info.etag};{info.size};{shown or face(info.meta)}")


def _encode(text: str) -> str:
    return text if text.isascii() and text.isalnum() else quote(text, safe="-_.~")  # most ETags are hexadecimal


def _number(text: str) -> bool:
    return text.isdecimal() and len(text) <= 20


def _is_second(when: str) -> bool:
    """Whether it is one, and no version id."""
    return _number(when) and len(when) < 12
