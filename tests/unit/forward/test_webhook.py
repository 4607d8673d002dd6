"""A receiver of CloudEvents: what it gets over the wire, and what becomes of its answers."""

import json
import re
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutOfTime, StoreRefused, StoreUnavailable
from bucketrelay.forward import Notice
from bucketrelay.forward.deliver import Forwarding
from bucketrelay.forward.webhook import WebhookForward, cloud_event, secret_bytes, signature
from bucketrelay.http.post import Post, Retry
from bucketrelay.model import Address, Change, Outcome, Task
from receivers import SILENCE, Receiver, Say

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
BUCKET = Address("s3", "photos-eu", prefix="in/")
SECRET = "a plain secret, ünïcode"
DOCS = Path(__file__).parents[3] / "docs" / "forwarding.md"


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


def hook(receiver, **changed):
    settings = {"shown": "https://hook", "retry": Retry(sleep=lambda _: None), "secret_key": SECRET, **changed}
    return WebhookForward(f"{receiver.url}/hooks/objects?token=in-the-query", **settings)


def notice(key="a b.jpg", source=BUCKET, **changed):
    return Notice(Task("to-hook", "photos", key, forward="hook", **{"cause": "e-1", "time": NOW, **changed}), source)


def verified_by_the_docs():
    """The function that docs/forwarding.md gives to receivers."""
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(code, names)
    return names["verified"]


# --- the request ------------------------------------------------------------------------------------------------------


def test_a_change_is_told_as_a_cloud_event(receiver):
    assert hook(receiver).tell([notice(size=1024)], Deadline()) == [None]

    (got,) = receiver.got
    event = json.loads(got.body)
    assert (got.path, got.query) == ("/hooks/objects", "token=in-the-query")
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert got.headers["webhook-id"] == got.headers["idempotency-key"] == event.pop("id")
    assert event == {
        "specversion": "1.0",
        "source": "s3://photos-eu/in",
        "type": "io.bucketrelay.object.created",
        "subject": "a b.jpg",
        "datacontenttype": "application/json",
        "time": "2026-11-21T09:15:00Z",
        "data": {"route": "to-hook", "cause": "e-1", "bucket": "photos-eu", "key": "in/a b.jpg", "size": 1024},
    }


@pytest.mark.parametrize("secret", [SECRET, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_the_docs_code_verifies_what_is_sent_and_nothing_else(receiver, secret):
    verified = verified_by_the_docs()
    hook(receiver, secret_key=secret).tell([notice()], Deadline())
    (got,) = receiver.got

    assert verified(got.headers, got.body, secret)
    assert not verified(got.headers, got.body + b" ", secret)
    assert not verified(got.headers, got.body, "another")
    assert not verified({**got.headers, "webhook-id": "other"}, got.body, secret)
    later = str(int(got.headers["webhook-timestamp"]) + 1)
    assert not verified({**got.headers, "webhook-timestamp": later}, got.body, secret)


def test_an_old_message_is_refused_by_the_docs_code(receiver):
    hook(receiver, now=lambda: datetime(2026, 1, 1, tzinfo=timezone.utc)).tell([notice()], Deadline())
    (got,) = receiver.got

    assert not verified_by_the_docs()(got.headers, got.body, SECRET)


def test_the_signature_is_that_of_standard_webhooks():
    """The example of its specification and its reference libraries' tests."""
    secret = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_is_not_what_it_says_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match="whsec_, but what follows is not base64") as refused:
        WebhookForward("https://h/", secret_key="whsec_not-base64!")

    assert "not-base64!" not in str(refused.value)


def test_the_name_of_the_secret_goes_with_the_signature_and_without_a_secret_there_is_neither(receiver):
    hook(receiver, access_key="2026").tell([notice()], Deadline())
    hook(receiver, access_key="2026", secret_key="").tell([notice()], Deadline())
    signed, unsigned = receiver.got

    assert signed.headers["webhook-key-id"] == "2026"
    assert not {"webhook-key-id", "webhook-signature"} & set(unsigned.headers)


# --- the event --------------------------------------------------------------------------------------------------------


def test_the_id_is_the_same_for_the_same_event_and_another_for_every_other():
    one = cloud_event(notice())["id"]
    others = [
        notice(key="other"),
        notice(source=Address("s3", "other", prefix="in/")),
        notice(cause="e-2"),
        notice(change=Change.REMOVED),
        notice(time=datetime(2026, 11, 21, 9, 16, tzinfo=timezone.utc)),
    ]

    assert cloud_event(notice())["id"] == one
    assert len({one, *(cloud_event(other)["id"] for other in others)}) == 6


def test_an_event_without_an_id_and_a_time_is_never_taken_for_a_repetition():
    assert cloud_event(notice(cause="", time=None))["id"] != cloud_event(notice(cause="", time=None))["id"]
    assert "time" not in cloud_event(notice(time=None))


def test_a_removal_says_so_and_a_namespace_is_named():
    event = cloud_event(notice(source=Address("oci", "b", "ns"), change=Change.REMOVED))

    assert event["type"] == "io.bucketrelay.object.removed"
    assert event["source"] == "oci://b@ns"
    assert event["data"]["namespace"] == "ns"


@given(st.text(st.characters(codec=None), min_size=1, max_size=40), st.text("pü /", max_size=5))
def test_any_key_survives_and_the_attributes_are_what_cloud_events_allows(key, prefix):
    source = Address("s3", "photos-eu", prefix=f"{prefix}/" if prefix else "")
    event = json.loads(json.dumps(cloud_event(notice(key, source))))

    assert event["data"]["key"] == source.prefix + key
    assert event["subject"].encode().decode() == event["subject"]
    assert not re.search("[\x00-\x1f\x7f-\x9f]", event["subject"])
    assert event["source"].isascii()
    assert " " not in event["source"]


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_taken(receiver, status):
    receiver.script.append(Say(status))

    assert hook(receiver).tell([notice()], Deadline()) == [None]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (301, "redirects are not followed"),
        (400, "ask the receiver"),
        (401, "check the secret"),
        (410, "the receiver wants no more"),
    ],
)
def test_a_refusal_is_not_repeated_and_the_words_say_what_to_do(receiver, status, word):
    receiver.script.append(Say(status, b"", {"Location": f"{receiver.url}/elsewhere"}))
    (refused,) = hook(receiver).tell([notice()], Deadline())

    assert isinstance(refused, StoreRefused)
    assert str(refused).startswith(f"https://hook: {status}: {word}")
    assert len(receiver.got) == 1


