"""OMS asked for keys: over the wire, to a server that checks each signature."""

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from urllib.parse import unquote, unquote_plus

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core.budget import Budget
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutOfTime, StoreRefused, StoreUnavailable
from bucketrelay.forward import Notice
from bucketrelay.forward.deliver import Forwarding
from bucketrelay.forward.oms import OmsForward, encode_key, events_url, sign
from bucketrelay.http.post import Post, Retry
from bucketrelay.model import Address, Change, Outcome, Task
from receivers import SILENCE, Got, Oms, Receiver, Say, oms_error, signature

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
BUCKET = Address("obs", "photos")
FULL = "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/events"
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
IDS = st.text("0123456789abcdef-", min_size=1, max_size=36)


class Pauses(list):
    """What would have been slept."""

    def retry(self, **changed):
        return Retry(sleep=self.append, jitter=lambda: 0.5, **changed)


@pytest.fixture
def pauses():
    return Pauses()


@pytest.fixture
def oms():
    with Oms() as server:
        yield server


def keys_of(oms, **changed):
    own = {"access_key": oms.access_key, "secret_key": oms.secret_key, **changed}
    return lambda: (own["access_key"], own["secret_key"], "")


@pytest.fixture
def forward(oms, pauses):
    def forward(**changed):
        usual = {"keys": keys_of(oms), "shown": "oms://task", "retry": pauses.retry()}
        return OmsForward(oms.url + oms.path, **{**usual, **changed})

    return forward


def notices(*keys, source=BUCKET, change=Change.CREATED):
    return [Notice(Task("r", "s", key, forward="oms", change=change), source) for key in keys]


def runner(forward, threads=4):
    def names(task):
        return BUCKET.of(task.key), "oms://task"

    results = Results(names, lambda: NOW)
    return Runner(Forwarding({"oms": forward}, lambda _: BUCKET, results), Budget(1024, threads), results)


def tasks(*keys):
    return [Task("r", "s", key, forward="oms", cause=f"event of {key}") for key in keys]


# --- the request ------------------------------------------------------------------------------------------------------


def test_keys_that_are_taken_are_forwarded_in_a_request_that_oms_accepts(oms, forward):
    assert forward().tell(notices("in/a b.jpg", "c+d%"), Deadline()) == [None, None]

    (got,) = oms.got
    assert (got.method, got.path, got.query) == ("POST", oms.path, "")
    assert got.headers["content-type"] == "application/json"
    assert got.body == b'{"object_keys": ["in%2Fa%20b.jpg", "c%2Bd%25"]}'


def test_what_oms_is_told_is_the_whole_key_in_the_bucket(oms, forward):
    forward().tell(notices("a.jpg", source=Address("obs", "photos", prefix="in/2026/")), Deadline())

    assert oms.asked == ["in/2026/a.jpg"]


def test_a_wrong_secret_is_refused_and_the_words_name_the_remedy(oms, forward):
    (refused,) = forward(keys=keys_of(oms, secret_key="another")).tell(notices("a"), Deadline())

    assert isinstance(refused, StoreRefused)
    assert str(refused) == (
        "oms://task: 401 APIGW.0301 Incorrect IAM authentication information: verify aksk signature fail:"
        " check the access key, the secret key and this machine's clock"
    )
    assert oms.got == []


def test_temporary_keys_are_asked_for_each_time_and_their_token_is_signed(oms, forward):
    tokens = iter(["one", "one", "two", "two"])
    made = forward(keys=lambda: (oms.access_key, oms.secret_key, next(tokens)))
    for _ in range(2):
        assert made.tell(notices("a"), Deadline()) == [None]

    assert [got.headers["x-security-token"] for got in oms.got] == ["one", "two"]
    assert all("x-security-token" in got.headers["authorization"] for got in oms.got)


def test_without_keys_nothing_is_sent(oms, forward):
    (refused,) = forward(keys=lambda: ("", "", "")).tell(notices("a"), Deadline())

    assert "no access key" in str(refused)
    assert not refused.retryable


def test_the_signature_covers_the_query_of_an_address_that_has_one(oms, pauses):
    url = f"{oms.url}{oms.path}?b=2&a=x%20y&a="
    made = OmsForward(url, keys=keys_of(oms), retry=pauses.retry())

    assert made.tell(notices("a"), Deadline()) == [None]


@given(st.lists(KEYS, min_size=1, max_size=10))
def test_any_key_survives_its_encoding(keys):
    for key in keys:
        assert unquote(encode_key(key)) == unquote_plus(encode_key(key)) == key
        assert encode_key(key).isascii()
        assert not set(encode_key(key)) & set(" +/\n\"'\\")


