"""The truth table of `decide`, line by line."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.core import stamp as stamps
from bucketrelay.core.decide import (
    ABSENT,
    ANOTHERS,
    COPY,
    DELETE,
    DELETED,
    ECHO,
    EQUAL,
    FOREIGN,
    KEPT,
    NOT_OURS,
    REPLACED,
    RIGHT,
    WON,
    WRITTEN,
    YIELDED,
    Rule,
    decide,
)
from bucketrelay.core.likeness import alike
from bucketrelay.core.metadata import fit
from bucketrelay.core.stamp import Link
from bucketrelay.model import Deletes, Meta, ObjectInfo, Overwrite
from bucketrelay.store import Abilities
from fakes import with_stamp

S, T, X, Y = "a" * 12, "b" * 12, "c" * 12, "d" * 12
LINK = Link(S, T)
NINE = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
OURS_ALONE = Overwrite.OURS


def written(etag, seconds=0, **meta):
    """What a user wrote."""
    return ObjectInfo("k", 3, etag, NINE + timedelta(seconds=seconds), meta=Meta(**meta))


def copied(info, source=S, target=T, etag="copy", seconds=50, **edited):
    """A copy of *info*, written *seconds* after nine; *edited* is what somebody has changed of its metadata since."""
    stamp = stamps.make(info, Link(source, target))
    meta, _ = fit(info.meta, Abilities(), stamp)
    return ObjectInfo("k", 3, etag, NINE + timedelta(seconds=seconds), meta=replace(meta, **edited))


def before(info, *hops, where=T):
    """A copy of *info* with a stamp of before 0.2."""
    stamp = stamps.Stamp(where, hops or (S,), info.size, stamps.when(info), info.etag)
    return with_stamp(ObjectInfo("k", 3, "old-copy", NINE + timedelta(seconds=50)), stamp)


FIRST, SECOND = written("1"), written("2", 10)
REWRITTEN = written("1", 10, content_type="a/b")
THEIRS, OLDER, NEWER = written("theirs", 5), written("theirs", -5), written("theirs", 20)
COPIED = copied(FIRST)
EDITED = copied(FIRST, content_type="edited/by-hand")
BACK = copied(THEIRS, T, S)  # the source is a copy of what the target holds
LATER = copied(SECOND, X, T)  # of another source
EARLIER = copied(written("x", -9), X, T)

LOW, HIGH = sorted((written("1"), written("2")), key=lambda info: stamps.origin(info, S, None).mark)

ANY, KEEP, FOLLOW = None, Rule(), Rule(Deletes.FOLLOW)
ORDERED, OURS = Rule(Deletes.FOLLOW, ordered=True), Rule(Deletes.FOLLOW, OURS_ALONE)
ASKED, SHARED = Rule(asked=True), Rule(Deletes.FOLLOW, ordered=True, shared=True)

TABLE = {
    "right: ours, of this very version": (FIRST, COPIED, ANY, RIGHT),
    "right: as a short answer tells": (replace(FIRST, size=-1, meta=Meta()), COPIED, ANY, RIGHT),
    "right: by a stamp of before 0.2": (FIRST, before(FIRST), ANY, RIGHT),
    "deleted: there, and the source is its copy": (BACK, None, ORDERED, DELETED),
    "copy: the routes do not meet": (BACK, None, FOLLOW, COPY),
    "copy: absent": (FIRST, None, ANY, COPY),
    "echo: what the source is a copy of": (BACK, THEIRS, ANY, ECHO),
    "echo: a stamp of before 0.2 from there": (before(FIRST, T, X, where=S), NEWER, ANY, ECHO),
    "echo: of the same origin by another way": (copied(FIRST, X, S), copied(FIRST, X, T), ANY, ECHO),
    "equal: of the same origin": (FIRST, copied(copied(FIRST, S, X), X, T), ANY, EQUAL),
    "copy: an edit of the metadata alone": (REWRITTEN, COPIED, ANY, COPY),
    "copy: ours, of another version": (SECOND, COPIED, ANY, COPY),
    "copy: ours, before 0.2, of another version": (SECOND, before(FIRST), ANY, COPY),
    "copy: ours, though its origin is newer by the second": (LOW, copied(HIGH), ORDERED, COPY),
    "copy: ours, shared, of what the source holds no more": (FIRST, copied(SECOND), SHARED, COPY),
    "yielded: ours, newer, where routes meet": (FIRST, copied(SECOND), ORDERED, YIELDED),
    "yielded: another source's, newer, shared": (FIRST, LATER, SHARED, YIELDED),
    "refuse: another source's": (SECOND, copied(FIRST, X, T), FOLLOW, ANOTHERS),
    "refuse: nobody's": (SECOND, THEIRS, OURS, FOREIGN),
    "refuse: edited": (SECOND, EDITED, OURS, FOREIGN),
    "replaced: nobody's": (FIRST, NEWER, FOLLOW, REPLACED),
    "replaced: edited": (FIRST, EDITED, FOLLOW, REPLACED),
    "replaced: carried along to another key": (SECOND, copied(FIRST, S, X), FOLLOW, REPLACED),
    "replaced: of another size": (SECOND, replace(COPIED, size=4), FOLLOW, REPLACED),
    "yielded: nobody's, newer": (FIRST, NEWER, ORDERED, YIELDED),
    "yielded: another source's, newer": (FIRST, LATER, ORDERED, YIELDED),
    "yielded: the source is an old copy of it": (copied(OLDER, T, S), NEWER, ANY, YIELDED),
    "yielded: of this second, by the mark": (LOW, HIGH, ORDERED, YIELDED),
    "won: of this second, by the mark": (HIGH, LOW, ORDERED, WON),
    "yielded: a later write of the same second there": (copied(HIGH, T, S), LOW, ORDERED, YIELDED),
    "won: nobody's, older": (FIRST, OLDER, ORDERED, WON),
    "won: another source's, older": (FIRST, EARLIER, ORDERED, WON),
    "copy: asked for, nobody's, newer": (FIRST, NEWER, ASKED, COPY),
    "copy: asked for, another source's": (SECOND, copied(FIRST, X, T), ASKED, COPY),
    "copy: asked for, though the source is an old copy of it": (copied(OLDER, T, S), NEWER, ASKED, COPY),
    "right: asked for, and there already": (FIRST, COPIED, ASKED, RIGHT),
    "copy: of this version by its stamp, and other bytes": (FIRST, COPIED, Rule(differs=True), COPY),
    "absent on both sides": (None, None, ANY, ABSENT),
    "kept: ours": (None, COPIED, KEEP, KEPT),
    "kept: nobody's": (None, THEIRS, KEEP, KEPT),
    "delete: ours": (None, COPIED, FOLLOW, DELETE),
    "delete: ours, through others": (None, copied(copied(FIRST, X, S), S, T), FOLLOW, DELETE),
    "delete: ours, before 0.2": (None, before(FIRST), FOLLOW, DELETE),
    "written: nobody's, where routes meet": (None, THEIRS, ORDERED, WRITTEN),
    "written: edited, where routes meet": (None, EDITED, ORDERED, WRITTEN),
    "not ours: nobody's": (None, THEIRS, FOLLOW, NOT_OURS),
    "not ours: edited": (None, EDITED, FOLLOW, NOT_OURS),
    "not ours: another source's": (None, copied(FIRST, X, T), FOLLOW, NOT_OURS),
    "not ours: another source's, shared": (None, copied(FIRST, X, T), ORDERED, NOT_OURS),
    "not ours: of ours, by way of another": (None, copied(copied(FIRST, S, X), X, T), FOLLOW, NOT_OURS),
    "not ours: carried along to another key": (None, copied(FIRST, S, X), FOLLOW, NOT_OURS),
}
ALL = [KEEP, FOLLOW, ORDERED, SHARED, OURS, Rule(ordered=True), Rule(overwrite=OURS_ALONE)]
ROWS = [
    pytest.param(source, target, rule, decision, id=f"{name} {number}")
    for name, (source, target, only, decision) in TABLE.items()
    for number, rule in enumerate([only] if only else ALL)
]


@pytest.mark.parametrize(("source", "target", "rule", "decision"), ROWS)
def test_each_row_of_the_truth_table(source, target, rule, decision):
    assert decide(source, target, LINK, rule) == decision


@pytest.mark.parametrize("rule", ALL)
@pytest.mark.parametrize("target", [NEWER, OLDER, EDITED, LATER, EARLIER])
def test_what_is_equal_is_not_written_again_whoever_wrote_it(target, rule):
    assert decide(FIRST, target, LINK, rule, equal=True) == EQUAL
    assert decide(SECOND, COPIED, LINK, rule, equal=True) == RIGHT


WRITES = [
    written("1"), written("2"), written("3", 1), written("4", 1, content_type="a/b"), written("5", 2),
]  # fmt: skip


@pytest.mark.parametrize("one", WRITES)
@pytest.mark.parametrize("other", WRITES)
def test_of_two_writes_both_ends_choose_the_same(one, other):
    forth = decide(one, other, Link(S, T), ORDERED)
    back = decide(other, one, Link(T, S), ORDERED)

    assert {forth, back} == ({EQUAL} if one is other else {WON, YIELDED})


@pytest.mark.parametrize("one", WRITES)
@pytest.mark.parametrize("other", WRITES)
def test_a_copy_is_as_old_as_the_write_that_its_bytes_come_from(one, other):
    """However late it was copied, and through whom."""
    mine = copied(copied(one, X, Y), Y, S, seconds=99)
    decision = decide(mine, other, LINK, ORDERED)

    assert decision == decide(one, other, LINK, ORDERED) or (one is other and decision == ECHO)


SUMS = {"md5": "900150983cd24fb0d6963f7d28e17f72"}
ETAG = SUMS["md5"]


@pytest.mark.parametrize(
    ("source", "target", "md5", "equal"),
    [
        ({"checksums": SUMS}, {"checksums": SUMS}, "", True),
        ({"checksums": SUMS}, {"checksums": {"md5": "kAFQmDzST7DWlj99KOF/cg=="}}, "", True),
        ({}, {"checksums": SUMS}, ETAG, True),
        ({}, {"checksums": SUMS}, "", False),
        ({"checksums": SUMS}, {"checksums": {"md5": "0" * 32}}, "", False),
        ({"checksums": SUMS | {"crc32": "AAAAAA=="}}, {"checksums": SUMS | {"crc32": "AAAAAQ=="}}, "", False),
        ({"etag": ETAG}, {"etag": ETAG}, "", True),
        ({"etag": f"{ETAG}-3"}, {"etag": f"{ETAG}-3"}, "", True),
        ({"etag": f"{ETAG}-3"}, {"etag": f"{ETAG}-4"}, "", False),
        ({}, {"etag": ETAG}, ETAG, True),
        ({"etag": "1"}, {"etag": "1"}, "", False),  # ETags are opaque: a number that both have happens
        ({"checksums": SUMS, "size": 4}, {"checksums": SUMS}, "", False),
        ({"checksums": SUMS, "meta": Meta("a/b")}, {"checksums": SUMS}, "", False),
        ({"checksums": SUMS, "meta": Meta("a/b")}, {"checksums": SUMS, "meta": Meta("a/b")}, "", True),
        ({"checksums": SUMS}, {"checksums": SUMS, "meta": Meta("binary/octet-stream")}, "", True),
        ({"checksums": SUMS}, {"checksums": SUMS, "meta": Meta(user={stamps.NAME: "1;old"})}, "", True),
        ({"checksums": SUMS}, {"checksums": SUMS, "meta": Meta(user={"a": "b"})}, "", False),
    ],
)
def test_what_two_stores_tell_shows_equal_objects_or_it_does_not(source, target, md5, equal):
    left, right = ({"size": 3, "etag": "x", **which} for which in (source, target))
    one, other = ObjectInfo("k", **left), ObjectInfo("k", **right)

    assert alike(one, other, one.meta, md5) is equal
