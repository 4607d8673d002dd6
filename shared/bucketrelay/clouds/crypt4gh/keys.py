"""Crypt4GH key files.

    -----BEGIN CRYPT4GH PRIVATE KEY-----
    base64 of: "c4gh-v1" · kdf · (rounds of 32 bits · salt, where there is a kdf) · cipher · key · comment
    -----END CRYPT4GH PRIVATE KEY-----

each field after its length of 16 bits, big-endian (GA4GH, Crypt4GH 1.0, appendix; the key derivations and their figures
as crypt4gh-keygen writes them). A public key's file holds its 32 bytes.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bucketrelay.clouds.crypt4gh.header import PrivateKey
from bucketrelay.errors import ConfigError

_BLOCK = re.compile(rb"-----BEGIN (?P<kind>[A-Z0-9 ]+)-----\s(?P<text>.*?)\s-----END (?P=kind)-----", re.DOTALL)
_PRIVATE, _PUBLIC = b"CRYPT4GH PRIVATE KEY", b"CRYPT4GH PUBLIC KEY"
_ENCRYPTED = b"CRYPT4GH ENCRYPTED PRIVATE KEY"  # as some key generators head the same content
_MAGIC = b"c4gh-v1"
_LARGEST = 64 * 1024  # bytes of a file
_MOST_ROUNDS = 10_000_000  # some seconds; crypt4gh-keygen takes 100 (bcrypt) or 100,000 (PBKDF2)
_Derive = Callable[[bytes, bytes, int], bytes]  # of a passphrase, a salt and a number of rounds


def private_key(path: Path, passphrase: str | None) -> PrivateKey:
    """The key in a private key's file.

    Raises:
        ConfigError: there is no such file, it is none, or *passphrase* does not open it; nothing of either is quoted.
    """
    try:
        return parse_private(_read(path), passphrase)
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error


def public_key(path: Path) -> bytes:
    """The 32 bytes in a public key's file. Raises ConfigError as `private_key`."""
    try:
        return parse_public(_read(path))
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error


def parse_public(text: bytes) -> bytes:
    """The public key in the text of a file. Raises ValueError, saying what is wrong."""
    raw = _block(text, (_PUBLIC,), "a Crypt4GH public key")
    if len(raw) != 32:
        raise ValueError(f"holds a public key of {len(raw)} bytes instead of 32: export it again")
    return raw


def parse_private(text: bytes, passphrase: str | None) -> PrivateKey:
    """The private key in the text of a file. Raises ValueError, saying what is wrong."""
    raw = _block(text, (_PRIVATE, _ENCRYPTED), "a Crypt4GH private key")
    if not raw.startswith(_MAGIC):
        raise ValueError("is no Crypt4GH private key of version 1: make one with crypt4gh-keygen")
    kdf, rest = _field(raw[len(_MAGIC) :])
    options = b""
    if kdf != b"none":
        options, rest = _field(rest)
    cipher, rest = _field(rest)
    sealed, _ = _field(rest)
    if kdf == b"none" or cipher == b"none":
        if kdf != cipher:
            raise ValueError("is half encrypted: make a new key file with crypt4gh-keygen")
        return _key(sealed)
    if cipher != b"chacha20_poly1305":
        raise ValueError("is encrypted by an unknown cipher: make it anew with crypt4gh-keygen")
    if not passphrase:
        raise ValueError("needs its passphrase: give it")
    return _key(_decrypt(sealed, _derive(kdf, options, passphrase)))


def _key(raw: bytes) -> PrivateKey:
    if len(raw) != 32:
        raise ValueError(f"holds a private key of {len(raw)} bytes instead of 32: export it again")
    return PrivateKey(raw)


def _decrypt(sealed: bytes, secret: bytes) -> bytes:
    if len(sealed) < 12 + 16:
        raise ValueError("is cut: its encrypted key is too short")
    try:
        return ChaCha20Poly1305(secret).decrypt(sealed[:12], sealed[12:], None)
    except InvalidTag:
        raise ValueError("is not opened by this passphrase: correct it") from None


def _derive(kdf: bytes, options: bytes, passphrase: str) -> bytes:
    if len(options) < 4 + 1:
        raise ValueError("is cut: the parameters of its passphrase are missing")
    (rounds,), salt = struct.unpack_from(">I", options), options[4:]
    derive = _KDFS.get(kdf)
    if derive is None:
        raise ValueError("has its passphrase derived in an unknown way: make it anew with crypt4gh-keygen")
    if rounds > _MOST_ROUNDS:
        raise ValueError(f"wants {rounds:,} rounds of key derivation: make it anew with crypt4gh-keygen")
    return derive(passphrase.encode("utf-8", "surrogateescape"), salt, rounds)


def _scrypt(passphrase: bytes, salt: bytes, _: int) -> bytes:
    return hashlib.scrypt(passphrase, salt=salt, n=1 << 14, r=8, p=1, maxmem=1 << 26, dklen=32)


def _bcrypt(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    import bcrypt  # only a key file that is encrypted by it needs the package

    return bcrypt.kdf(passphrase, salt, desired_key_bytes=32, rounds=max(1, rounds), ignore_few_rounds=True)


def _pbkdf2(passphrase: bytes, salt: bytes, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase, salt, max(1, rounds), dklen=32)


_KDFS: dict[bytes, _Derive] = {b"scrypt": _scrypt, b"bcrypt": _bcrypt, b"pbkdf2_hmac_sha256": _pbkdf2}


def _field(raw: bytes) -> tuple[bytes, bytes]:
    """The first field and what follows it."""
    length = int.from_bytes(raw[:2], "big") if len(raw) >= 2 else len(raw)
    if len(raw) < 2 + length:
        raise ValueError("is cut: a field of it is shorter than it says")
    return raw[2 : 2 + length], raw[2 + length :]


def _block(text: bytes, kinds: tuple[bytes, ...], wanted: str) -> bytes:
    match = _BLOCK.search(text)
    if not match or match["kind"] not in kinds:
        what = f"holds {match['kind'].decode().lower()}" if match else "is no key file"
        raise ValueError(f"{what}, and {wanted} is needed: make one with crypt4gh-keygen")
    try:
        return base64.b64decode(b"".join(match["text"].split()), validate=True)
    except binascii.Error:
        raise ValueError("is damaged: what it holds is not base64") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise ValueError(f"cannot be read, {error.strerror}: mend it, or name another file") from error