@given(IDS, IDS, KEYS, st.binary(min_size=1, max_size=200), st.sampled_from(["", "token/+="]))
def test_the_signature_is_the_one_of_the_guide_and_of_the_sdk(project, task, secret, body, token):
    post = Post(events_url("https://oms.example.com", task, project))
    headers = sign(post, body, ("AK", secret, token), NOW)
    got = Got("POST", post.path, post.query, {name.lower(): value for name, value in headers.items()}, body)
    request = SdkRequest(
        method="POST",
        schema="https",
        host="oms.example.com",
        resource_path=post.path,
        query_params=[],
        header_params={"Content-Type": "application/json", "X-Sdk-Date": "20261121T091500Z"},
        body=body,
    )
    credentials = BasicCredentials("AK", secret, project)
    by_sdk = (credentials.with_security_token(token) if token else credentials).sign_request(request)

    assert headers == by_sdk.header_params
    assert headers["Authorization"] == signature(got, "AK", secret)


def test_to_sign_needs_no_sdk_and_to_be_configured_no_http():
    code = (
        "import sys; from bucketrelay.forward.oms import OmsForward, sign; from bucketrelay.http.post import Post;"
        "from datetime import datetime, timezone; OmsForward('https://h/v2/p/sync-tasks/t/events');"
        "assert 'http.client' not in sys.modules;"
        "sign(Post('https://h/'), b'1', ('a', 'b', ''), datetime.now(timezone.utc));"
        "assert not {'huaweicloudsdkcore', 'requests', 'cryptography'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# --- gathering --------------------------------------------------------------------------------------------------------


def test_twenty_five_keys_are_three_requests_and_every_key_is_asked_for_once(oms, forward):
    keys = [f"k{number}" for number in range(25)]
    results = runner(forward()).run(tasks(*keys), Deadline())

    assert sorted(len(got.keys) for got in oms.got) == [5, 10, 10]
    assert sorted(oms.asked) == sorted(keys)
    assert [(result.key, result.outcome, result.cause) for result in results] == [
        (key, Outcome.FORWARDED, f"event of {key}") for key in keys
    ]
    assert results[3].source == "obs://photos/k3"
    assert (results[3].target, results[3].error, results[3].lag) == ("oms://task", "", None)


def test_a_key_that_comes_twice_is_asked_for_once_and_has_two_results(oms, forward):
    results = runner(forward()).run(tasks("a", "b", "a"), Deadline())

    assert oms.asked == ["a", "b"]
    assert [result.outcome for result in results] == [Outcome.FORWARDED] * 3


def test_a_request_that_is_refused_touches_no_other_request(oms, forward):
    oms.answer = lambda got: oms_error(400, "OMS.0054", "Invalid task ID.") if "k12" in got.keys else Say()
    results = runner(forward()).run(tasks(*(f"k{number}" for number in range(25))), Deadline())

    assert [result.key for result in results if not result.ok] == [f"k{number}" for number in range(10, 20)]
    assert len(oms.got) == 3
    assert "400 OMS.0054 Invalid task ID." in results[12].error
    assert not results[12].retryable


def test_a_request_that_hangs_is_left_behind_at_the_deadline(forward):
    with Oms(lambda got: SILENCE if "k0" in got.keys else Say()) as oms:
        made = OmsForward(oms.url + oms.path, keys=keys_of(oms), timeout=20)
        results = runner(made).run(tasks(*(f"k{number}" for number in range(15))), Deadline(0.5))

    assert {result.outcome for result in results[10:]} == {Outcome.FORWARDED}
    assert all(not result.ok and result.retryable for result in results[:10])


def test_without_time_nothing_is_sent_and_the_tasks_are_unfinished(oms, forward):
    (late,) = forward().tell(notices("a"), Deadline(0))
    (result,) = runner(forward()).deliver(tasks("a"), Deadline(0))

    assert isinstance(late, OutOfTime)
    assert (result.outcome, result.retryable) == (Outcome.UNFINISHED, True)
    assert oms.got == []


def test_a_task_whose_forward_is_no_longer_configured_fails_in_words(oms, forward):
    (lost,) = runner(forward()).run([Task("r", "s", "a", forward="gone")], Deadline())

    assert (lost.outcome, lost.retryable) == (Outcome.FAILED, False)
    assert "no forward is named 'gone'" in lost.error


# --- what cannot be said ----------------------------------------------------------------------------------------------


def test_a_removal_is_refused_in_words_and_its_neighbours_are_told(oms, forward):
    gone = notices("gone", change=Change.REMOVED)
    taken, refused = forward().tell([*notices("a"), *gone], Deadline())

    assert taken is None
    assert "obs://photos/gone: OMS takes no deletes" in str(refused)
    assert not refused.retryable
    assert oms.asked == ["a"]


def test_a_key_that_is_no_unicode_text_is_refused_and_its_neighbours_are_told(oms, forward):
    refused, taken = forward().tell(notices("bad\udc80", "good"), Deadline())

    assert isinstance(refused, StoreRefused)
    assert taken is None
    assert oms.asked == ["good"]


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 400, 403, 404, 409, 418])
def test_a_refusal_is_not_repeated(oms, forward, pauses, status):
    oms.script.append(Say(status, b"", {"Location": f"{oms.url}/elsewhere"}))
    (refused,) = forward().tell(notices("a"), Deadline())

    assert isinstance(refused, StoreRefused)
    assert f"oms://task: {status}" in str(refused)
    assert (len(oms.got), pauses) == (1, [])


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_repeated(oms, forward, pauses, status):
    oms.script.extend([oms_error(status, "OMS.x", "busy")] * 2)

    assert forward().tell(notices("a"), Deadline()) == [None]
    assert len(oms.got) == 3
    assert pauses == [0.25, 0.5]


