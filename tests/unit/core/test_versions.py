"""What tells two versions of one object apart, for the stamp that a copy carries."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from bucketrelay.core import stamp as stamps
from bucketrelay.model import ObjectInfo

SECOND = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)
PLAIN = ObjectInfo("k", 3, "etag", SECOND)
VERSIONED = replace(PLAIN, version="v1")


@pytest.mark.parametrize("known", [PLAIN, VERSIONED], ids=["plain", "versioned"])
@pytest.mark.parametrize(
    "changed",
    [{"etag": "another"}, {"size": 4}, {"version": "v2"}],
    ids=lambda changed: next(iter(changed)),
)
def test_each_of_them_alone_makes_another_version(known, changed):
    stamp = stamps.make(known, stamps.Link("source-id-00", "target-id-00"))

    assert stamp.describes(known)
    assert not stamp.describes(replace(known, **changed))
