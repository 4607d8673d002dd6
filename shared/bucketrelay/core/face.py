"""What a user sees of an object besides its bytes, its content headers and user metadata: a short text to compare."""

from collections.abc import Mapping
from hashlib import sha256
from operator import attrgetter

from bucketrelay.model import Meta
from bucketrelay.store import HEADER_NAMES

NAME = "bucketrelay"  # of our own user metadata, which is no part of the face
# What servers say of an object that was given none.
_NO_TYPE = frozenset({"binary/octet-stream", "application/octet-stream"})
_told = attrgetter(*HEADER_NAMES)


def without(user: Mapping[str, str]) -> dict[str, str]:
    """The user's own metadata."""
    return {name: value for name, value in user.items() if name != NAME}


def face(meta: Meta) -> str:
    """Seven short digests, of each content header and of the user metadata in any order; "" for what is not there."""
    kind, *others = _told(meta)
    headers = [_digest(value, 4) if value else "" for value in ("" if kind in _NO_TYPE else kind, *others)]
    user = without(meta.user)
    return ".".join([*headers, _digest("\0".join(f"{name}\0{user[name]}" for name in sorted(user)), 12)])


def alike(now: str, then: str) -> bool:
    """Whether the face *now* is what was written *then*; a header that the server has not kept is no difference."""
    pairs = list(zip(now.split("."), then.split("."), strict=False))
    return all(one == other or not one for one, other in pairs[:-1]) and pairs[-1][0] == pairs[-1][1]


def digest(text: str) -> str:
    """Twelve hexadecimal digits."""
    return _digest(text, 12)


def _digest(text: str, digits: int) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits] if text else ""