def test_a_service_that_stays_down_fails_the_task_as_one_that_may_succeed_later(oms, forward):
    oms.answer = lambda _: oms_error(503, "OMS.0000", "down for now")
    (failed,) = forward().tell(notices("a"), Deadline())

    assert isinstance(failed, StoreUnavailable)
    assert str(failed) == "oms://task: 503 OMS.0000 down for now"
    assert len(oms.got) == 4


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(oms, forward, pauses):
    date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=15), usegmt=True)
    oms.script.extend([Say(429, b"", {"Retry-After": "7"}), Say(503, b"", {"Retry-After": date})])

    assert forward().tell(notices("a"), Deadline()) == [None]
    assert pauses[0] == 7.125
    assert 5 < pauses[1] < 15.2


@pytest.mark.parametrize("after", ["soon", "-1", "", "٣"])
def test_a_retry_after_that_says_nothing_is_passed_over(oms, forward, pauses, after):
    oms.script.append(Say(429, b"", {"Retry-After": after.encode().decode("latin-1")}))

    assert forward().tell(notices("a"), Deadline()) == [None]
    assert pauses == [0.25]


@pytest.mark.parametrize(("after", "left"), [("3600", 1e9), ("9", 8.0)])
def test_a_pause_that_is_too_long_is_left_to_the_platform(oms, forward, pauses, after, left):
    oms.script.append(Say(429, b"", {"Retry-After": after}))
    (failed,) = forward().tell(notices("a"), Deadline(left))

    assert failed.retryable
    assert (len(oms.got), pauses) == (1, [])


def test_an_answer_that_does_not_come_is_a_failure_that_may_pass(forward):
    with Oms(lambda _: SILENCE) as oms:
        made = OmsForward(
            oms.url + oms.path,
            keys=keys_of(oms),
            shown="oms",
            timeout=0.1,
            retry=Retry(attempts=2, first=0),
        )
        (failed,) = made.tell(notices("a"), Deadline())

    assert isinstance(failed, StoreUnavailable)
    assert str(failed) == "oms: no answer in time"
    assert len(oms.got) == 2


def test_nobody_at_the_address_is_a_failure_that_may_pass(pauses):
    with Receiver() as closed:
        url = closed.url
    made = OmsForward(f"{url}/v2/0123/sync-tasks/42/events", keys=lambda: ("a", "b", ""), retry=pauses.retry())
    (failed,) = made.tell(notices("a"), Deadline())

    assert failed.retryable
    assert "cannot be reached" in str(failed)
    assert len(pauses) == 3


def test_one_key_with_illegal_characters_costs_no_other_key_its_request(oms, forward):
    def answer(got):
        return oms_error(400, "OMS.0078", "Illegal characters.") if {"k3", "k8"} & set(got.keys) else Say()

    oms.answer = answer
    verdicts = forward().tell(notices(*(f"k{number}" for number in range(10))), Deadline())

    assert [number for number, verdict in enumerate(verdicts) if verdict] == [3, 8]
    assert "characters that OMS does not take" in str(verdicts[3])


@pytest.mark.parametrize(
    "body",
    [
        b'{"failed_objects": [{"object_key": "in%2Fb", "error_code": "OMS.1"}], "success": ["in%2Fa"]}',
        b'{"failed_keys": ["in/b"]}',
        b'{"object_keys": ["in%2Fa"]}',
    ],
)
def test_an_answer_that_names_keys_decides_for_each(oms, forward, body):
    oms.script.append(Say(200, body))
    taken, left_out = forward().tell(notices("in/a", "in/b"), Deadline())

    assert taken is None
    assert isinstance(left_out, StoreRefused)
    assert "OMS left this key out" in str(left_out)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"ok", b"\xff", b'{"request_id": "1", "object_keys": []}', b"[" * 9999]
)
def test_an_answer_that_names_no_keys_is_good_for_all(oms, forward, body):
    oms.script.append(Say(200, body))

    assert forward().tell(notices("a", "b"), Deadline()) == [None, None]


