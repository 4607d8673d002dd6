"""The MD5 of an object's bytes: computed once, and of just these bytes."""

import hashlib
from types import SimpleNamespace

import pytest

from bucketrelay import bodies
from bucketrelay.bodies import Held, md5_of
from bucketrelay.core import digest
from bucketrelay.errors import Damaged


@pytest.fixture
def computed(monkeypatch):
    """How many bytes each MD5 was computed of."""
    seen = []

    def md5(content, **how):
        seen.append(len(content))
        return hashlib.md5(content, **how)

    monkeypatch.setattr(bodies, "hashlib", SimpleNamespace(md5=md5))
    return seen


def test_what_came_from_a_store_has_its_md5_computed_once_whoever_asks(computed):
    held = Held(3)
    memoryview(held)[:] = b"abc"
    told = {"md5": hashlib.md5(b"abc").hexdigest()}

    assert md5_of(held) == hashlib.md5(b"abc").digest()
    assert digest.check_whole(held, told, "s3://b/k")
    assert md5_of(held) == hashlib.md5(b"abc").digest()
    assert computed == [3]


def test_two_bodies_have_an_md5_each_and_other_bytes_have_theirs(computed):
    one, other = Held(b"abc"), Held(b"abd")
    found = [md5_of(body) for body in (one, other, b"abc", bytearray(b"abd"))]

    assert found == [hashlib.md5(body).digest() for body in (b"abc", b"abd", b"abc", b"abd")]
    assert len(computed) == 4


def test_the_md5_that_is_kept_is_compared_with_what_the_store_says():
    held = Held(b"abc")
    md5_of(held)
    with pytest.raises(Damaged):
        digest.check_whole(held, {"md5": hashlib.md5(b"abd").hexdigest()}, "s3://b/k")
