"""Heartbeats in virtual time: what they measure, what they leave behind, and what they never touch."""

import json
from dataclasses import replace

import pytest

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.heartbeat import heartbeats
from bucketrelay.drivers.status import Thresholds
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Deletes
from bucketrelay.reports.heartbeats import FOLDER
from bucketrelay.routes.probes import is_probe, probe_key
from observed.world import CLUMSY, LOG, START, Faults, World, route

HOUR, MINUTE = 3600.0, 60.0


def lines(world, **more):
    """What status says, by target."""
    survey = replace(world.survey(), **more)
    return {line.standing.target: line for line in survey.lines(START)[0]}


def probes(world):
    """The heartbeats' objects that lie about, by store."""
    lying = {name: [key for key in store.keys() if is_probe(key)] for name, store in world.stores.items()}
    return {name: keys for name, keys in lying.items() if keys}


def heard(world, target):
    return lines(world)[target].heartbeat


def test_a_quiet_route_that_works_is_told_from_one_that_does_not():
    world = World(1, (route("photos", "a", "b", "c", deletes=Deletes.FOLLOW, probe=300.0),), every=300.0)
    world.sleep(HOUR)
    limit = Thresholds(probe=900.0)

    before = lines(world, thresholds=limit)
    world.outage("c", HOUR)
    world.sleep(HOUR - MINUTE)
    after = lines(world, thresholds=limit)

    assert [line.alarms for line in before.values()] == [(), ()]
    assert [line.alarms for line in after.values()] == [(), ("probe",)]  # the other target's are measured all the same
    assert after["b"].silence < 2 * 300 + 20
    assert after["c"].silence > HOUR - 400


def test_it_measures_what_the_stores_remember():
    world = World(2, (route("photos", "a", "b", deletes=Deletes.FOLLOW, probe=300.0),), every=300.0)
    key = probe_key(world.routes[0])

    for _ in range(10):
        world.sleep(330.0)
        beat = heard(world, "b")
        history = world.stores["b"].history[key]
        begun = (beat.time - world.now()).total_seconds() + world.seconds
        came = next(state.since for state in history if state.since >= begun and state.held)
        removed = next(s.since for s in world.stores["a"].history[key] if s.since >= begun and s.held is None)
        gone = next(state.since for state in history if state.since >= removed and state.held is None)

        assert beat.created == pytest.approx(came - begun, abs=1.1)
        assert beat.deleted == pytest.approx(gone - removed, abs=1.1)
    assert probes(world) == {}


def test_a_route_that_keeps_is_cleaned_by_the_heartbeat_itself():
    world = World(3, (route("photos", "a", "b", probe=300.0),), every=300.0)
    world.sleep(330.0)

    beat = heard(world, "b")

    assert (beat.created > 0, beat.deleted) == (True, None)
    assert probes(world) == {}


@pytest.mark.parametrize("kind", [{}, CLUMSY])
@pytest.mark.parametrize("deletes", list(Deletes))
def test_in_rings_and_chains_it_goes_no_further_than_its_own_target(deletes, kind):
    ring = [
        route(f"{source}{target}", source, target, deletes=deletes, probe=300.0)
        for source, target in ("ab", "bc", "ca", "cd")
    ]
    world = World(4, tuple(ring), every=300.0, kinds=dict.fromkeys("abcd", kind))
    keys = {each.name: probe_key(each) for each in world.routes}
    world.sleep(HOUR)

    assert probes(world) == {}
    for each in world.routes:
        places = {name for name, store in world.stores.items() if keys[each.name] in store.history}
        assert places == {each.source_store, *each.targets}
    assert all(line.heartbeat and line.silence < 400 for line in lines(world).values())


def test_it_is_in_no_list_no_count_no_fuse_and_asks_the_fuse_nothing():
    world = World(5, (route("photos", "a", "b", deletes=Deletes.FOLLOW, max_deletes=1, probe=300.0),), every=300.0)
    world.sleep(HOUR)

    line = lines(world)["b"]
    assert line.heartbeat
    assert (line.standing.copied, line.standing.deleted, line.standing.unchanged, line.standing.lag.max) == (
        0,
        0,
        0,
        None,
    )
    assert [key for key in world.stores[LOG].keys() if not key.startswith(FOLDER)] == []


def test_books_and_barriers_do_not_see_one_that_is_under_way():
    from bucketrelay.drivers.reconcile import order
    from bucketrelay.drivers.reconcile.compare import pairs, side

    world = World(6, (route("photos", "a", "b", deletes=Deletes.FOLLOW, probe=300.0),), every=0)
    world.write("a", "k")
    world.sleep(10)
    system = world.system()
    assert heartbeats(system, Deadline(now=lambda: world.seconds), patience=0.0) == []
    assert list(probes(world)) == ["a"]
    reconciled = order.world(system)

    seen = [pair.rest for pair in pairs(side(reconciled.store("a"), ""), side(reconciled.store("b"), ""))]

    assert seen == ["k"]