def test_an_error_that_comes_with_status_200_is_an_error(oms, forward):
    oms.script.append(oms_error(200, "OMS.0054", "Invalid task ID."))

    assert all(forward().tell(notices("a", "b"), Deadline()))


def test_no_message_repeats_the_keys_or_breaks_its_line(oms, forward):
    words = f"AK: {oms.access_key}, SK: {oms.secret_key}\n\x1b[31mforged line\u2028"
    oms.script.append(oms_error(400, "APIGW.0301", words))
    (refused,) = forward().tell(notices("a"), Deadline())

    assert oms.access_key not in str(refused)
    assert oms.secret_key not in str(refused)
    assert str(refused).isprintable()
    assert oms.secret_key not in repr(forward())


def test_keys_that_no_header_can_hold_are_refused_without_being_quoted(oms, forward):
    (refused,) = forward(keys=keys_of(oms, access_key="line\nbreak")).tell(notices("a"), Deadline())

    assert isinstance(refused, StoreRefused)
    assert "break\n" not in str(refused)
    assert "line\n" not in str(refused)


# --- TLS --------------------------------------------------------------------------------------------------------------


def over_tls(oms, pauses, **changed):
    how = {"ca_file": oms.ca_file, "retry": pauses.retry(), **changed}
    made = OmsForward(oms.url + oms.path, keys=keys_of(oms), **how)
    return made.tell(notices("a"), Deadline())


def test_a_certificate_of_an_authority_that_is_trusted_is_good(pauses):
    with Oms(tls=True) as oms:
        assert over_tls(oms, pauses) == [None]


def test_a_certificate_of_an_unknown_authority_is_refused_and_nothing_is_sent(pauses):
    with Oms(tls=True) as oms:
        (refused,) = over_tls(oms, pauses, ca_file="")

    assert isinstance(refused, StoreRefused)
    assert "its certificate is not trusted" in str(refused)
    assert (oms.got, pauses) == ([], [])


def test_a_certificate_for_another_host_is_refused(pauses):
    with Oms(tls=True) as oms:
        url = oms.url.replace("127.0.0.1", "localhost") + oms.path
        made = OmsForward(url, keys=lambda: ("a", "b", ""), ca_file=oms.ca_file, retry=pauses.retry())
        (refused,) = made.tell(notices("a"), Deadline())

    assert isinstance(refused, StoreRefused)


def test_a_ca_file_without_certificates_is_refused(pauses, tmp_path):
    with Oms(tls=True) as oms:
        (refused,) = over_tls(oms, pauses, ca_file=str(tmp_path / "none.pem"))

    assert "none.pem" in str(refused)


# --- the address ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://oms.cn-north-4.myhuaweicloud.com",
        "https://oms.cn-north-4.myhuaweicloud.com/",
        "https://oms.cn-north-4.myhuaweicloud.com/v2",
        "https://oms.cn-north-4.myhuaweicloud.com/v2/0123",
        "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks",
        "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/",
        FULL,
        f"{FULL}/",
    ],
)
def test_what_the_address_lacks_is_added(url):
    assert events_url(url, "42", "0123") == FULL


@pytest.mark.parametrize("url", ["https://gateway/base/events", "https://h/events", f"{FULL}?a=b"])
def test_an_address_that_ends_in_events_is_taken_as_it_is(url):
    assert events_url(url, "42", "9999") == url


def test_a_gateways_path_and_a_query_stay():
    assert events_url("https://gw/base/?x=1", "4/2", "p") == "https://gw/base/v2/p/sync-tasks/4%2F2/events?x=1"


@pytest.mark.parametrize(
    ("url", "task", "project", "word"),
    [
        ("https://h/v2/0123", "", "", "it has no task"),
        ("https://h", "42", "", "it has no project"),
        ("https://h/v2", "42", "", "it has no project"),
        (FULL, "43", "", "another task"),
        ("https://h/v2/0123/sync-tasks/42", "43", "", "another task"),
        ("ftp://h/events", "", "", "must be an address"),
    ],
)
def test_an_address_that_cannot_be_completed_is_a_mistake_of_the_configuration(url, task, project, word):
    with pytest.raises(ConfigError, match=word):
        OmsForward(url, task, project=project)
