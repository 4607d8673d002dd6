"""A store seen through headers that are encrypted anew."""

import zlib
from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.clouds.crypt4gh.header import PrivateKey
from bucketrelay.clouds.crypt4gh.store import Header, ReencryptedStore
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.errors import SourceChanged, StoreRefused
from bucketrelay.model import Meta, ObjectInfo, Outcome, Task
from bucketrelay.store import MiB
from bucketrelay.testing.memory import MemoryStore
from unit.crypt4gh.c4gh import decrypted, divided, encrypted, pair, with_edits

ARCHIVE, PARTNER = pair(), pair()
DATA = bytes(range(251)) * 800
RAW = encrypted(DATA, ARCHIVE)
HEAD, BODY = divided(RAW)


class Checked(MemoryStore):
    """A store that has a CRC of the whole, as AWS has."""

    def _crc(self, info: ObjectInfo | None) -> ObjectInfo | None:
        if info is None:
            return None
        value = zlib.crc32(bytes(super().read(info, 0, info.size)))
        return replace(info, checksums={"crc32": b64encode(value.to_bytes(4, "big")).decode()})

    def look(self, key, *, trust_bare_404=False):
        return self._crc(super().look(key, trust_bare_404=trust_bare_404))


def inline(raw: bytes = RAW, **more) -> tuple[MemoryStore, ReencryptedStore]:
    store = MemoryStore(**more)
    store.put("a.c4gh", raw, Meta(content_type="x/y"))
    return store, ReencryptedStore(store, ARCHIVE.key, [PARTNER.public])


def apart(body: bytes = BODY, size: int | None = None, header: bytes = HEAD, store: MemoryStore | None = None):
    store = store or MemoryStore()
    store.put("a", body, Meta())
    return ReencryptedStore(store, ARCHIVE.key, [PARTNER.public], lambda key: Header(header, size))


def whole(store, key: str) -> bytes:
    info = store.look(key)
    return bytes(store.read(info, 0, info.size))


def test_the_receiver_reads_what_he_is_meant_to_whether_the_header_lies_with_it_or_apart():
    assert decrypted(whole(inline()[1], "a.c4gh"), PARTNER) == DATA
    assert decrypted(whole(apart(), "a"), PARTNER) == DATA


def test_the_size_is_that_of_the_new_header_and_the_body():
    other = encrypted(DATA, pair(), pair(), ARCHIVE)
    assert inline(other)[1].look("a.c4gh").size == apart().look("a").size == 124 + len(BODY)


def test_a_look_a_fetch_and_a_listing_tell_the_same():
    _, store = inline()
    seen = store.look("a.c4gh")
    assert store.fetch("a.c4gh", 10).info == seen
    (listed,) = store.list()
    assert (listed.size, listed.etag) == (seen.size, seen.etag)


@given(start=st.integers(0, 400), length=st.integers(0, 700), first=st.integers(1, 300))
def test_every_range_is_a_piece_of_the_whole(start, length, first):
    for store, key in ((INLINE, "a.c4gh"), (APART, "a")):
        info, all_of_it = store.look(key), whole(store, key)
        length = max(1, min(length, info.size - start))
        assert bytes(store.read(info, start, length)) == all_of_it[start : start + length]
        poured = bytearray()
        store.pour(info, start, length, poured.extend)
        assert poured == all_of_it[start : start + length]
        assert bytes(store.fetch(key, first).body) == all_of_it[:first]


INLINE, APART = inline(encrypted(DATA[:600], *(pair() for _ in range(3)), ARCHIVE))[1], apart()


def test_another_process_sees_the_same_bytes_under_the_same_etag():
    store, view = inline()
    later = ReencryptedStore(store, PrivateKey(ARCHIVE.secret), [PARTNER.public])
    info = view.look("a.c4gh")
    assert later.look("a.c4gh") == info
    assert whole(later, "a.c4gh") == whole(view, "a.c4gh")
    fresh = ReencryptedStore(store, ARCHIVE.key, [PARTNER.public])
    assert bytes(fresh.read(info, 100, 100)) == whole(view, "a.c4gh")[100:200]


def test_another_receiver_is_another_version():
    store, view = inline()
    info = view.look("a.c4gh")
    other = ReencryptedStore(store, ARCHIVE.key, [pair().public])
    assert other.look("a.c4gh").etag != info.etag
    with pytest.raises(SourceChanged):
        other.read(info, 0, 10)


