"""The header of a Crypt4GH object: its packets read, decrypted, and encrypted for others.

    header  = "crypt4gh" · version 1 · number of packets · packets          (numbers: 32 bits, little-endian)
    packet  = its length, these four bytes included · method 0 · writer's public key · nonce · ciphertext with its tag
    content = type 0 · method 0 · data key                                     of data encryption
            | type 1 · number of lengths · lengths of 64 bits                  of the edit list
    key     = BLAKE2b-512(X25519 · reader's public key · writer's public key), the first 32 bytes

(GA4GH, Crypt4GH 1.0, sections 2.1 to 2.5, 3.2 and 4.) An edit list says which plain bytes a reader is to see; it
travels along, so that the receiver sees the same ones.

A header is made anew without randomness: the writer's key and the nonces are derived from the reader's private key, the
old header and the receivers' keys by keyed BLAKE2b. Whoever re-encrypts the same header for the same receivers gets the
same bytes, in another process and after a crash, too, so that an object seen through its new header keeps its size, its
ETag and its parts. A nonce is used twice only for the very same content, and to whoever lacks the private key all of it
looks as random as if it were.
"""

import struct
from collections.abc import Sequence
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bucketrelay.values import dataclass, field

MAGIC = b"crypt4gh"
LONGEST = 4 * 1024 * 1024  # bytes of a header; an edit list of 100,000 cuts has 1.6 million
_FIXED = 16  # bytes before the first packet
_LEAST = 4 + 4 + 32 + 12 + 16  # bytes of a packet with nothing in it
_DATA_KEY, _EDIT_LIST = 0, 1


class BadHeader(ValueError):
    """These bytes are no header, or none that this key opens; the text says which."""


class CutHeader(BadHeader):
    """The bytes end before the header does."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A reader's or a writer's key. Shows itself to nobody."""

    raw: bytes = field(repr=False)  # 32 bytes

    @property
    def public(self) -> bytes:
        """The 32 bytes that others encrypt for."""
        return X25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw()


def split(start: bytes) -> tuple[bytes, ...]:
    """The packets of the header that *start* begins with.

    Raises:
        CutHeader: more bytes are needed to tell.
        BadHeader: this is no Crypt4GH header, or one of another version.
    """
    if not MAGIC.startswith(start[:8]):
        raise BadHeader("is no Crypt4GH object: its first bytes are not `crypt4gh`")
    if len(start) < _FIXED:
        raise CutHeader(f"ends after {len(start)} bytes, within its Crypt4GH header")
    version, count = struct.unpack_from("<II", start, 8)
    if version != 1:
        raise BadHeader(f"is a Crypt4GH object of version {version}, and only version 1 is known")
    packets: list[bytes] = []
    at = _FIXED
    while count > len(packets):
        if at + _LEAST > LONGEST:
            raise BadHeader(f"has a Crypt4GH header of more than {LONGEST:,} bytes")
        length = struct.unpack_from("<I", start, at)[0] if at + 4 <= len(start) else _LEAST
        if not _LEAST <= length <= LONGEST - at:
            raise BadHeader(f"has a Crypt4GH header packet of {length:,} bytes")
        if at + length > len(start):
            raise CutHeader(f"ends after {len(start)} bytes, within its Crypt4GH header")
        packets.append(start[at : at + length])
        at += length
    return tuple(packets)


def length_of(packets: Sequence[bytes]) -> int:
    """How many bytes the header of these packets has."""
    return _FIXED + sum(map(len, packets))


def join(packets: Sequence[bytes]) -> bytes:
    """The header of these packets."""
    return b"".join([MAGIC, struct.pack("<II", 1, len(packets)), *packets])


def contents(packets: Sequence[bytes], key: PrivateKey) -> tuple[bytes, ...]:
    """What those packets hold that *key* opens; packets for other readers are passed over, doubles told once.

    Raises:
        BadHeader: no data key is among them, or something that nobody could make sense of.
    """
    opened = [content for packet in packets if (content := _open_packet(packet, key)) is not None]
    if not opened:
        raise BadHeader("has a Crypt4GH header that this key does not open: it was encrypted for somebody else")
    distinct = tuple(dict.fromkeys(opened))
    for content in distinct:
        _check(content)
    if sum(_type(content) == _EDIT_LIST for content in distinct) > 1:
        raise BadHeader("has more than one edit list in its Crypt4GH header")
    if not any(_type(content) == _DATA_KEY for content in distinct):
        raise BadHeader("has a Crypt4GH header without a data key for this reader")
    return distinct


def reencrypt(packets: Sequence[bytes], key: PrivateKey, receivers: Sequence[bytes]) -> bytes:
    """The header that *receivers* (public keys) open as *key* opens this one: data keys and edit list, nothing else.

    The same bytes for the same arguments. Errors as of `contents`.
    """
    if not receivers:
        raise BadHeader("is to be encrypted for nobody: name a receiver's key")
    inner, readers = contents(packets, key), tuple(dict.fromkeys(receivers))
    seed = _derive(key.raw, b"seed", join(packets), *readers)
    writer = PrivateKey(_derive(seed, b"writer"))
    return join(
        [
            _close_packet(content, writer, reader, _derive(seed, b"nonce", reader, content)[:12])
            for reader in readers
            for content in inner
        ]
    )


def _open_packet(packet: bytes, key: PrivateKey) -> bytes | None:
    """The content of a packet; None where it is not for this key."""
    method, writer, nonce, sealed = packet[4:8], packet[8:40], packet[40:52], packet[52:]
    if method != bytes(4):
        return None
    shared = _packet_key(key, writer, key.public, writer)
    try:
        return ChaCha20Poly1305(shared).decrypt(nonce, sealed, None) if shared else None
    except InvalidTag:
        return None


def _close_packet(content: bytes, writer: PrivateKey, reader: bytes, nonce: bytes) -> bytes:
    shared = _packet_key(writer, reader, reader, writer.public)
    if shared is None:
        raise BadHeader("is to be encrypted for a public key that is none: look at the receiver's key file")
    sealed = ChaCha20Poly1305(shared).encrypt(nonce, content, None)
    return b"".join([struct.pack("<II", 52 + len(sealed), 0), writer.public, nonce, sealed])


def _packet_key(own: PrivateKey, other: bytes, reader: bytes, writer: bytes) -> bytes | None:
    """The key of a packet; None where *other* is a point that everybody shares a secret with."""
    try:
        secret = X25519PrivateKey.from_private_bytes(own.raw).exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:
        return None
    return blake2b(secret + reader + writer).digest()[:32]


def _derive(secret: bytes, purpose: bytes, *of: bytes) -> bytes:
    """32 bytes that only who has *secret* can know; lengths are told, so that no two lists of parts look alike."""
    told = b"".join(struct.pack("<Q", len(part)) + part for part in of)
    return blake2b(told, key=secret, person=b"bucketrelay" + purpose[:5], digest_size=32).digest()


def _type(content: bytes) -> int:
    return int.from_bytes(content[:4], "little")


def _check(content: bytes) -> None:
    """Raise BadHeader for a content that no reader of version 1 would understand."""
    kind = _type(content)
    if kind == _DATA_KEY:
        if len(content) != 40 or content[4:8] != bytes(4):
            raise BadHeader("has a data key in its Crypt4GH header that is of no known method")
    elif kind == _EDIT_LIST:
        count = int.from_bytes(content[4:8], "little")
        if len(content) < 8 or len(content) != 8 + 8 * count:
            raise BadHeader("has an edit list in its Crypt4GH header that is not as long as it says")
    else:
        raise BadHeader(f"has a packet of the unknown type {kind} in its Crypt4GH header")
