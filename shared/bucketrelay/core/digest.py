"""Checksums, computed once while the bytes pass, and compared with what the source's store says of its object.

A copy's own digest is a SHA-256 tree of leaves of 1 MiB (of an object up to 1 MiB: its SHA-256), so that the same bytes
have the same digest however they were cut. Why SHA-256 and not CRC-64/NVME: in Python 3.11 on one core of an AMD EPYC,
hashlib's SHA-256 takes 1,716 MiB/s and zlib's CRC-32 3,983, but the only CRC-64 that installs everywhere
(crcmod's C extension) takes 182. Where a store offers a CRC of the whole object, and this process can compute it, the
parts' CRCs are joined and compared too.
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache

from bucketrelay.bodies import md5_of
from bucketrelay.errors import Damaged
from bucketrelay.store import MiB

Body = bytes | bytearray | memoryview
Crc = Callable[[Body, int], int]  # of a block and the CRC of what was before it
HASHES = ("md5", "sha1", "sha256", "sha512")
_REFLECTED = {"crc32": (0xEDB88320, 32), "crc32c": (0x82F63B78, 32), "crc64nvme": (0x9A6C9329AC4BC9B5, 64)}
_LENGTHS = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "crc32": 4, "crc32c": 4, "crc64nvme": 8}


def tree(body: Body) -> str:
    """The digest of *body*, 43 characters of URL-safe base64."""
    if len(body) <= MiB:
        return base64.urlsafe_b64encode(hashlib.sha256(body).digest())[:-1].decode()
    view = memoryview(body)
    level = [hashlib.sha256(view[at : at + MiB]).digest() for at in range(0, len(view), MiB)]
    while len(level) > 1:
        pairs = [level[at : at + 2] for at in range(0, len(level), 2)]
        level = [hashlib.sha256(b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return base64.urlsafe_b64encode(level[0]).rstrip(b"=").decode()


def check_whole(body: bytes | bytearray, sums: Mapping[str, str], url: str) -> bool:
    """Compare a whole object with every checksum that its store offers and we can compute; raises Damaged.

    Returns:
        Whether there was one.
    """
    compared = False
    for name, told in sums.items():
        if name == "md5":
            value = md5_of(body)
        elif name in HASHES:
            value = hashlib.new(name, body, usedforsecurity=False).digest()
        elif function := crc(name):
            value = function(body, 0).to_bytes(_LENGTHS[name], "big")
        else:
            continue
        compare(name, value, told, url)
        compared = True
    return compared


def crc(name: str) -> "Crc | None":
    """The function that goes on with the CRC called *name*, if this process has one that is fast."""
    return zlib.crc32 if name == "crc32" else _of_awscrt(name) if name in _REFLECTED else None


@cache
def _of_awscrt(name: str) -> "Crc | None":
    try:
        from awscrt import checksums  # comes with boto3's extra `crt`, if at all
    except ImportError:
        return None
    function: Crc | None = getattr(checksums, name, None)
    return function


def crc_of(name: str, told: str) -> int | None:
    """The CRC *name* that a store wrote as hex or base64, as a number; None where that is none."""
    values = _readings(told, _LENGTHS[name]) if name in _REFLECTED else set()
    return int.from_bytes(values.pop(), "big") if values else None


def crc_text(name: str, value: int) -> str:
    """A CRC as AWS writes it: base64 of its bytes."""
    return base64.b64encode(value.to_bytes(_LENGTHS[name], "big")).decode()


def check_parts(name: str, parts: Iterable[tuple[int, int]], told: str, url: str) -> None:
    """Compare the CRC *name* of a whole object with that of its parts, given as (CRC, length) in their order."""
    whole = 0
    for value, length in parts:
        whole = combine(name, whole, value, length)
    compare(name, whole.to_bytes(_LENGTHS[name], "big"), told, url)


def combine(name: str, first: int, second: int, length: int) -> int:
    """The CRC of two byte strings put together, from theirs and the *length* of the second.

    The first one's CRC, multiplied by x^(8·length) modulo the polynomial, is that of the first followed by zeros; both
    CRCs being linear over GF(2), the exclusive or is that of the whole (Mark Adler's crc32_combine in zlib, 2004).
    """
    return _times(name, _power(name, length), first) ^ second


@lru_cache(maxsize=64)
def _power(name: str, length: int) -> int:
    """x^(8·length) modulo the polynomial, in reflected bits."""
    result, square = 1 << (_REFLECTED[name][1] - 1), 1 << (_REFLECTED[name][1] - 1 - 8)
    while length:
        if length & 1:
            result = _times(name, square, result)
        square, length = _times(name, square, square), length >> 1
    return result


def _times(name: str, a: int, b: int) -> int:
    polynomial, bits = _REFLECTED[name]
    product, mask = 0, 1 << (bits - 1)
    while mask:
        if a & mask:
            product ^= b
        b = (b >> 1) ^ polynomial if b & 1 else b >> 1
        mask >>= 1
    return product


def same(name: str, one: str, other: str) -> bool:
    """Whether two texts, each in hex or in base64, are one checksum."""
    length = _LENGTHS.get(name)
    return one == other or (length is not None and bool(_readings(one, length) & _readings(other, length)))


def compare(name: str, got: bytes, told: str, url: str) -> None:
    """Raise Damaged unless the digest *got* is the one that the store *told*."""
    if got not in _readings(told, len(got)):
        raise Damaged(
            f"{url}: the bytes that came have another {name} than the store says the object has; nothing was written"
        )


def _readings(told: str, length: int) -> set[bytes]:
    """The digest that a store wrote as hex or as base64; whichever has the right length."""
    values = set()
    for read in (bytes.fromhex, base64.b64decode):
        try:
            values.add(read(told))
        except (ValueError, binascii.Error):
            continue
    return {value for value in values if len(value) == length}
