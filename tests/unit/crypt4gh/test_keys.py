"""Key files as crypt4gh-keygen writes them."""

import base64

import pytest
from crypt4gh.keys import c4gh as theirs
from crypt4gh.keys.kdf import derive_key
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.crypt4gh.keys import parse_private, parse_public, private_key, public_key
from bucketrelay.errors import ConfigError
from unit.crypt4gh.c4gh import command, decrypted, encrypted, pair

SECRET = pair()
PHRASE = "a long pässphrase"


def wrapped(raw: bytes, kind: str = "CRYPT4GH PRIVATE KEY") -> bytes:
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (kind.encode(), base64.b64encode(raw), kind.encode())


def text(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value


def by(kdf: bytes, rounds: int, phrase: str = PHRASE, salt: bytes = b"0123456789abcdef") -> bytes:
    """A key file whose passphrase goes through *kdf*, derived by the package."""
    secret = derive_key(kdf, phrase.encode(), salt, rounds)
    sealed = bytes(12) + ChaCha20Poly1305(secret).encrypt(bytes(12), SECRET.secret, None)
    options = text(rounds.to_bytes(4, "big") + salt)
    return wrapped(b"c4gh-v1" + text(kdf) + options + text(b"chacha20_poly1305") + text(sealed) + text(b"a comment"))


@pytest.mark.parametrize("phrase", ["", PHRASE])
def test_keys_made_by_the_command_are_read(tmp_path, phrase):
    sk, pk = tmp_path / "c4gh.sec", tmp_path / "c4gh.pub"
    theirs.generate(sk, pk, phrase.encode(), b"comment")
    key = private_key(sk, phrase or None)
    assert key.public == public_key(pk)


@pytest.mark.parametrize(("kdf", "rounds"), [(b"scrypt", 0), (b"bcrypt", 2), (b"pbkdf2_hmac_sha256", 1000)])
def test_every_derivation_of_a_passphrase_is_known(kdf, rounds):
    assert parse_private(by(kdf, rounds), PHRASE).raw == SECRET.secret


def test_a_key_of_ours_decrypts_by_the_command(tmp_path):
    made = command("crypt4gh-keygen", "--sk", f"{tmp_path}/a.sec", "--pk", f"{tmp_path}/a.pub", "--nocrypt")
    assert made.returncode == 0, made.stderr
    raw = encrypted(b"hello", SECRET)
    (tmp_path / "b.sec").write_bytes(by(b"scrypt", 0, phrase="plain"))
    assert decrypted(raw, SECRET) == b"hello"
    said = command("crypt4gh", "decrypt", "--sk", f"{tmp_path}/b.sec", stdin=raw, passphrase="plain")
    assert (said.returncode, said.stdout) == (0, b"hello"), said.stderr


@pytest.mark.parametrize("kdf", [b"scrypt", b"bcrypt", b"pbkdf2_hmac_sha256"])
def test_a_wrong_passphrase_is_said_to_be_wrong_and_never_quoted(kdf):
    with pytest.raises(ValueError, match="not opened by this passphrase") as caught:
        parse_private(by(kdf, 1), "guess-4711")
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_passphrase_that_is_missing_is_asked_for():
    for none in (None, ""):
        with pytest.raises(ValueError, match="needs its passphrase"):
            parse_private(by(b"scrypt", 0), none)


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (b"", "is no key file"),
        (b"hello", "is no key file"),
        (wrapped(bytes(32), "CRYPT4GH PUBLIC KEY"), "holds crypt4gh public key, and a Crypt4GH private key"),
        (wrapped(b"c4gh-v2"), "version 1"),
        (wrapped(b"c4gh-v1"), "is cut"),
        (wrapped(b"c4gh-v1" + text(b"none") + text(b"none") + text(bytes(31))), "31 bytes instead of 32"),
        (wrapped(b"c4gh-v1" + text(b"none") + text(b"chacha20_poly1305") + text(bytes(60))), "half encrypted"),
        (wrapped(b"c4gh-v1" + text(b"scrypt") + text(b"") + text(b"aes") + text(bytes(60))), "unknown cipher"),
        (
            wrapped(b"c4gh-v1" + text(b"magic") + text(bytes(20)) + text(b"chacha20_poly1305") + text(bytes(60))),
            "unknown way",
        ),
        (
            wrapped(b"c4gh-v1" + text(b"bcrypt") + text(b"\xff" * 20) + text(b"chacha20_poly1305") + text(bytes(60))),
            "rounds",
        ),
        (b"-----BEGIN CRYPT4GH PRIVATE KEY-----\n!!!\n-----END CRYPT4GH PRIVATE KEY-----", "not base64"),
    ],
)
def test_what_is_no_private_key_is_said_to_be_none(raw, word):
    with pytest.raises(ValueError, match=word):
        parse_private(raw, PHRASE)


def test_a_private_key_is_no_public_one():
    with pytest.raises(ValueError, match="a Crypt4GH public key is needed"):
        parse_public(by(b"scrypt", 0))


def test_a_file_that_is_not_there_is_a_mistake_with_its_name(tmp_path):
    for read in (lambda: private_key(tmp_path / "no.sec", None), lambda: public_key(tmp_path / "no.sec")):
        with pytest.raises(ConfigError, match=r"no\.sec: cannot be read, No such file"):
            read()


@given(raw=st.binary(max_size=120), start=st.sampled_from([b"", b"c4gh-v1", b"c4gh-v1\0\4none\0\4none"]))
def test_any_bytes_are_a_key_or_refused(raw, start):
    for read in (lambda told: parse_private(told, "x"), parse_public):
        for told in (raw, wrapped(start + raw), wrapped(start + raw, "CRYPT4GH PUBLIC KEY")):
            try:
                read(told)
            except ValueError:
                continue
