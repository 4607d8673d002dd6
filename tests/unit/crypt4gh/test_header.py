"""Headers of Crypt4GH: ours and the `crypt4gh` package's understand each other, in both directions."""

import io
import os
import struct

import pytest
from crypt4gh import header as theirs
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.crypt4gh import header
from bucketrelay.clouds.crypt4gh.header import BadHeader, CutHeader, PrivateKey
from unit.crypt4gh.c4gh import decrypted, divided, encrypted, pair, with_edits

ARCHIVE, PARTNER, OTHER, STRANGER = pair(), pair(), pair(), pair()
DATA = bytes(range(256)) * 700  # three segments, the last not whole


def again(raw: bytes, *receivers: bytes, key: PrivateKey = ARCHIVE.key) -> bytes:
    """The object under its new header."""
    head, body = divided(raw)
    return header.reencrypt(header.split(head), key, receivers) + body


def test_what_the_package_wrote_is_read_by_the_package_under_our_header():
    assert decrypted(again(encrypted(DATA, ARCHIVE), PARTNER.public), PARTNER) == DATA


def test_the_archives_own_key_no_longer_opens_it():
    with pytest.raises(ValueError, match="No supported encryption method"):
        decrypted(again(encrypted(DATA, ARCHIVE), PARTNER.public), ARCHIVE)


def test_a_header_for_one_key_and_one_reader_has_124_bytes():
    assert len(again(encrypted(b"", ARCHIVE), PARTNER.public)) == 124


def test_each_of_several_receivers_opens_it():
    raw = again(encrypted(DATA, ARCHIVE), PARTNER.public, OTHER.public)
    assert decrypted(raw, PARTNER) == decrypted(raw, OTHER) == DATA


def test_a_receiver_named_twice_gets_one_packet():
    raw = encrypted(DATA, ARCHIVE)
    assert again(raw, PARTNER.public, PARTNER.public) == again(raw, PARTNER.public)


def test_packets_for_other_readers_are_left_out():
    raw = encrypted(DATA, STRANGER, ARCHIVE, OTHER)
    assert len(divided(again(raw, PARTNER.public))[0]) == 124
    assert decrypted(again(raw, PARTNER.public), PARTNER) == DATA


def test_an_edit_list_travels_along():
    raw = with_edits(encrypted(DATA, ARCHIVE), ARCHIVE, 10, 5, 65_540, 20)
    seen = decrypted(raw, ARCHIVE)
    assert seen == DATA[10:15] + DATA[65_555:65_575]
    assert decrypted(again(raw, PARTNER.public), PARTNER) == seen


def test_all_data_keys_of_an_object_joined_from_two_are_kept():
    first, second = divided(encrypted(DATA[:65_536], ARCHIVE)), divided(encrypted(b"tail", ARCHIVE))
    packets = [*header.split(first[0]), *header.split(second[0])]
    raw = header.join(packets) + first[1] + second[1]
    assert decrypted(again(raw, PARTNER.public), PARTNER) == DATA[:65_536] + b"tail"


def test_a_packet_told_twice_is_written_once():
    head, body = divided(encrypted(DATA, ARCHIVE))
    doubled = header.join([*header.split(head), *header.split(head)]) + body
    assert len(divided(again(doubled, PARTNER.public))[0]) == 124


def test_the_same_header_for_the_same_receivers_is_the_same_bytes():
    raw = encrypted(DATA, ARCHIVE)
    assert again(raw, PARTNER.public, OTHER.public) == again(raw, PARTNER.public, OTHER.public)


def test_another_receiver_or_another_object_has_another_writer_and_other_nonces():
    one, two = encrypted(b"", ARCHIVE), encrypted(b"", ARCHIVE)
    heads = [again(one, PARTNER.public), again(two, PARTNER.public), again(one, OTHER.public)]
    assert len({head[24:56] for head in heads}) == len({head[56:68] for head in heads}) == 3


def test_a_header_of_ours_goes_on_through_another_hand():
    raw = again(encrypted(DATA, ARCHIVE), PARTNER.public)
    assert decrypted(again(raw, OTHER.public, key=PARTNER.key), OTHER) == DATA


def test_the_package_reencrypts_a_header_of_ours():
    head, body = divided(again(encrypted(DATA, ARCHIVE), PARTNER.public))
    packets = theirs.reencrypt(
        list(theirs.parse(io.BytesIO(head))),
        [(0, PARTNER.secret, None)],
        [(0, os.urandom(32), OTHER.public)],
        trim=True,
    )
    assert decrypted(theirs.serialize(packets) + body, OTHER) == DATA


def test_a_header_for_somebody_else_is_said_to_be_so():
    with pytest.raises(BadHeader, match="does not open: it was encrypted for somebody else"):
        again(encrypted(DATA, STRANGER), PARTNER.public)


def test_a_receivers_key_that_everybody_shares_a_secret_with_is_refused():
    with pytest.raises(BadHeader, match="public key that is none"):
        again(encrypted(DATA, ARCHIVE), bytes(32))


