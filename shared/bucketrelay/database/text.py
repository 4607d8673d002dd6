"""Texts as both databases can hold them. Pure."""

import hashlib

_LONGEST = 2000  # bytes of a key in a row: an index entry of PostgreSQL takes 2,704, its queue's name included


def plain(text: str, *, most: int | None = _LONGEST) -> str:
    """A text as both databases can hold it: no NUL, no half of a surrogate pair; a long one ends in its digest.

    For names of rows and for reasons, which people read; what must be exact stands elsewhere in the row, escaped.
    """
    encoded = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace")
    if most is not None and len(encoded) > most:
        digest = hashlib.sha256(encoded).hexdigest()
        return encoded[: most - 68].decode("utf-8", "ignore") + "…" + digest
    return encoded.decode()
