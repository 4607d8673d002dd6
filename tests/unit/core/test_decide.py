"""The truth table of `decide`, line by line."""

from dataclasses import replace

import pytest

from bucketrelay.core import stamp as stamps
from bucketrelay.core.decide import COPY, DELETE, ECHO, EQUAL, FOREIGN, KEPT, Link, decide
from bucketrelay.model import Deletes, Meta, ObjectInfo

LINK = Link("sssssssssssss"[:12], "tttttttttttt")
SOURCE = ObjectInfo("k", 3, "etag-1", version="v1")
NEWER = replace(SOURCE, etag="etag-2", version="v2")
SAME_ETAG_OTHER_VERSION = replace(SOURCE, version="v9")
THERE = ObjectInfo("k", 3, "target-etag")


def stamped(source: ObjectInfo, *hops: str, where: str = LINK.target, size: int = 3) -> ObjectInfo:
    made = stamps.Stamp(where, hops or (LINK.source,), size, stamps.when(source), source.etag)
    return stamps.stamped(THERE, made)


COPIED = stamped(SOURCE)
FROM_TARGET = stamps.stamped(SOURCE, stamps.Stamp(LINK.source, (LINK.target, "middlemiddle"), 3, "", "x"))
BY_SOMEBODY_ELSE = replace(THERE, meta=Meta(user={"a": "b"}))

TABLE = [
    # source, target, deletes, decision
    (FROM_TARGET, THERE, None, ECHO),
    (FROM_TARGET, None, None, ECHO),
    (FROM_TARGET, COPIED, None, ECHO),
    (SOURCE, COPIED, None, EQUAL),
    (SOURCE, None, None, COPY),
    (SOURCE, BY_SOMEBODY_ELSE, None, COPY),
    (NEWER, COPIED, None, COPY),
    (SAME_ETAG_OTHER_VERSION, COPIED, None, COPY),
    (SOURCE, stamped(SOURCE, "anothersrcid"), None, COPY),
    (SOURCE, stamped(SOURCE, where="anotherplace"), None, COPY),
    (SOURCE, stamped(SOURCE, size=4), None, COPY),
    (None, None, None, EQUAL),
    (None, COPIED, Deletes.KEEP, KEPT),
    (None, BY_SOMEBODY_ELSE, Deletes.KEEP, KEPT),
    (None, COPIED, Deletes.FOLLOW, DELETE),
    (None, stamped(SOURCE, "origin-origi", LINK.source), Deletes.FOLLOW, DELETE),
    (None, BY_SOMEBODY_ELSE, Deletes.FOLLOW, FOREIGN),
    (None, stamped(SOURCE, "anothersrcid"), Deletes.FOLLOW, FOREIGN),
    (None, stamped(SOURCE, LINK.source, "anothersrcid"), Deletes.FOLLOW, FOREIGN),
    (None, stamped(SOURCE, where="anotherplace"), Deletes.FOLLOW, FOREIGN),
]
ROWS = [
    pytest.param(source, target, rule, decision, id=f"{number}-{rule.value}-{decision.action.value}")
    for number, (source, target, deletes, decision) in enumerate(TABLE)
    for rule in ([deletes] if deletes else list(Deletes))
]


@pytest.mark.parametrize(("source", "target", "deletes", "decision"), ROWS)
def test_each_row_of_the_truth_table(source, target, deletes, decision):
    assert decide(source, target, LINK, deletes) == decision
