"""Requests and replies, word for word as medusa-copier's clients write and read them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.drivers.messages import requests
from bucketrelay.drivers.messages.requests import Counts, Refused, Request
from bucketrelay.errors import ObjectGone, OutOfTime, StoreRefused, StoreUnavailable

ROOTS = {"staging-2": "staging", "main_storage": "main"}
PARAMETERS = {
    "source_root": "staging-2",
    "source_key": "a/b/c.tif",
    "target_root": "main_storage",
    "target_key": "123/c.tif",
}
COPYTO = {"action": "copyto", "parameters": PARAMETERS, "pass_through": {"workflow_accrual_key_id": 4711}}


def parse(said: object) -> Request:
    return requests.parse(said if isinstance(said, bytes) else json.dumps(said).encode(), ROOTS.get)


def refused(said: object) -> str:
    with pytest.raises(Refused) as caught:
        parse(said)
    return requests.text(caught.value.reply).decode()


def test_a_copyto_request_is_understood():
    assert parse(COPYTO) == Request("copyto", PARAMETERS, {"workflow_accrual_key_id": 4711})


def test_the_reply_to_a_success_is_medusas():
    assert requests.text(requests.success(parse(COPYTO))).decode() == (
        '{"pass_through":{"workflow_accrual_key_id":4711},"rclone_status":0,"status":"success","action":"copyto",'
        '"parameters":{"source_root":"staging-2","source_key":"a/b/c.tif","target_root":"main_storage",'
        '"target_key":"123/c.tif"}}'
    )


def test_the_reply_to_a_failure_is_medusas():
    assert requests.text(requests.failure(parse(COPYTO), "object not found", 4)).decode() == (
        '{"pass_through":{"workflow_accrual_key_id":4711},"rclone_status":4,"status":"failure",'
        '"message":"Unknown copying error: object not found","action":"copyto"}'
    )


def test_what_is_left_out_to_be_passed_through_comes_back_as_an_empty_object():
    said = {name: value for name, value in COPYTO.items() if name != "pass_through"}
    assert requests.success(parse(said))["pass_through"] == {}
    assert requests.success(parse({**said, "pass_through": [1]}))["pass_through"] == {}


def test_an_unknown_root_is_answered_without_the_table_of_roots():
    said = {**COPYTO, "parameters": {**PARAMETERS, "target_root": "nowhere"}}
    assert refused(said) == (
        '{"pass_through":{"workflow_accrual_key_id":4711},"status":"failure",'
        '"message":"Unrecognized root was provided.","action":"copyto"}'
    )


@pytest.mark.parametrize("name", list(PARAMETERS))
@pytest.mark.parametrize("value", [None, "", 7, ["a"], "\ud800"])
def test_a_missing_parameter_is_named(name, value):
    said = {**COPYTO, "parameters": {**PARAMETERS, name: value}}
    found = json.loads(refused(said))
    assert found["message"].startswith("Not all request parameters were provided. ")
    assert found["message"].endswith(name)
    assert (found["action"], found["pass_through"]) == ("copyto", {"workflow_accrual_key_id": 4711})


@pytest.mark.parametrize("given", [None, [], "x", {}])
def test_parameters_that_are_no_object_are_all_missing(given):
    assert "Missing: source_root, source_key, target_root, target_key" in refused({**COPYTO, "parameters": given})


def test_an_action_that_nobody_knows_is_answered_in_medusas_order():
    assert refused({**COPYTO, "action": "triple"}) == (
        '{"pass_through":{"workflow_accrual_key_id":4711},"status":"failure","action":"triple",'
        '"message":"Unrecognized Action"}'
    )


def test_no_action_is_an_action_that_nobody_knows():
    assert refused({"parameters": PARAMETERS}) == (
        '{"pass_through":{},"status":"failure","action":null,"message":"Unrecognized Action"}'
    )


@pytest.mark.parametrize("body", [b"Not JSON", b"", b"null", b"[1]", b'"text"', b"7", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_request_is_answered_with_itself(body):
    assert json.loads(refused(body)) == {
        "pass_through": {},
        "status": "failure",
        "message": "Invalid Request",
        "raw_request": body.decode(),
    }


def test_bytes_that_are_no_text_are_answered_as_far_as_they_can_be_said():
    assert json.loads(refused(b"\xff\xfe"))["raw_request"] == "\ufffd\ufffd"


def test_text_that_utf_8_cannot_say_is_passed_through_as_it_came():
    said = parse(json.dumps({**COPYTO, "pass_through": {"id": "\ud800"}}).encode())
    assert json.loads(requests.text(requests.success(said)))["pass_through"] == {"id": "\ud800"}


def test_letters_outside_of_ascii_are_written_as_they_are():
    said = parse({**COPYTO, "pass_through": {"name": "Zürich 日本"}})
    assert "Zürich 日本".encode() in requests.text(requests.success(said))


COPY = {
    "action": "copy",
    "parameters": {
        "source_root": "staging-2",
        "source_prefix": "a",
        "target_root": "main_storage",
        "target_prefix": "",
    },
}


def test_a_copy_of_all_below_a_prefix_may_be_of_the_whole_root():
    found = parse({**COPY, "parameters": {**COPY["parameters"], "source_prefix": ""}})
    assert (found.parameters["source_prefix"], found.progress) == ("", False)
    assert parse({**COPY, "parameters": {**COPY["parameters"], "progress": True}}).progress


def test_the_replies_to_a_copy_have_counts():
    request, counts = parse(COPY), Counts(3, 2, 0, 99).plus(Counts(1, 0, 1, 1))
    told = {"copied": 4, "unchanged": 2, "failed": 1, "bytes": 100}
    assert requests.success(request, counts).items() >= told.items()
    assert requests.failure(request, "x", 1, counts).items() >= {**told, "status": "failure"}.items()
    assert requests.progress(request, counts).items() >= {**told, "status": "progress", "action": "copy"}.items()


@pytest.mark.parametrize(
    ("error", "status"),
    [(ObjectGone("x"), 4), (StoreUnavailable("x"), 5), (OutOfTime("x"), 5), (StoreRefused("x"), 1)],
)
def test_the_status_is_what_rclone_would_have_ended_with(error, status):
    assert requests.status_of(error) == status


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
values = st.one_of(json_values, st.sampled_from(["copyto", "copy", "staging-2", "main_storage"]))
some_parameters = st.fixed_dictionaries({}, optional=dict.fromkeys([*PARAMETERS, "source_prefix", "progress"], values))
said = st.fixed_dictionaries({}, optional={"action": values, "parameters": some_parameters, "pass_through": values})


@given(said=said | json_values)
def test_whatever_comes_is_a_request_or_has_an_answer(said):
    body = json.dumps(said).encode()
    try:
        found = requests.parse(body, ROOTS.get)
    except Refused as refusal:
        reply = json.loads(requests.text(refusal.reply))
        assert reply["status"] == "failure"
        assert reply["message"]
        through = said.get("pass_through") if isinstance(said, dict) else None
        assert reply["pass_through"] == (through if isinstance(through, dict) else {})
        return
    assert requests.from_payload(json.loads(json.dumps(requests.to_payload(found)))) == found
    assert json.loads(requests.text(requests.success(found)))["status"] == "success"


@given(raw=st.binary(max_size=60))
def test_any_bytes_have_an_answer(raw):
    with pytest.raises(Refused) as caught:
        requests.parse(raw, ROOTS.get)
    assert json.loads(requests.text(caught.value.reply))["status"] == "failure"
