"""A golden object with everything on it, small and in parts, for every pair of stores: what differs is declared."""

import itertools
import math
from datetime import datetime, timezone

import pytest

from bucketrelay.core import stamp as stamps
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.metadata import fit
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.model import Deletes, Meta, Outcome, Task
from bucketrelay.store import CONTENT_HEADERS
from bucketrelay.testing.memory import MemoryStore

NAMES = ["local", "moto", "obs", "oci"]  # rclone keeps too little of an object for its difference to be declared
GOLDEN = Meta(
    content_type="text/plain; charset=utf-8",
    content_encoding="identity",
    content_language="de, en",
    content_disposition='attachment; filename="golden.txt"',
    cache_control="max-age=31536000, immutable",
    expires="Thu, 01 Dec 2033 16:00:00 GMT",
    user={"owner": "Ann", "note": "100% a=b;c", "city": "Zürich 中文 😀", "empty-not": "x"},
)
SIZES = {"empty": 0, "small": 1000, "parts": 10 * 1024 * 1024 + 1}  # OCI takes no smaller parts


# In parts each store is read from once and written to once; the other pairs of them are slow.
IN_PARTS = [("parts", pair) for pair in zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True)]


@pytest.mark.parametrize(
    ("source_name", "target_name", "size"),
    [
        pytest.param(*pair, size, marks=[] if size == "small" or (size, pair) in IN_PARTS else pytest.mark.slow)
        for pair in itertools.product(NAMES, NAMES)
        for size in SIZES
    ],
)
def test_what_a_copy_lacks_is_what_the_target_declares(request, source_name, target_name, size):
    source = request.getfixturevalue(f"{source_name}_rig").store("from/")
    target = request.getfixturevalue(f"{target_name}_rig").store("to/")
    body = bytes(range(251)) * (SIZES[size] // 251 + 1)
    source.put("a b/ü+1%.txt", body[: SIZES[size]], GOLDEN)
    info = source.look("a b/ü+1%.txt")
    log = MemoryStore()
    resources = Resources(8 * 1024 * 1024, Budget(64 * 1024 * 1024, 4), LogCheckpoints(lambda: log))
    stores = {"source": source, "target": target}
    results = Results(lambda task: ("", ""), lambda: datetime.now(timezone.utc))
    converge = Converge(stores.__getitem__, resources, Fuse(lambda route, most, wanted: wanted), results).one
    task = Task("r", "source", "a b/ü+1%.txt", "target", "b/ü+1%.txt", deletes=Deletes.FOLLOW)
    result = converge(task, Deadline(math.inf))

    copy = target.look("b/ü+1%.txt")
    stamp = stamps.parse(copy.meta.user[stamps.NAME])
    declared, lost = fit(info.meta, target.abilities, stamp)
    assert (result.outcome, result.degraded, result.error) == (Outcome.COPIED, lost, "")
    assert carried(copy.meta) == carried(declared)
    assert all(getattr(info.meta, name) == getattr(GOLDEN, name) for name in source.abilities.headers)
    assert info.meta.user == GOLDEN.user
    assert content(target, copy) == body[: SIZES[size]]
    assert converge(task, Deadline(math.inf)).outcome is Outcome.UNCHANGED
    for store in (source, target):
        close = getattr(store, "close", None)
        if close:
            close()


def carried(meta):
    """What a user sees of an object but its bytes, without our stamp."""
    return {name: getattr(meta, name) for name in CONTENT_HEADERS} | {"user": stamps.without(meta.user)}


def content(store, info):
    step = 8 * 1024 * 1024
    return b"".join(bytes(store.read(info, at, min(step, info.size - at))) for at in range(0, info.size, step))