def test_an_object_encrypted_by_such_a_key_is_not_opened():
    head, _ = divided(encrypted(DATA, ARCHIVE))
    forged = head[:24] + bytes(32) + head[56:]
    with pytest.raises(BadHeader, match="does not open"):
        header.contents(header.split(forged), ARCHIVE.key)


def test_nobody_is_no_receiver():
    with pytest.raises(BadHeader, match="for nobody"):
        again(encrypted(DATA, ARCHIVE))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (struct.pack("<II", 0, 1) + bytes(32), "no known method"),
        (struct.pack("<II", 0, 0) + bytes(31), "no known method"),
        (struct.pack("<II", 2, 0), "unknown type 2"),
        (struct.pack("<II", 1, 3) + bytes(16), "not as long as it says"),
        (struct.pack("<II", 1, 1) + bytes(8), "without a data key"),
        (b"", "unknown type 0|no known method"),
    ],
)
def test_a_packet_that_no_reader_would_understand_is_refused(content, word):
    packets = [packet for packet, _ in _sealed(content)]
    with pytest.raises(BadHeader, match=word):
        header.contents(packets, ARCHIVE.key)


def test_two_edit_lists_are_refused():
    raw = with_edits(with_edits(encrypted(DATA, ARCHIVE), ARCHIVE, 1, 2), ARCHIVE, 3, 4)
    with pytest.raises(BadHeader, match="more than one edit list"):
        again(raw, PARTNER.public)


def _sealed(content: bytes):
    packets = list(theirs.encrypt(content, [(0, os.urandom(32), ARCHIVE.public)]))
    return [(struct.pack("<I", len(packet) + 4) + packet, content) for packet in packets]


def test_every_beginning_of_a_header_is_said_to_be_cut():
    head, _ = divided(encrypted(DATA, ARCHIVE, PARTNER))
    for length in range(len(head)):
        with pytest.raises(CutHeader):
            header.split(head[:length])
    assert header.length_of(header.split(head + b"more")) == len(head)


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (b"<html>", "is no Crypt4GH object"),
        (b"crypt4gH" + struct.pack("<II", 1, 1), "is no Crypt4GH object"),
        (b"crypt4gh" + struct.pack("<II", 2, 1), "version 2"),
        (b"crypt4gh" + struct.pack("<III", 1, 1, 3), "packet of 3 bytes"),
        (b"crypt4gh" + struct.pack("<III", 1, 1, 0xFFFFFFFF), "packet of 4,294,967,295 bytes"),
    ],
)
def test_what_is_no_header_is_said_to_be_none(start, word):
    with pytest.raises(BadHeader, match=word):
        header.split(start)


def test_four_billion_packets_are_not_waited_for():
    start = b"crypt4gh" + struct.pack("<II", 1, 0xFFFFFFFF) + (struct.pack("<I", 68) + bytes(64)) * 61_681
    with pytest.raises(BadHeader, match="more than 4,194,304 bytes"):
        header.split(start)


def test_no_repr_shows_a_key():
    assert ARCHIVE.secret.hex() not in repr(ARCHIVE.key)
    assert repr(ARCHIVE.secret) not in repr(ARCHIVE.key)


@given(raw=st.binary(max_size=200), start=st.sampled_from([b"", b"crypt4gh", b"crypt4gh" + struct.pack("<II", 1, 1)]))
def test_any_bytes_are_a_header_or_refused(raw, start):
    try:
        packets = header.split(start + raw)
    except BadHeader:
        return
    assert header.join(packets) == (start + raw)[: header.length_of(packets)]
    with pytest.raises(BadHeader):
        header.contents(packets, ARCHIVE.key)


@given(at=st.integers(0, 123), bit=st.integers(0, 7))
def test_a_header_with_any_bit_turned_is_refused(at, bit):
    head = bytearray(HEAD)
    head[at] ^= 1 << bit
    try:
        found = header.contents(header.split(bytes(head)), ARCHIVE.key)
    except BadHeader:
        return
    # X25519 ignores the highest bit of a public key; BLAKE2b does not.
    pytest.fail(f"bit {bit} of byte {at} changed nothing: {found!r}")


HEAD = divided(encrypted(b"", ARCHIVE))[0]


@given(
    data=st.binary(max_size=300),
    readers=st.lists(st.integers(0, 4), min_size=1, max_size=4),
    receivers=st.lists(st.integers(0, 4), min_size=1, max_size=4),
)
def test_whoever_is_a_receiver_reads_it_and_nobody_else(data, readers, receivers):
    people = PEOPLE
    raw = encrypted(data, *(people[number] for number in readers))
    new = again(raw, *(people[number].public for number in receivers), key=people[readers[0]].key)
    for number, who in enumerate(people):
        if number in receivers:
            assert decrypted(new, who) == data
        else:
            with pytest.raises(ValueError, match="No supported"):
                decrypted(new, who)


PEOPLE = [pair() for _ in range(5)]
