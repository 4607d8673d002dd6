"""Checksums: the same bytes have the same digest however they were cut; other bytes have another."""

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core import digest
from bucketrelay.errors import Damaged
from bucketrelay.store import MiB


def crc64nvme(data, crc=0):
    """Bit by bit, from the definition: reflected polynomial 0x9A6C9329AC4BC9B5, all ones in and out."""
    crc ^= (1 << 64) - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x9A6C9329AC4BC9B5 if crc & 1 else crc >> 1
    return crc ^ ((1 << 64) - 1)


def test_the_reference_crc64_gives_the_published_check_value():
    assert crc64nvme(b"123456789") == 0xAE8B14860A799888


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_the_crcs_of_two_parts_joined_are_that_of_the_whole(first, second):
    for name, function in (("crc32", zlib.crc32), ("crc64nvme", crc64nvme)):
        joined = digest.combine(name, function(first), function(second), len(second))
        assert joined == function(first + second)


@given(st.binary(max_size=2000), st.integers(1, 700))
def test_the_crc_of_a_whole_is_the_same_however_it_was_cut(body, size):
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    said = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()

    digest.check_parts("crc32", [(zlib.crc32(part), len(part)) for part in parts], said, "s3://b/k")


def test_the_digest_of_up_to_a_mebibyte_is_its_sha256():
    said = base64.urlsafe_b64encode(hashlib.sha256(b"abc").digest()).rstrip(b"=").decode()

    assert digest.tree(b"abc") == digest.tree(bytearray(b"abc")) == said


def test_the_digest_of_more_is_the_tree_of_its_mebibytes():
    body = bytes(range(256)) * (MiB // 256 * 3)
    leaf = hashlib.sha256(body[:MiB]).digest()
    root = hashlib.sha256(hashlib.sha256(leaf + leaf).digest() + leaf).digest()

    assert digest.tree(body) == base64.urlsafe_b64encode(root).rstrip(b"=").decode()


def test_one_bit_makes_another_digest():
    body = bytearray(5 * MiB)
    before = digest.tree(body)
    body[3 * MiB] ^= 1

    assert digest.tree(body) != before


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "crc32"])
@pytest.mark.parametrize("write", [bytes.hex, lambda raw: base64.b64encode(raw).decode()], ids=["hex", "base64"])
def test_what_the_store_says_of_a_whole_object_is_compared(name, write):
    raw = zlib.crc32(b"body").to_bytes(4, "big") if name == "crc32" else hashlib.new(name, b"body").digest()
    digest.check_whole(b"body", {name: write(raw)}, "s3://b/k")

    with pytest.raises(Damaged, match="s3://b/k"):
        digest.check_whole(b"Body", {name: write(raw)}, "s3://b/k")


def test_a_checksum_that_nobody_here_can_compute_is_not_compared():
    digest.check_whole(b"body", {"xxhash64": "AAAA", "crc32c": "AAAA"}, "s3://b/k")