def test_a_repetition_has_the_same_id_and_body_and_a_signature_of_its_own_time(receiver):
    times = iter([NOW, datetime(2026, 11, 21, 9, 16, tzinfo=timezone.utc)])
    receiver.script.append(Say(429))

    assert hook(receiver, now=lambda: next(times)).tell([notice()], Deadline()) == [None]
    first, second = receiver.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_receiver_that_stays_down_fails_the_task_as_one_that_may_succeed_later(receiver):
    receiver.answer = lambda _: Say(500, b"<h1>oops</h1>")
    (failed,) = hook(receiver).tell([notice()], Deadline())

    assert isinstance(failed, StoreUnavailable)
    assert str(failed) == "https://hook: 500 <h1>oops</h1>"
    assert len(receiver.got) == 4


def test_without_time_nothing_is_sent(receiver):
    (late,) = hook(receiver).tell([notice()], Deadline(0))

    assert isinstance(late, OutOfTime)
    assert receiver.got == []


def test_a_receiver_that_is_silent_is_a_failure_that_may_pass():
    with Receiver(lambda _: SILENCE) as receiver:
        (failed,) = hook(receiver, timeout=0.1, retry=Retry(attempts=1)).tell([notice()], Deadline())

    assert str(failed) == "https://hook: no answer in time"
    assert failed.retryable


def test_no_message_repeats_what_the_url_or_the_secret_hold(receiver):
    words = f"Cannot POST /hooks/objects?token=in-the-query\n{SECRET}"
    receiver.script.append(Say(404, words.encode()))
    (refused,) = hook(receiver).tell([notice()], Deadline())

    assert not {"objects", "in-the-query", "plain"} & set(re.findall(r"[a-z-]+", str(refused)))
    assert "plain" not in repr(hook(receiver))
    assert "query" not in repr(hook(receiver))


def test_of_an_endless_answer_only_the_beginning_is_read(receiver):
    receiver.script.append(Say(400, b"x" * 5_000_000))
    (refused,) = hook(receiver).tell([notice()], Deadline())
    receiver.script.append(Say(200, b"x" * 5_000_000))
    answer = Post(receiver.url).send(b"", dict, Deadline())

    assert len(str(refused)) < 400
    assert len(answer.body) == 64 * 1024


@pytest.mark.parametrize("trusted", [True, False])
def test_only_a_certificate_that_is_trusted_is_good(trusted):
    with Receiver(tls=True) as receiver:
        (verdict,) = hook(receiver, ca_file=receiver.ca_file if trusted else "").tell([notice()], Deadline())

    assert (verdict is None) == trusted == bool(receiver.got)
    assert trusted or "its certificate is not trusted" in str(verdict)


# --- in a runner ------------------------------------------------------------------------------------------------------


def run(receiver, tasks, deadline=None, **settings):
    def names(task):
        return BUCKET.of(task.key), "https://hook"

    results = Results(names, lambda: NOW)
    forwarding = Forwarding({"hook": hook(receiver, **settings)}, lambda _: BUCKET, results)
    return Runner(forwarding, Budget(1024, 4), results).run(tasks, deadline or Deadline())


def task(key, cause="e-1"):
    return Task("to-hook", "photos", key, forward="hook", cause=cause)


def test_several_receivers_calls_run_side_by_side_and_one_failure_is_nobody_elses(receiver):
    together = threading.Barrier(4, timeout=20)

    def answer(got):
        together.wait()
        return Say(400 if b'"subject":"2"' in got.body else 200)

    receiver.take = answer  # without the lock, under which nothing is side by side
    results = run(receiver, [task(str(number)) for number in range(8)])

    assert [result.key for result in results if result.outcome is not Outcome.FORWARDED] == ["2"]


def test_events_of_one_key_are_told_one_after_the_other_and_each_of_them(receiver):
    run(receiver, [task("same", f"e-{number}") for number in range(12)])

    assert [json.loads(got.body)["data"]["cause"] for got in receiver.got] == [f"e-{number}" for number in range(12)]


def test_a_call_that_hangs_is_left_behind_at_the_deadline():
    with Receiver(lambda got: SILENCE if b'"subject":"0"' in got.body else Say()) as receiver:
        late, *others = run(receiver, [task(str(n)) for n in range(4)], Deadline(0.5), timeout=20)

    assert not late.ok
    assert late.retryable
    assert {result.outcome for result in others} == {Outcome.FORWARDED}
