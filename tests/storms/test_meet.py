"""What is wrong with routes that meet is found out: the judge of the storms, without a storm."""

from types import SimpleNamespace

import pytest

from storms.course import Version
from storms.lanes import meetings
from storms.meet import _Look

KEY = "k"
LANES = {(lane.kind, lane.deletes, lane.source): lane for lane in reversed(meetings(("s3", "obs", "oci")))}


def state(number):
    return [f"md5 {number}", {}, {"number": str(number)}]


def judged(lane, held, written, deletes=(), words=()):
    """*held*: by end, the number of the write that it holds; *written*: the end and the second of each write."""
    versions = {
        str(number): Version(KEY, "put", lane.ends[end], second, state(number))
        for number, (end, second) in enumerate(written, start=1)
    }
    plan = SimpleNamespace(lane=lane, writes=[SimpleNamespace(size=1)])
    course = SimpleNamespace(
        plan=plan, versions=versions, deletes=[(KEY, lane.ends[end], second) for end, second in deletes]
    )
    states = {end: state(number) if number else None for end, number in zip(lane.ends, held, strict=True)}
    look = _Look(course, KEY, states, words)
    return " ".join(look.complaints()), look.excused


FACING, RING = LANES["facing", "follow", "s3"], LANES["ring", "follow", "s3"]
OBS_FIRST = next(lane for lane in meetings(("obs", "s3", "oci")) if lane.kind == "facing")
SHARED, SHARED_KEEP, DIAMOND = (
    LANES["shared", "follow", "obs"],
    LANES["shared", "keep", "obs"],
    LANES["diamond", "follow", "s3"],
)


@pytest.mark.parametrize(
    ("lane", "held", "written", "deletes", "wrong"),
    [
        pytest.param(FACING, (2, 2), [(0, 1), (1, 2)], [], "", id="the newest"),
        pytest.param(FACING, (1, 1), [(0, 1), (0, 2)], [], "newest write is not everywhere", id="an older one"),
        pytest.param(FACING, (1, 2), [(0, 1), (1, 1)], [], "ends differ", id="swapped"),
        pytest.param(FACING, (1, 1), [(0, 1), (1, 1)], [], "", id="of one second, either"),
        pytest.param(FACING, (1, 0), [(0, 1)], [], "an end is missing", id="missing"),
        pytest.param(FACING, (1, 0), [(0, 1)], [(1, 2)], "", id="deleted there"),
        pytest.param(FACING, (2, 0), [(0, 1), (0, 3)], [(1, 2)], "newest write", id="written after the delete"),
        pytest.param(FACING, (7, 7), [(0, 1)], [], "nobody wrote", id="mixed"),
        pytest.param(RING, (2, 2, 1), [(0, 1), (1, 2)], [], "ends differ", id="ring"),
        pytest.param(RING, (2, 0, 1), [(2, 1), (0, 2)], [(1, 3)], "", id="a ring with a gap carries nothing across"),
        pytest.param(SHARED, (1, 2, 2), [(0, 1), (2, 2)], [], "", id="shared"),
        pytest.param(SHARED, (1, 1, 2), [(0, 1), (2, 2)], [], "not the newest of its sources", id="shared, older"),
        pytest.param(SHARED, (0, 1, 2), [(0, 1), (2, 2)], [(0, 3)], "what no source has", id="shared, gone"),
        pytest.param(SHARED_KEEP, (0, 1, 2), [(0, 1), (2, 2)], [(0, 3)], "", id="shared, kept"),
        pytest.param(DIAMOND, (1, 1, 1, 1), [(0, 1)], [], "", id="diamond"),
        pytest.param(DIAMOND, (1, 1, 0, 1), [(0, 1)], [], "is not as", id="diamond, one side missing"),
        pytest.param(DIAMOND, (2, 1, 2, 2), [(0, 1), (0, 2)], [], "is neither as", id="diamond, one side older"),
        pytest.param(DIAMOND, (1, 2, 1, 1), [(0, 1), (1, 2)], [], "not the newest", id="diamond, written at two ends"),
    ],
)
def test_what_is_wrong_is_found(lane, held, written, deletes, wrong):
    complaints, excused = judged(lane, held, written, deletes)

    assert (wrong in complaints) if wrong else not complaints
    assert not excused


def test_a_users_write_that_an_obs_bucket_lost_is_counted_and_no_difference():
    assert judged(OBS_FIRST, (2, 2), [(0, 3), (1, 2)]) == ("", True)
    assert judged(OBS_FIRST, (1, 1), [(0, 2), (1, 3)])[1] is False
