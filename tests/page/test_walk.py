"""The ten questions, answered by a person at a browser: from `/`, with two clicks at most, with and without scripts.

Each answer is compared with what the command of docs/status.md prints and what its metric says.
"""

import json
import re
from datetime import datetime, timezone

import pytest

from bucketrelay.reports.books import last_books
from page.conftest import CAUSES, Server, World, click
from page.test_ten_questions import ROWS, sample, scraped

pytestmark = pytest.mark.slow


@pytest.fixture
def troubled(tmp_path):
    """Three copies with a lag, a night before; failures of two causes since; books that say what is missing."""
    world = World(tmp_path)
    world.copied({"a": 1.5, "b": 2.5, "c": 40.0}, minutes=300)
    world.failed({CAUSES[0]: ["d", "e"], CAUSES[1]: ["f"]}, minutes=25)
    assert world.run("reconcile", "photos", "--check").exit_code == 1
    with Server(world) as server:
        import httpx

        with httpx.Client(base_url=server.url, timeout=30, trust_env=False, verify=False) as client:
            world.client, world.url = client, server.url
            yield world


class Person:
    """Sits at a browser, and begins at the first page."""

    def __init__(self, browser, world):
        self.browser, self.world, self.clicks = browser, world, 0
        browser.get(world.url)

    def click(self, words):
        click(self.browser, words)
        self.clicks += 1

    def section(self, heading):
        for each in self.browser.find_elements("css selector", "section"):
            if each.find_element("css selector", "h2").text.startswith(heading):
                return each.text
        raise AssertionError(f"{heading!r}: no such heading")

    def cell(self, label):
        return self.browser.find_element("css selector", f"#routes ~ .wide [data-label='{label}']").text


def status(world):
    (line,) = map(json.loads, world.run("status", "--json").stdout.splitlines())
    return line


def minutes(words):
    return int(re.search(r"(\d+) min behind", words)[1])


def is_behind(person, world):
    waiting = int(re.search(r"(\d+) waiting", person.cell("state"))[1])
    assert waiting == status(world)["waiting"] == sample(scraped(world), "bucketrelay_waiting_objects") == 3


def how_far(person, world):
    by_metric = sample(scraped(world), "bucketrelay_behind_seconds")
    assert abs(minutes(person.cell("state")) - status(world)["behind"] / 60) < 2
    assert abs(status(world)["behind"] - by_metric) < 120


def since_when(person, world):
    # The picture shows the failures where they began; the state says how long ago that is.
    oldest = datetime.fromisoformat(status(world)["oldest"].replace("Z", "+00:00"))
    ago = (datetime.now(timezone.utc) - oldest).total_seconds() / 60
    assert abs(minutes(person.cell("state")) - ago) < 2
    bars = person.browser.find_elements("css selector", "svg.lag rect.bad")
    assert len(bars) == 1
    place = float(bars[0].get_attribute("x")) / 240 * 24 * 60
    assert abs(24 * 60 - place - ago) < 15


def what_failed_and_why(person, world):
    person.click(CAUSES[0])
    objects = person.section("The objects")
    assert "The objects (2)" in objects
    assert re.findall(r"^(?:key )?([def])\b", objects, re.MULTILINE) == ["d", "e"]
    failed = sample(scraped(world), "bucketrelay_failures_total", cause=CAUSES[0])
    assert status(world)["causes"][CAUSES[0]] == failed == 2


def whose_fault(person, world):
    text = person.section("What is not right yet, by cause")
    for cause, count in status(world)["causes"].items():
        assert cause in text
        assert sample(scraped(world), "bucketrelay_failures_total", cause=cause) == count


def do_it_again(person, world):
    person.click("redo these 2")
    person.click("redo 2")
    assert "2 objects: job" in person.browser.find_element("css selector", "[role=status]").text
    world.worked()
    assert {"d", "e"} <= world.copies()
    assert "f" not in world.copies()
    assert status(world)["waiting"] == sample(scraped(world), "bucketrelay_waiting_objects") == 1


