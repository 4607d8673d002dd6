"""How keys become files of a directory, and back. Nothing here opens a file.

An ordinary key is a file of the same name: `in/a b.jpg` is `in/a b.jpg`. All that cannot be, lives below the hidden
directory `.bucketrelay/`, named by the percent-encoded key, cut into directories whose names end in `+` (which the
encoding never gives), so that 1,024 bytes of UTF-8 fit into names of 255:

* `odd/…`: keys that no file can be called (`a//b`, `/a`, `a/`, `../a`, a NUL, long segments), and keys in whose
  way another stands: beside a file `a` there is no directory for `a/b`;
* `meta/…/<inode>-<time>-<size>`: what belongs to one version of a file. Another program's write has another inode or
  time, so it is seen without the metadata of the file that it replaced;
* `uploads/<id>/` and `new/`: multipart uploads, and files being written.
"""

import os
from urllib.parse import quote, unquote

from bucketrelay.errors import StoreRefused

HIDDEN = ".bucketrelay"
_NAME = 255  # bytes, on every file system in common use
_CUT = 200


def check_key(key: str, url: str, limit: int) -> str:
    """*key*, if a store of this kind can hold it."""
    try:
        size = len(key.encode())
    except UnicodeEncodeError as error:
        raise StoreRefused(f"{url!a}: the key is not unicode text: rename the object") from error
    if not 0 < size <= limit:
        raise StoreRefused(f"{url}: a key has 1 to {limit} bytes of UTF-8, not {size}: rename the object")
    return key


def plain(key: str) -> bool:
    """Whether a file can be called *key*."""
    segments = key.split("/")
    # Some file systems do not tell `.BucketRelay` from it.
    return segments[0].casefold() != HIDDEN and "\0" not in key and all(map(_ordinary, segments))


def _ordinary(segment: str) -> bool:
    return segment not in ("", ".", "..") and len(segment.encode()) <= _NAME


def encode_key(key: str) -> list[str]:
    """*key* as names that any file system takes; all but the last end in `+`."""
    text = quote(key, safe="").replace(".", "%2E")  # or a piece might be named `.` or `..`
    cuts = [text[at : at + _CUT] for at in range(0, len(text), _CUT)]
    return [f"{cut}+" for cut in cuts[:-1]] + cuts[-1:]


def decode_key(names: list[str]) -> str:
    """The key that `encode_key` made *names* of."""
    return unquote("".join(name.removesuffix("+") for name in names))


def fingerprint(stat: os.stat_result) -> str:
    """What changes with every rewrite of a file, by whomever."""
    return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"
