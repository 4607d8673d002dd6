"""Keys and objects made by the `crypt4gh` package: the other end of every conversation with our own code."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import crypt4gh
from crypt4gh import header as theirs
from crypt4gh import lib

from bucketrelay.clouds.crypt4gh.header import PrivateKey

BIN = Path(sys.executable).parent
assert crypt4gh.__version__


@dataclass(frozen=True)
class Pair:
    secret: bytes

    @property
    def key(self) -> PrivateKey:
        return PrivateKey(self.secret)

    @property
    def public(self) -> bytes:
        return self.key.public


def pair() -> Pair:
    return Pair(os.urandom(32))


def encrypted(data: bytes, *readers: Pair, writer: Pair | None = None) -> bytes:
    out = io.BytesIO()
    lib.encrypt([(0, (writer or pair()).secret, reader.public) for reader in readers], io.BytesIO(data), out)
    return out.getvalue()


def decrypted(raw: bytes, reader: Pair) -> bytes:
    out = io.BytesIO()
    lib.decrypt([(0, reader.secret, None)], io.BufferedReader(io.BytesIO(raw), 65536), out)
    return out.getvalue()


def divided(raw: bytes) -> tuple[bytes, bytes]:
    """Header and body, told apart by the package."""
    stream = io.BytesIO(raw)
    list(theirs.parse(stream))
    return raw[: stream.tell()], raw[stream.tell() :]


def with_edits(raw: bytes, reader: Pair, *lengths: int) -> bytes:
    """The same object with an edit list in its header."""
    head, body = divided(raw)
    packets = list(theirs.parse(io.BytesIO(head)))
    edits = theirs.make_packet_data_edit_list(lengths)
    packets += theirs.encrypt(edits, [(0, os.urandom(32), reader.public)])
    return theirs.serialize(packets) + body


def command(name: str, *arguments: str, stdin: bytes = b"", passphrase: str = "") -> subprocess.CompletedProcess[bytes]:
    environ = {**os.environ, "C4GH_PASSPHRASE": passphrase, "C4GH_LOG": "", "C4GH_DEBUG": ""}
    return subprocess.run([BIN / name, *arguments], input=stdin, capture_output=True, env=environ, check=False)
