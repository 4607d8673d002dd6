"""The page before people who mean harm, and two who mean well at once: keys, causes, addresses, forms."""

import re

import pytest

from bucketrelay.jobs.queue import NewJob
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import lists
from page.conftest import CAUSES, PASSWORD, READ, USER
from page.test_page import EVIL, cells, follow, press

HALF = "half a pair \udc80.txt"
TURNED = "invoice\u202egpj.exe"
LINES = "two\nlines\r.txt"
KEYS = [EVIL, HALF, TURNED, LINES, "nul \0.txt", "\u200b", " ", "x" * 1024]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def failed(world, key, error):
    now = world.server.system.now()
    urls = [f"file://{world.folder}/{name}/x" for name in ("source", "target")]
    result = Result("photos", "e", "created", *urls, key, Outcome.FAILED, now, error=f"{urls[1]}: {error}")
    lists.write(world.store("logs"), [result], invocation="hostile", now=now)


def test_hostile_keys_and_errors_are_seen_for_what_they_are(world):
    for key in KEYS:
        failed(world, key, f"503 (SlowDown) {key}")

    page = world.client.get("/", params={"route": "photos"})
    metrics = world.client.get("/metrics")

    assert (page.status_code, metrics.status_code) == (200, 200)
    assert "\u202e" not in page.text + metrics.text
    for shown in ("half a pair \\udc80.txt", "invoice\\u202egpj.exe", "two\\u000alines\\u000d.txt", "nul \\u0000.txt"):
        assert shown in page.text
    assert "<script>alert" not in page.text
    assert len(KEYS) == page.text.count(">redo these 1<")


def test_the_failures_of_a_hostile_cause_can_be_redone_from_its_button(world):
    world.failed({f"503 (SlowDown) {TURNED}": ["a"], CAUSES[0]: ["b"]})
    page = world.client.get("/").text
    [address] = re.findall(r'href="(confirm\?what=redo[^"]*202e[^"]*)"', page)

    press(world, world.client.get("/" + address.replace("&amp;", "&")).text)
    world.worked()

    assert world.copies() == {"a"}


@pytest.mark.slow
@pytest.mark.parametrize("many", ["alike", "of a cause each"])
def test_ten_thousand_failures_with_long_keys_are_a_small_page(world, many):
    long = "a-long-folder-name/" * 40
    keys = [f"{long}{n:05}" for n in range(10_000)]
    causes = (
        {CAUSES[0]: keys} if many == "alike" else {f"cause {chr(97 + n % 26)}{'z' * (n % 97)}": [] for n in range(400)}
    )
    for number, key in enumerate(keys if many != "alike" else ()):
        causes[list(causes)[number % len(causes)]].append(key)
    world.failed(causes, objects=False)

    for address in ("/", "/?route=photos", "/?cause=" + CAUSES[0]):
        page = world.client.get(address)
        assert page.status_code == 200
        assert len(page.content) <= 150_000
    assert "redo all 10000" in world.client.get("/").text


def test_very_many_dead_jobs_are_a_small_page(world):
    queue = world.server.queue
    queue.enqueue([NewJob("q", f"{n:03}" + "x" * 1024, "task") for n in range(60)])
    for job in queue.claim(60):
        from bucketrelay.jobs.queue import Dead

        queue.settle([(job, Dead("e" * 5000))])

    assert len(world.client.get("/").content) <= 150_000


@pytest.mark.parametrize(
    "query",
    [
        "route=%00&cause=%ff%fe",
        "route=" + "x" * 5000,
        "route=photos&route=other&cause=",
        "cause=%ED%B2%80",
        "what=redo&done=%3Cscript%3E",
        "route[]=a&__class__=b&cause=%0d%0aSet-Cookie:%20a=b",
        "&&==&%",
    ],
)
def test_nonsense_in_the_address_is_an_answer(world, query):
    world.failed({CAUSES[0]: ["a"]})

    for path in ("/", "/confirm"):
        answer = world.client.get(f"{path}?{query}")
        assert answer.status_code in (200, 404)
        assert "<script>" not in answer.text
        assert "set-cookie" not in answer.headers
    assert "nothing waits that this filter shows" in world.client.get("/?route=nope").text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 404),
        (b"\xff\xfe\x00", 404),
        (b"&".join(b"a%d=1" % n for n in range(50)), 400),
        (b'{"what": "redo"}', 404),
        (b"what=go", 400),
        (b"what=estimate", 400),
        (b"what=redo&route=nope", 400),
        (b"what=go&route=%00", 400),
        (b"what=estimate&route=../../x", 400),
    ],
)
def test_a_form_that_is_none_of_ours_does_nothing(world, body, status):
    answer = world.client.post("/act", content=body, headers=FORM)

    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert world.acts() == []
    assert world.server.queue.counts().pending == 0


def test_who_may_only_look_can_press_nothing_by_hand(guarded):
    guarded.failed({CAUSES[0]: ["a"]})
    reader = {"Authorization": f"Bearer {READ}"}

    for what in ("redo", "forget", "go", "retry", "estimate"):
        form = {"what": what, "route": "photos"}
        assert guarded.client.post("/act", data=form, headers=reader).status_code == 403
    for method in ("PUT", "DELETE", "PATCH"):
        assert guarded.client.request(method, "/act", headers=reader).status_code in (403, 405)
    assert "<form" not in guarded.client.get("/?route=photos", headers=reader).text
    assert guarded.acts() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://localhost:1"},
    ],
)
def test_a_signed_in_browser_presses_nothing_for_another_site(guarded, headers):
    guarded.failed({CAUSES[0]: ["a"]})
    form = {"what": "redo", "route": "photos"}

    answer = guarded.client.post("/act", data=form, headers=headers, auth=(USER, PASSWORD))

    assert answer.status_code == 403
    assert guarded.acts() == []


def test_two_who_redo_the_same_at_once_make_one_job(world):
    world.failed({CAUSES[0]: ["a", "b"]})
    question = follow(world, world.client.get("/").text, "redo these 2")

    first, second = press(world, question), press(world, question)

    number = re.search(r"2 objects: job (\d+)", first)[1]
    assert f"2 objects: job {number} " in second
    assert world.server.queue.counts("replay").pending == 1
    world.worked()
    assert world.copies() == {"a", "b"}
    assert len(world.acts()) == 2  # both pressed


def test_a_button_of_a_page_of_some_time_ago_does_nothing_when_nothing_waits(world):
    world.failed({CAUSES[0]: ["a"]})
    question = follow(world, world.client.get("/").text, "redo these 1")
    press(world, question)
    world.worked()

    said = press(world, question)

    assert "nothing waits there any more: nothing was done" in cells(said)
    assert len(world.acts()) == 1


def test_a_deed_for_a_single_route_is_never_done_for_all(world):
    page = world.client.get("/confirm", params={"what": "go"})

    assert page.status_code == 400
    assert "say which route" in page.text
