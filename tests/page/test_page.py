"""The operator's page: what it says, what may be done from it, and that a hostile key stays a text."""

import html
import json
import re

import pytest

from bucketrelay.drivers.metrics import OUTCOMES
from bucketrelay.model import Meta
from page.conftest import CAUSES, PASSWORD, READ, USER

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>/{{7*7}}.txt"


def cells(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def follow(world, page, words):
    """The page behind the button that says *words*."""
    [address] = re.findall(rf'<a class="button" href="([^"]+)">{re.escape(words)}</a>', page)
    return world.client.get("/" + address.replace("&amp;", "&")).text


def press(world, page):
    """Send the form of a page; returns the page that comes of it."""
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    unescaped = {name: html.unescape(value) for name, value in form.items()}
    answer = world.client.post("/act", data=unescaped, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_where_all_is_well_the_page_says_so(world):
    page = world.client.get("/").text

    assert "<title>all is well · bucketrelay</title>" in page
    assert "photos target up to date" in cells(page)
    assert "nothing waits" in page
    assert "nobody did anything this month" in page


def test_failures_are_shown_by_cause_with_their_remedy_and_how_many(world):
    world.failed({CAUSES[0]: ["a", "b"], CAUSES[1]: ["c"]}, minutes=20)

    page = cells(world.client.get("/").text)

    assert re.search(r"3 waiting, \d+ min behind; alarm: lag", page)
    assert f"2 {CAUSES[0]} photos a redo these 2" in page
    assert f"1 {CAUSES[1]} photos c redo these 1" in page


def test_a_filter_in_the_address_shows_its_objects_and_no_other(world):
    world.failed({CAUSES[0]: ["a", "b"], CAUSES[1]: ["c"]})
    page = world.client.get("/").text
    [address] = re.findall(rf'<a href="\./(\?[^"]+)">{re.escape(CAUSES[1])}</a>', page)

    shown = cells(world.client.get("/" + address.replace("&amp;", "&")).text)

    assert "The objects (1)" in shown
    assert f"c photos file://{world.folder}/target/c" in shown
    assert "/target/a" not in shown


def test_redo_runs_exactly_the_failures_of_one_cause_and_is_written_down(world):
    counts = dict(zip(CAUSES, (37, 60, 2, 1), strict=True))
    world.failed({cause: [f"{count}/{n}" for n in range(count)] for cause, count in counts.items()})
    page = follow(world, world.client.get("/").text, "redo these 37")
    assert "Redo 37?" in page

    said = press(world, page)
    world.worked()

    assert "37 objects: job" in said
    assert world.copies() == {f"37/{n}" for n in range(37)}
    [act] = map(json.loads, world.acts())
    assert (act["what"], act["count"], act["filter"]["cause"]) == ("redo", 37, CAUSES[0])
    after = cells(world.client.get("/").text)
    assert "63 waiting" in after
    assert CAUSES[0] not in after.partition("Who did what")[0]


def test_redo_of_everything_is_one_more_button(world):
    world.failed({CAUSES[0]: ["a"], CAUSES[1]: ["b"]})

    press(world, follow(world, world.client.get("/").text, "redo all 2"))
    world.worked()

    assert world.copies() == {"a", "b"}


def test_deletes_that_are_held_are_done_when_somebody_says_go(world):
    path = world.folder / "relay.toml"
    path.write_text(path.read_text().replace('deletes = "follow"', 'deletes = "follow"\nmax_deletes = 0'))
    world.store("source").put("a", b"1", Meta())
    assert world.run("reconcile", "photos").exit_code == 0
    world.store("source").delete("a")
    world.run("reconcile", "photos")
    assert world.copies() == {"a"}
    page = world.client.get("/").text
    assert "deletes are held" in page

    press(world, follow(world, page, "do the deletes of photos"))
    world.worked()

    assert world.copies() == set()
    assert "deletes are held" not in world.client.get("/").text


def test_a_hostile_key_stays_a_text_everywhere(world):
    world.failed({f"503 {EVIL}": [EVIL]})
    page = world.client.get("/").text

    for shown in (
        page,
        follow(world, page, "redo these 1"),
        world.client.get("/", params={"route": EVIL, "done": EVIL}).text,
    ):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "49.txt" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_hostile_cause_can_be_redone(world):
    world.failed({f"503 {EVIL}": ["a"], CAUSES[0]: ["b"]})

    question = {"what": "redo", "cause": f"503 {EVIL}", "route": "photos"}
    press(world, world.client.get("/confirm", params=question).text)
    world.worked()

    assert world.copies() == {"a"}


def test_nothing_is_loaded_from_elsewhere_and_the_policy_says_so(world):
    world.failed({cause: [f"{n}" for n in range(50)] for cause in CAUSES[:1]})
    answer = world.client.get("/")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert not re.findall(r"<script>|\son\w+=|style=", answer.text)
    whole = sum(len(world.client.get(path).content) for path in ("/", "/page.css", "/page.js"))
    assert whole <= 150_000


def test_a_page_with_very_many_failures_stays_small(world):
    world.failed({CAUSES[0]: [f"a-long-folder-name/of/some-depth/{n:05}" for n in range(1000)]}, objects=False)

    assert len(world.client.get("/", params={"cause": CAUSES[0]}).content) <= 150_000


def test_who_may_only_look_sees_no_button_and_can_do_nothing(guarded):
    guarded.failed({CAUSES[0]: ["a"]})
    reader = {"Authorization": f"Bearer {READ}"}

    page = guarded.client.get("/", headers=reader)

    assert page.status_code == 200
    assert 'class="button"' not in page.text
    assert "you may look" in page.text
    assert guarded.client.post("/act", data={"what": "redo"}, headers=reader).status_code == 403
    assert guarded.acts() == []


def test_a_stranger_is_asked_who_he_is(guarded):
    answer = guarded.client.get("/")

    assert answer.status_code == 401
    assert 'Basic realm="bucketrelay"' in answer.headers["www-authenticate"]


def test_what_somebody_did_stands_there_with_his_name(guarded):
    guarded.failed({CAUSES[0]: ["a"]})
    guarded.client.auth = (USER, PASSWORD)

    said = press(guarded, follow(guarded, guarded.client.get("/").text, "redo these 1"))

    assert f"{USER}: redo 1" in cells(said)


def test_a_form_on_another_site_cannot_press_our_buttons(world):
    world.failed({CAUSES[0]: ["a"]})

    answer = world.client.post("/act", data={"what": "redo"}, headers={"Origin": "https://evil.example.org"})

    assert answer.status_code == 403
    assert world.acts() == []


@pytest.mark.parametrize("what", ["", "drop", "__class__"])
def test_what_cannot_be_done_is_said_so(world, what):
    assert world.client.get("/confirm", params={"what": what}).status_code == 404
    assert world.client.post("/act", data={"what": what}).status_code == 404


def test_the_page_status_and_metrics_tell_the_same_numbers(world):
    world.failed({CAUSES[0]: ["a", "b"], CAUSES[1]: ["c"]}, minutes=20)
    world.run("replay", "-q")
    world.failed({CAUSES[0]: ["d"]}, minutes=1)

    [line] = world.run("status", "--json").stdout.splitlines()
    line = json.loads(line)
    metrics = world.client.get("/metrics").text
    told = {outcome: _sample(metrics, "bucketrelay_tasks_total", outcome) for outcome in OUTCOMES}
    page = cells(world.client.get("/").text)

    assert told == {outcome: line[outcome] for outcome in OUTCOMES}
    assert _sample(metrics, "bucketrelay_waiting_objects") == line["waiting"] == 1
    row = re.search(r"greatest [\d.]+ s (\d+) (\d+) (\d+) (\d+)|no lag measured (\d+) (\d+) (\d+) (\d+)", page)
    numbers = [int(number) for number in row.groups() if number]
    assert numbers == [line["copied"], line["deleted"], line["failed"], line["waiting"]]


def _sample(metrics, name, outcome=""):
    for row in metrics.splitlines():
        if row.startswith(f"{name}{{") and (not outcome or f'outcome="{outcome}"' in row):
            return float(row.rsplit(" ", 1)[1])
    raise AssertionError(name)


def test_a_change_is_pushed(world):
    with world.client.stream("GET", "/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert next(answer.iter_lines()) == ": still here"
