"""A few storms with every change; a larger number is slow, and 10,000 of them are `make storms`."""

from collections import Counter, defaultdict

import pytest

from storms import meet
from storms.__main__ import main
from storms.compare import check_by_rclone, differences
from storms.lanes import lanes, meetings
from storms.plan import storm
from storms.wave import Wave
from storms.world import World

CLOUDS = ("s3", "obs", "oci")
KNOWN = (*lanes(CLOUDS), *meetings(CLOUDS))
SOME = range(1, 801)


@pytest.fixture(scope="module")
def world():
    with World(CLOUDS, environments=2) as standing:
        yield standing


@pytest.fixture(scope="module")
def plans():
    return [storm(seed, KNOWN) for seed in SOME]


@pytest.mark.slow  # over a minute, which every run of the tests had to wait for
def test_after_storms_every_target_is_as_its_source_and_what_is_not_is_found(world):
    plan = storm(1, KNOWN)
    refused = {"status": 403, "operation": "HeadObject", "key": "*/storm-*"}  # what it is for fails, and comes again
    world.remotes[plan.lane.targets[-1]].call("rage", plan.name, [refused])
    wave = Wave(world, 12)
    wave.run(range(1, 13))

    assert differences(world) == []
    assert meet.differences(world, list(wave.courses.values()), meet.dumps(world), Counter()) == []
    counts = world.counts()
    assert counts["faults"] >= 13  # each storm meets one, see `plan._sure`
    assert counts["deliveries again"] > 0

    key = "s3-to-oci-follow/nobody is told.txt"
    world.writers.of("s3").put(key, b"new", {"content_type": "text/plain", "user": {}})

    assert differences(world) == [f"oci: {key!r} is missing"]
    equal, said = check_by_rclone(world)  # the rest is equal
    assert equal >= 12
    assert any("nobody is told.txt" in line for line in said)
    assert all(line.startswith("rclone, s3 to oci: ") for line in said)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_four_hundred_storms(tmp_path):
    assert main(["--storms", "400", "--seed", "100000", "--wave", "200", "--keep", str(tmp_path)]) == 0


def test_a_number_makes_the_same_storm_each_time(plans):
    assert [storm(seed, KNOWN) for seed in SOME] == plans


def test_storms_come_from_and_to_every_cloud_with_every_deed_and_fault(plans):
    assert {plan.lane for plan in plans} == set(KNOWN)
    assert {write.deed for plan in plans for write in plan.writes} == {"put", "parts", "meta", "edit", "delete"}
    assert len({order.fault.get("kind", order.fault.get("status")) for plan in plans for order in plan.orders}) >= 14
    assert max(write.size for plan in plans for write in plan.writes) > 6_000_000


def test_of_meeting_routes_alone_every_storm_is_one_over_all_of_them():
    only = meetings(CLOUDS)

    assert {storm(seed, only).lane for seed in SOME} == set(only)


def test_no_two_versions_of_a_key_have_the_same_bytes_unless_they_are_empty(plans):
    for plan in plans:
        bodies = defaultdict(list)
        for write in plan.writes:
            if write.deed in ("put", "parts") and write.size:
                assert len(write.body) == write.size
                bodies[write.key].append(write.body)
        assert all(len(set(those)) == len(those) for those in bodies.values())