def test_the_known_version_comes_without_a_body():
    for store, key in ((inline()[1], "a.c4gh"), (apart(), "a")):
        assert store.fetch(key, 10, unless=store.look(key).etag).body is None
        assert store.fetch(key, 10, unless="another").body is not None


def test_an_object_overwritten_while_it_is_read_is_another_version():
    store, view = inline()
    info = view.look("a.c4gh")
    store.put("a.c4gh", encrypted(DATA, ARCHIVE), Meta())
    with pytest.raises(SourceChanged):
        view.read(info, 0, 200)


def test_an_edit_list_is_seen_by_the_receiver_too():
    _, view = inline(with_edits(RAW, ARCHIVE, 7, 9))
    assert decrypted(whole(view, "a.c4gh"), PARTNER) == DATA[7:16]


def test_a_checksum_of_the_body_becomes_one_of_the_whole():
    view = apart(store=Checked())
    told = view.look("a").checksums
    assert told == {"crc32": b64encode(zlib.crc32(whole(view, "a")).to_bytes(4, "big")).decode()}


def test_a_header_longer_than_what_is_fetched_for_it_is_read_on():
    many = encrypted(DATA, *(pair() for _ in range(700)), ARCHIVE)
    assert len(divided(many)[0]) > 64 * 1024
    _, view = inline(many)
    assert decrypted(whole(view, "a.c4gh"), PARTNER) == DATA
    assert bytes(view.fetch("a.c4gh", 100_000).body) == whole(view, "a.c4gh")[:100_000]


def test_what_is_not_there_is_none():
    assert inline()[1].look("no") is None
    assert inline()[1].fetch("no", 1) is None
    assert apart().look("no") is None
    assert apart().fetch("no", 1) is None


@pytest.mark.parametrize(
    ("view", "key", "word"),
    [
        (inline(b"<html>sorry</html>")[1], "a.c4gh", "memory.*a.c4gh is no Crypt4GH object"),
        (inline(b"")[1], "a.c4gh", "ends after 0 bytes"),
        (inline(RAW[:100])[1], "a.c4gh", "ends after 100 bytes, within its Crypt4GH header"),
        (inline(HEAD + BODY[: 65_564 + 20])[1], "a.c4gh", "is cut: its last segment"),
        (inline(encrypted(DATA, pair()))[1], "a.c4gh", "encrypted for somebody else"),
        (apart(BODY[:-1], size=len(BODY)), "a", f"{len(BODY) - 1} bytes of it, and {len(BODY)} are on record"),
        (apart(header=b"no header"), "a", "is no Crypt4GH object"),
        (ReencryptedStore(apart()._inner, ARCHIVE.key, [PARTNER.public], lambda key: None), "a", "nobody knows"),
    ],
)
def test_what_cannot_be_made_readable_is_refused_with_the_reason(view, key, word):
    for ask in (view.look, lambda key: view.fetch(key, 10)):
        with pytest.raises(StoreRefused, match=word):
            ask(key)


def test_nothing_is_ever_written_through_it():
    store, view = inline()
    for write in (lambda: view.put("b", b"", Meta()), lambda: view.delete("a.c4gh")):
        with pytest.raises(StoreRefused, match="can only be read"):
            write()
    assert [info.key for info in store.list()] == ["a.c4gh"]


def test_a_large_object_goes_in_parts_and_is_whole_at_the_receivers():
    data = bytes(range(253)) * 60_000
    source, _ = inline(encrypted(data, ARCHIVE))
    target, log = MemoryStore(), MemoryStore()
    view = ReencryptedStore(source, ARCHIVE.key, [PARTNER.public])
    stores = {"archive": view, "partner": target}
    resources = Resources(5 * MiB, Budget(64 * MiB, 4), LogCheckpoints(lambda: log))
    converge = Converge(
        stores.__getitem__,
        resources,
        Fuse(lambda route, most, wanted: wanted),
        Results(lambda task: ("", ""), lambda: datetime.now(timezone.utc)),
    ).one
    task = Task("dataset", "archive", "a.c4gh", "partner", "x/a.c4gh")
    assert converge(task, Deadline()).outcome is Outcome.COPIED
    assert decrypted(whole(target, "x/a.c4gh"), PARTNER) == data
    assert converge(task, Deadline()).outcome is Outcome.UNCHANGED
