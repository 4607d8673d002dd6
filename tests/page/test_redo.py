"""Two hundred failures of four causes, of which one is mended: by the page, by the API, by the command."""

import json
import os
import pwd
import re
from datetime import datetime, timedelta, timezone

import pytest

from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Meta
from bucketrelay.reports import acts, lists
from bucketrelay.reports.reader import Reader
from page.conftest import CAUSES
from page.test_page import cells, follow, press

COUNTS = dict(zip(CAUSES, (37, 100, 50, 13), strict=True))
MENDED = CAUSES[0]


@pytest.fixture
def hundreds(world):
    """All of them in one list, in turn; the page has seen them."""
    keys = {cause: [f"{count}/{n}" for n in range(count)] for cause, count in COUNTS.items()}
    for key in keys[MENDED]:
        world.store("source").put(key, key.encode(), Meta())
    world.failed(keys, objects=False)
    assert "200 waiting" in cells(world.client.get("/").text)
    return world


def test_a_number_of_thousands_can_be_read(world):
    world.failed({MENDED: [f"{n}" for n in range(1000)]}, objects=False)

    assert "1,000 waiting" in cells(world.client.get("/").text)


def by_page(world):
    press(world, follow(world, world.client.get("/").text, "redo these 37"))
    world.worked()
    return "somebody on 127.0.0.1"


def by_api(world):
    answer = world.client.post("/replay", json={"route": "photos", "cause": MENDED})
    assert answer.status_code == 202
    world.worked()
    return "somebody on 127.0.0.1"


def by_command(world):
    done = world.run("replay", "--cause", MENDED)
    assert done.exit_code == 0, done.output
    return f"{pwd.getpwuid(os.getuid()).pw_name}@"


def failed_lines(world):
    log = world.store("logs")
    return [line for info in log.list(lists.FAILED) for line in bytes(log.fetch(info.key, 1 << 24).body).splitlines()]


@pytest.mark.parametrize("redo", [by_page, by_api, by_command])
def test_exactly_the_failures_of_one_cause_are_done_again_and_the_others_stay_byte_for_byte(hundreds, redo):
    others = [line for line in failed_lines(hundreds) if MENDED.encode() not in line]
    who = redo(hundreds)

    assert hundreds.copies() == {f"37/{n}" for n in range(37)}
    assert len(others) == 163
    assert failed_lines(hundreds) == others
    [act] = map(json.loads, hundreds.acts())
    assert act["who"].startswith(who)
    assert (act["what"], act["count"], act["filter"]["cause"]) == ("redo", 37, MENDED)
    shown = cells(hundreds.client.get("/").text)
    assert "163 waiting" in shown
    assert re.search(rf"{who}\S*: redo 37 .*cause {re.escape(MENDED)}", shown)


@pytest.mark.parametrize("redo", [by_api, by_command])
def test_each_failure_is_counted_once_by_who_has_seen_it_before_and_by_who_has_not(hundreds, redo):
    redo(hundreds)
    seen = hundreds.client.get("/metrics").text
    log, since = hundreds.store("logs"), datetime.now(timezone.utc) - timedelta(days=1)

    assert sum(not result.ok for result in Reader(log, since).fresh()) == 200
    assert re.search(r'bucketrelay_tasks_total\{[^}]*outcome="failed"[^}]*\} 200\.0', seen)


def test_what_is_left_of_a_list_can_be_done_again_by_another_cause(hundreds):
    by_command(hundreds)
    left = [line for line in failed_lines(hundreds) if CAUSES[3].encode() not in line]
    for n in range(13):
        hundreds.store("source").put(f"13/{n}", b"1", Meta())
    assert hundreds.run("replay", "--route", "photos", "--cause", CAUSES[3]).exit_code == 0

    assert failed_lines(hundreds) == left
    assert len(left) == 150
    assert sorted(json.loads(act)["count"] for act in hundreds.acts()) == [13, 37]


def test_a_cause_that_nothing_failed_of_is_one_line_with_those_that_there_are(hundreds):
    before = failed_lines(hundreds)
    done = hundreds.run("replay", "--cause", "503")

    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("bucketrelay: --cause 503: nothing failed of this cause; there are: ")
    assert all(repr(cause) in line for cause in CAUSES)
    assert failed_lines(hundreds) == before
    assert hundreds.acts() == []


def test_a_dry_run_shows_the_same_ones_and_is_no_deed(hundreds):
    done = hundreds.run("--json", "replay", "--cause", MENDED, "--dry-run")

    assert {json.loads(line)["key"] for line in done.stdout.splitlines()} == {f"37/{n}" for n in range(37)}
    assert hundreds.acts() == []


def test_go_is_for_all_that_a_fuse_holds(world):
    done = world.run("replay", "--route", "photos", "--go", "--cause", MENDED)

    assert done.exit_code == 2
    assert "leave --cause out" in done.stderr


def test_commands_that_change_something_are_in_the_same_log(world):
    world.failed({MENDED: ["gone"]}, objects=False)
    for words in (
        ("pause", "photos"),
        ("resume", "photos"),
        ("queue", "pause"),
        ("queue", "resume"),
        ("replay", "--route", "photos", "--forget"),
        ("replay", "--route", "photos", "--go"),
        ("queue", "retry", "--all"),  # nothing is dead: nothing is done
    ):
        world.run(*words)
    assert world.client.post("/reconcile/photos").status_code == 202

    told = acts.last(world.store("logs"), datetime.now(timezone.utc))
    assert [(act["what"], act["filter"]) for act in reversed(told)] == [
        ("pause", {"route": "photos"}),
        ("resume", {"route": "photos"}),
        ("pause", {"queue": "all"}),
        ("resume", {"queue": "all"}),
        ("forget", {"route": "photos"}),
        ("go", {"route": "photos"}),
        ("reconcile", {"route": "photos"}),
    ]
    assert [act["count"] for act in reversed(told)] == [None, None, None, None, 1, 0, None]


def test_a_deed_that_cannot_be_written_down_is_not_done(hundreds, monkeypatch):
    put = LocalStore.put

    def refuse(store, key, *more, **named):
        if key.startswith(acts.FOLDER):
            raise StoreUnavailable("503: the log store takes no more")
        return put(store, key, *more, **named)

    monkeypatch.setattr(LocalStore, "put", refuse)
    before = failed_lines(hundreds)

    assert hundreds.run("replay", "--cause", MENDED).exit_code == 1
    assert hundreds.client.post("/replay", json={"cause": MENDED}).status_code == 503
    assert hundreds.run("queue", "pause").exit_code == 1
    assert hundreds.copies() == set()
    assert failed_lines(hundreds) == before
    assert json.loads(hundreds.run("--json", "queue", "status").stdout)["paused"] is False


def test_on_the_first_of_a_month_the_last_month_is_shown_as_well(world):
    log, new_year = world.store("logs"), datetime(2027, 1, 1, 0, 0, 5, tzinfo=timezone.utc)
    for seconds, what in ((10, "retry"), (1, "redo")):
        acts.write_down(log, acts.Act(new_year - timedelta(seconds=seconds), "ann", what, {}, 1))

    assert [act["what"] for act in acts.last(log, new_year)] == ["redo", "retry"]