def test_while_a_route_rests_none_is_begun_and_nothing_alarms():
    world = World(7, (route("photos", "a", "b", probe=300.0),), every=300.0)
    world.sleep(330.0)
    rests, usual = ["it is paused"], world.system
    world.system = lambda: replace(usual(), rests=lambda _: rests[0])
    world.sleep(3 * HOUR)

    line = lines(world, thresholds=Thresholds(probe=900.0))["b"]
    assert line.silence > 3 * HOUR - 300
    assert line.alarms == ()
    assert len(world.stores["a"].history[probe_key(world.routes[0])]) == 2  # it came, and went
    rests[0] = ""
    world.sleep(330.0)
    assert heard(world, "b").time != line.heartbeat.time


def test_what_a_killed_process_has_left_is_the_next_one_s():
    world = World(8, (route("photos", "a", "b", deletes=Deletes.FOLLOW, probe=300.0),), every=300.0)
    world.faults = Faults(killed=3.0)
    world.sleep(4 * HOUR)
    world.quiet = True
    world.sleep(900.0)

    assert probes(world) == {}
    assert lines(world)["b"].silence < 400


def test_after_the_filters_were_changed_nothing_lies_about_under_the_former_name():
    world = World(9, (route("photos", "a", "b", probe=300.0),), every=0)
    heartbeats(world.system(), Deadline(), patience=0.0)
    world.sleep(10)
    assert sorted(probes(world)) == ["a", "b"]
    world.routes = (replace(world.routes[0], include=("in/**",), add_prefix="to/"),)
    world.sleep(300.0)

    heartbeats(world.system(), Deadline(now=lambda: world.seconds))

    assert probes(world) == {}
    assert any(key.startswith("to/in/") for key in world.stores["b"].history)


def test_a_source_that_takes_no_write_is_said_and_the_others_have_theirs():
    world = World(10, (route("one", "a", "b", probe=300.0), route("two", "c", "d", probe=300.0)), every=0)
    world.stores["a"].fail("put", StoreRefused("s3://a: 403: grant s3:PutObject"), times=99)

    problems = heartbeats(world.system(), Deadline(now=lambda: world.seconds))

    assert problems == ["heartbeat of route one: s3://a: 403: grant s3:PutObject"]
    assert heard(world, "d")
    assert not heard(world, "b")


def test_a_user_s_object_of_the_same_folder_is_nobody_s_probe_and_is_replicated():
    world = World(11, (route("photos", "a", "b", deletes=Deletes.FOLLOW, probe=300.0),), every=300.0)
    for key in (".bucketrelay-probe/notes.txt", ".bucketrelay-probe", "x.bucketrelay-probe-2026"):
        world.write("a", key)
    world.sleep(HOUR)

    assert sorted(world.stores["b"].keys()) == sorted(world.stores["a"].keys())
    assert len(world.stores["a"].keys()) == 3


def test_two_processes_at_once_have_one_between_them():
    world = World(12, (route("photos", "a", "b", probe=300.0),), every=0)
    with_another = world.system()
    world.later(0.001, lambda: heartbeats(world.system(), Deadline(now=lambda: world.seconds)))

    heartbeats(with_another, Deadline(now=lambda: world.seconds))
    world.sleep(60)

    assert probes(world) == {}
    states = world.stores["a"].history[probe_key(world.routes[0])]
    assert [state.held is not None for state in states] == [True, False]


def test_a_mark_that_somebody_has_spoilt_is_named():
    world = World(13, (route("photos", "a", "b", probe=300.0),), every=0)
    world.stores[LOG].write(f"{FOLDER}photos.json", json.dumps([1]).encode())

    [problem] = heartbeats(world.system(), Deadline())

    assert "remove it, and heartbeats begin anew" in problem
    assert heard(world, "b") is None


def test_a_mark_that_names_a_user_s_object_removes_nothing():
    world = World(14, (route("photos", "a", "b", probe=300.0),), every=0)
    for name in ("a", "b"):
        world.stores[name].write("mine", b"1")
    heartbeats(world.system(), Deadline(), patience=0.0)
    mark = json.loads(world.stores[LOG].body(f"{FOLDER}photos.json"))
    world.stores[LOG].write(f"{FOLDER}photos.json", json.dumps(mark | {"key": "mine", "target_key": "mine"}).encode())
    world.sleep(HOUR)

    [problem] = heartbeats(world.system(), Deadline())

    assert "not what was written there" in problem
    assert (world.stores["a"].body("mine"), world.stores["b"].body("mine")) == (b"1", b"1")