def is_it_all_there(person, world):
    (books,) = last_books(world.store("logs"), "photos")
    right, missing = map(int, re.search(r"(\d+) right, (\d+) missing", person.cell("last books")).groups())
    assert (right, missing) == (books["right"], books["missing"])
    told = scraped(world)
    assert [sample(told, "bucketrelay_books_objects", kind=kind) for kind in ("right", "missing")] == [right, missing]


def was_it_there_at_nine(person, world):
    time = datetime.strptime(person.cell("last books")[:19] + "+0000", "%Y-%m-%d %H:%M:%S%z")
    assert time.timestamp() == int(sample(scraped(world), "bucketrelay_books_time_seconds"))
    assert time.strftime("%Y%m%dT%H%M%S") == status(world)["books"]["time"][:15]


def what_does_a_backfill_cost(person, world):
    (line,) = map(json.loads, world.run("estimate", "photos", "--json").stdout.splitlines())
    person.click("photos")
    person.click("count what a backfill takes")
    world.worked()
    person.browser.refresh()
    cells = person.browser.find_elements("css selector", "#estimate ~ .wide tbody td")
    copies, deletes, size, requests = (int(each.text.rsplit(" ", 1)[-1].replace(",", "")) for each in cells[:4])
    assert (copies, deletes, size) == (line["copies"], line["deletes"], line["bytes"])
    assert requests == line["total"]
    assert copies == sample(scraped(world), "bucketrelay_books_objects", kind="missing")


def what_did_the_night_do(person, world):
    (line,) = map(json.loads, world.run("status", "photos", "--since", "12h", "--json").stdout.splitlines())
    told = scraped(world)
    for label, outcome in (("copied", "copied"), ("deleted", "deleted"), ("failed", "failed")):
        number = int(person.cell(label).rsplit(" ", 1)[-1])
        assert number == line[outcome] == sample(told, "bucketrelay_tasks_total", outcome=outcome)
    assert "median 2.5 s, 99 % 40 s, greatest 40 s" in person.cell("lag, the last day")
    assert line["lag"] == {"p50": 2.5, "p99": 40.0, "max": 40.0}


ANSWERS = {
    "Is it behind?": is_behind,
    "How far?": how_far,
    "Since when?": since_when,
    "What failed, and why?": what_failed_and_why,
    "Whose fault is it, and what helps?": whose_fault,
    "Do it again": do_it_again,
    "Is it all there?": is_it_all_there,
    "Was it there at nine o'clock?": was_it_there_at_nine,
    "What will a backfill cost?": what_does_a_backfill_cost,
    "What did the night do?": what_did_the_night_do,
}


def test_each_question_of_the_page_of_docs_is_walked():
    assert list(ANSWERS) == [row[0] for row in ROWS]


@pytest.mark.parametrize("question", ANSWERS)
def test_a_person_has_the_answer_with_two_clicks(browser, troubled, question):
    person = Person(browser, troubled)
    ANSWERS[question](person, troubled)

    clicks = next(int(row[4]) for row in ROWS if row[0] == question)
    assert person.clicks == clicks <= 2


def test_the_browser_asks_nobody_else_and_for_little(browser, troubled):
    browser.get_log("performance")
    person = Person(browser, troubled)
    person.click("photos")

    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    requests = [each["params"] for each in events if each["method"] == "Network.requestWillBeSent"]
    sent = [(each["requestId"], each["request"]["url"]) for each in requests]  # a redirect has one id and several URLs
    finished = [each["params"] for each in events if each["method"] == "Network.loadingFinished"]
    assert sent
    # chrome: is the browser itself, whose own first page may still be at it.
    assert {url for _, url in sent if not url.startswith((troubled.url + "/", "data:", "chrome:"))} == set()
    ours = {number for number, url in sent if url.startswith(troubled.url)}
    # Two pages, style and script.
    assert 0 < sum(each["encodedDataLength"] for each in finished if each["requestId"] in ours) <= 2 * 150_000
