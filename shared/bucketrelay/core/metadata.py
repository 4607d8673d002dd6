"""What of an object's metadata fits into a target, and what is lost there."""

import re
from collections.abc import Mapping
from typing import Any

from bucketrelay.abilities import has_tags
from bucketrelay.core.face import NAME, face, without
from bucketrelay.core.stamp import Stamp
from bucketrelay.errors import StoreRefused
from bucketrelay.model import NOTHING, Meta, ObjectInfo
from bucketrelay.store import HEADER_NAMES, Abilities, Store
from bucketrelay.values import replace

# A name has to survive as an HTTP header field name on every store (RFC 9110, section 5.1).
_NAME = re.compile(r"[a-z0-9_][a-z0-9_!#$%&'*+.^`|~-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPED = bytes(byte for byte in range(256) if byte > 0x7E or byte == 0x25)
_USUAL_CLASSES = frozenset({"", "STANDARD", "Standard", "standard"})


def fit(meta: Meta, abilities: Abilities, stamp: Stamp) -> tuple[Meta, tuple[str, ...]]:
    """What the target can carry of *meta*, with the stamp, bound to it; and the names of what it cannot, sorted."""
    headers, lost = _headers(meta, abilities)
    user, dropped = _user(without(meta.user), abilities.user_bytes, stamp)
    lost += dropped
    storage_class = abilities.classes.get(meta.storage_class, "")
    if meta.storage_class not in _USUAL_CLASSES and not storage_class:
        lost.append(f"storage_class={meta.storage_class}")
    tags, dropped = _tags(meta, abilities)
    carried = Meta(**headers, user=user, storage_class=storage_class, tags=tags)
    # The stamp tells the face of all of *meta*, which is the copy's where nothing that shows is lost.
    if (lost or dropped) and (shown := face(carried)) != stamp.face:
        user[NAME] = replace(stamp, face=shown).text()  # never longer than the one that there was room for
    return carried, tuple(sorted([*lost, *dropped, *meta.withheld]))


def with_tags(source: Store, info: ObjectInfo, target: Abilities, *, strict: bool) -> Meta:
    """The metadata of *info* with its tags, where it has some, or may have some.

    Args:
        strict: raise where they cannot be read, instead of saying so in `withheld`.
    """
    meta = info.meta
    wanted = target.tags if meta.tags_told else True  # unknown tags may be lost even where there is no place for them
    if not (wanted and (meta.tag_count or not meta.tags_told) and has_tags(source)):
        return meta
    try:
        tags = source.tags(info)
        return replace(meta, tags=tags) if tags or meta.tags else meta
    except StoreRefused:
        if strict:
            raise
        return replace(meta, tag_count=0, withheld=(*meta.withheld, "tags"))


def _headers(meta: Meta, abilities: Abilities) -> tuple[dict[str, Any], list[str]]:
    kept: dict[str, Any] = {}
    lost = []
    for name in HEADER_NAMES:
        value: str = getattr(meta, name)
        # What is not ASCII has no agreed form in a content header: S3's SDK refuses it, OBS's escapes it for good.
        fits = not value or (name in abilities.headers and value.isascii() and not _CONTROL.search(value))
        kept[name] = value if fits else ""
        if not fits:
            lost.append(name)
    return kept, lost


def _tags(meta: Meta, abilities: Abilities) -> tuple[Mapping[str, str], list[str]]:
    """All or none of a set that is too large: which ten of eleven tags matter is not for us to say."""
    if len(meta.tags) > abilities.tags or meta.tag_count > len(meta.tags):
        return {}, ["tags"]
    if not meta.tags:
        return NOTHING, []
    allowed = re.compile(abilities.tag_text, re.DOTALL)
    kept = {n: v for n, v in meta.tags.items() if allowed.fullmatch(n) and allowed.fullmatch(v)}
    return kept, [f"tag:{name}" for name in meta.tags if name not in kept]


def _user(user: Mapping[str, str], room: int, stamp: Stamp) -> tuple[dict[str, str], list[str]]:
    """Drops what cannot be said in a header, then the longest values until the rest and the stamp fit."""
    kept = {name: value for name, value in user.items() if _NAME.fullmatch(name) and not _CONTROL.search(value)}
    kept[NAME] = stamp.text()
    spare = room - sum(map(_cost, kept, kept.values()))
    if spare < 0:
        for name in sorted(without(kept), key=lambda n: (_cost(n, kept[n]), n), reverse=True):
            spare += _cost(name, kept.pop(name))
            if spare >= 0:
                break
    return kept, [f"user:{name}" for name in user if name not in kept]


def _cost(name: str, value: str) -> int:
    """Bytes that an entry takes where it takes most: the name, and the value with %XX for what has to be escaped.

    OBS's SDKs escape `%` and what is not ASCII so; S3 and OCI write the latter in base64 (RFC 2047), which is shorter
    but for a few letters.
    """
    if value.isascii() and "%" not in value and "\x7f" not in value:
        return len(name) + len(value)
    raw = value.encode("utf-8", "surrogatepass")
    escaped = 3 * len(raw) - 2 * len(raw.translate(None, _ESCAPED))
    return len(name) + (escaped if value.isascii() else max(escaped, 12 + (len(raw) + 2) // 3 * 4))
