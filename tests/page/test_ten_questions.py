"""The ten questions of docs/status.md: each has its command, its metric and its place on the page; all say the same."""

import json
import re
import shlex
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bucketrelay import config, wiring, wiring_status
from bucketrelay.drivers.metrics import BOOKS, METRICS, OUTCOMES
from bucketrelay.reports.books import last_books
from page.conftest import CAUSES
from page.test_page import cells, follow, press

PAGE = (Path(__file__).parents[2] / "docs/status.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Ten questions\n")[2].partition("\n\n")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]


@pytest.fixture
def troubled(world):
    """Something copied, something that failed for two reasons, and books."""
    world.failed({CAUSES[0]: ["a", "b"], CAUSES[1]: ["c"]}, minutes=20)
    assert world.run("replay", "-q").exit_code == 0
    world.failed({CAUSES[0]: ["d", "e"], CAUSES[1]: ["f"]}, minutes=1)
    assert world.run("reconcile", "photos", "--check").exit_code == 1
    return world


def scraped(world):
    families = text_string_to_metric_families(world.client.get("/metrics").text)
    return {(each.name, *sorted(each.labels.items())): each.value for f in families for each in f.samples}


def sample(samples, name, **labels):
    return samples[(name, *sorted({"route": "photos", "target": "target", **labels}.items()))]


def without_database(world):
    settings = config.load((world.folder / "relay.toml").read_text(), {}, world.folder)
    with closing(wiring.system(settings, emit=lambda _: None)) as system:
        ([line], _) = wiring_status.survey(settings, system).lines(system.now() - timedelta(days=1))
    return line.members()


def test_there_are_ten():
    assert len({row[0] for row in ROWS}) == len(ROWS) == 10
    assert all(len(row) == 5 for row in ROWS)


def test_one_command_and_one_metric_and_one_place_answer_each(troubled):
    told = {name for name, *_ in scraped(troubled)}
    pages = "".join(troubled.client.get(address).text for address in ("/", "/?route=photos"))
    headings = set(re.findall(r"<h2[^>]*>([^<]+)</h2>", pages))

    for question, command, metric, place, clicks in ROWS:
        done = troubled.run(*shlex.split(re.match(r"`bucketrelay ([^`]+)`", command)[1]))
        assert done.exit_code in (0, 1), (question, done.output)  # 1: something failed, differs, or an alarm is up
        assert done.exception is None or isinstance(done.exception, SystemExit), question
        assert done.stdout.strip(), question
        for member in re.findall(r": `(\w+)`", command):
            assert member in json.loads(done.stdout.splitlines()[0]), question
        names = set(re.findall(r"`(bucketrelay_\w+)`", metric))
        assert names, question
        assert names <= set(METRICS) & told, question
        assert set(re.findall(r"\*([^*]+)\*", place)) <= headings, question
        assert int(clicks) <= 2, question


def test_two_clicks_do_it_again_and_one_shows_the_objects_of_a_cause(troubled):
    page = troubled.client.get("/").text
    [address] = re.findall(rf'<a href="\./(\?[^"]+)">{re.escape(CAUSES[0])}</a>', page)
    assert "The objects (2)" in cells(troubled.client.get("/" + address.replace("&amp;", "&")).text)

    said = press(troubled, follow(troubled, page, "redo these 2"))
    troubled.worked()

    assert "2 objects: job" in said
    assert {"d", "e"} <= troubled.copies()
    assert "f" not in troubled.copies()


def test_books_status_metrics_and_page_tell_the_same_numbers(troubled):
    (books,) = last_books(troubled.store("logs"), "photos")
    (line,) = map(json.loads, troubled.run("status", "--json").stdout.splitlines())
    samples = scraped(troubled)
    page = cells(troubled.client.get("/").text)

    # The command asked the database; whoever has none reads the lists.
    assert without_database(troubled) | {"behind": 0} == line | {"behind": 0}
    # Books: a, b and c were copied by the replay, d, e and f are missing.
    assert (books["right"], books["missing"]) == (3, 3)
    assert line["books"] == json.loads(json.dumps(books))
    counts = {kind: books[kind] for kind in BOOKS if kind in books}
    assert {kind: sample(samples, "bucketrelay_books_objects", kind=kind) for kind in counts} == counts
    assert re.search(r"UTC: 3 right, 3 missing\b", page)
    # Tasks, as far as the lists say.
    assert {name: sample(samples, "bucketrelay_tasks_total", outcome=name) for name in OUTCOMES} == {
        name: line[name] for name in OUTCOMES
    }
    assert sample(samples, "bucketrelay_copied_bytes_total") == line["bytes"]
    assert sample(samples, "bucketrelay_waiting_objects") == line["waiting"] == 3
    assert {cause: sample(samples, "bucketrelay_failures_total", cause=cause) for cause in line["causes"]} == line[
        "causes"
    ]
    assert line["causes"] == {CAUSES[0]: 4, CAUSES[1]: 2}
    row = re.search(r"(?:greatest [\d.]+ s|no lag measured) (\d+) (\d+) (\d+) (\d+) ", page)
    assert [int(each) for each in row.groups()] == [line["copied"], line["deleted"], line["failed"], line["waiting"]]
    assert "3 waiting" in page
