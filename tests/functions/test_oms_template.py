"""In the place of Huawei's template sync-oms-data: its six variables as user data, and nothing else, in the runtime."""

import json
from urllib.parse import quote_plus

import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from bucketrelay_emulators.obs.emulator import ObsEmulator
from functions.runtimes import FunctionError, FunctionGraphRuntime, LambdaRuntime
from functions.three_clouds import ROOT
from receivers import Oms, Receiver, Say, oms_error

LOGS = "ops-logs"
KEYS = [f"in/2026/photo {number}+ü%.jpg" for number in range(25)]


@pytest.fixture
def oms():
    with Oms() as server:
        yield server


@pytest.fixture
def obs(oms):
    """The log bucket's cloud; one account owns the task and the log bucket."""
    with ObsEmulator() as emulator:
        emulator.create_bucket(LOGS)
        emulator.grant(oms.access_key, oms.secret_key)
        yield emulator


def user_data(oms, obs, **changed):
    return {
        "sync_url": oms.url + oms.path,
        "sync_task_id": "42",
        "log_bucket": LOGS,
        "obs_endpoint": obs.endpoint,
        "hw_ak": oms.access_key,
        "hw_sk": oms.secret_key,
        **changed,
    }


@pytest.fixture
def function(oms, obs):
    """The function as it is deployed, with the template's six variables; *changed* ones first."""
    opened = []

    def function(**changed):
        folder, data = ROOT / "functions" / "obs_trigger", user_data(oms, obs, **changed)
        opened.append(FunctionGraphRuntime(folder, paths=[ROOT / "shared"], user_data=data).__enter__())
        return opened[-1]

    yield function
    for runtime in opened:
        runtime.__exit__(None, None, None)


def event(*keys, bucket="whichever-bucket", name="ObjectCreated:Put"):
    """An OBS trigger's event, version 3.0."""
    return {
        "Records": [
            {
                "eventVersion": "3.0",
                "eventSource": "OBS",
                "eventTime": "2026-11-21T09:15:00.000Z",
                "eventName": name,
                "responseElements": {"x-obs-request-id": f"request-{number}"},
                "obs": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe=""), "size": 1}},
            }
            for number, key in enumerate(keys)
        ]
    }


def lists(obs, bucket=LOGS):
    """The lines of both lists, by folder, and nothing else in the log bucket."""
    found = {"success_object": [], "failed_object": []}
    held = obs.engine.bucket(bucket)
    for listed in held.list():
        top, folder, *_ = listed.key.split("/")
        assert top == "oms_source_record"
        found.setdefault(folder, []).extend(json.loads(line) for line in held.get(listed.key).body.splitlines())
    return found


def test_the_templates_six_variables_are_all_it_takes(function, oms, obs):
    answer = function().invoke(event(*KEYS))

    assert answer == {"tasks": 25, "forwarded": 25, "bytes": 0}
    assert sorted(len(got.keys) for got in oms.got) == [5, 10, 10]
    assert sorted(oms.asked) == sorted(KEYS)
    found = lists(obs)
    assert found["failed_object"] == []
    assert [line["key"] for line in found["success_object"]] == KEYS
    first = found["success_object"][0]
    assert (first["outcome"], first["cause"], first["error"]) == ("forwarded", "request-0", "")
    assert first["source"] == f"obs://whichever-bucket/{KEYS[0]}"
    assert first["target"] == oms.url + oms.path


def test_a_refused_request_ends_in_the_failed_list_and_the_platform_is_told(function, oms, obs):
    oms.answer = lambda got: oms_error(400, "OMS.0054", "Invalid task ID.") if KEYS[12] in got.keys else Say()
    with pytest.raises(FunctionError, match="10 failed, see failed_object/") as told:
        function().invoke(event(*KEYS))

    found = lists(obs)
    assert told.value.type == "TasksFailed"
    assert [line["key"] for line in found["failed_object"]] == KEYS[10:20]
    assert [line["key"] for line in found["success_object"]] == KEYS[:10] + KEYS[20:]
    assert all("400 OMS.0054 Invalid task ID." in line["error"] for line in found["failed_object"])
    assert not any(line["retryable"] for line in found["failed_object"])


def test_what_was_refused_is_sent_again_by_replay(function, oms, obs, monkeypatch, tmp_path):
    oms.answer = lambda got: oms_error(400, "OMS.0054", "Invalid task ID.") if KEYS[12] in got.keys else Say()
    with pytest.raises(FunctionError):
        function().invoke(event(*KEYS))
    oms.answer, before = lambda _: Say(), len(oms.got)
    monkeypatch.chdir(tmp_path)
    for name, value in {**user_data(oms, obs), "RUNTIME_PROJECT_ID": "0123"}.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(cli, ["replay", "-q", "--json"])

    assert done.exit_code == 0, done.output
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["forwarded"] * 10
    assert sorted(key for got in oms.got[before:] for key in got.keys) == sorted(KEYS[10:20])
    found = lists(obs)
    assert found["failed_object"] == []
    assert len(found["success_object"]) == 25


def test_the_keys_are_in_no_list_and_no_log_line(function, oms, obs):
    oms.answer = lambda _: oms_error(403, "APIGW.0302", f"AK {oms.access_key} is not allowed, SK {oms.secret_key}")
    warm = function()
    with pytest.raises(FunctionError) as told:
        warm.invoke(event("a"))

    said = json.dumps(lists(obs)) + warm.log() + str(told.value)
    assert "APIGW.0302" in said
    assert oms.access_key not in said
    assert oms.secret_key not in said


def test_a_busy_service_is_asked_again_within_the_invocation(function, oms, obs):
    oms.script.extend([Say(429, b"", {"Retry-After": "0"}), Say(503)])
    function().invoke(event("a"))

    assert oms.asked == ["a"] * 3
    assert [line["outcome"] for line in lists(obs)["success_object"]] == ["forwarded"]


@pytest.mark.parametrize("rest", ["", "/v2", "/v2/0123/sync-tasks/42"])
def test_a_shorter_address_is_completed_with_the_task_and_the_functions_project(oms, obs, rest):
    settings = {
        "paths": [ROOT / "shared"],
        "user_data": user_data(oms, obs, sync_url=oms.url + rest),
        "env": {"RUNTIME_PROJECT_ID": "0123"},
    }
    with FunctionGraphRuntime(ROOT / "functions" / "obs_trigger", **settings) as function:
        function.invoke(event("a"))

    assert oms.asked == ["a"]


def test_an_address_of_another_task_is_a_mistake_that_says_where(function, oms, obs):
    with pytest.raises(FunctionError, match="sync_url: it names another task than the task id"):
        function(sync_task_id="43").invoke(event("a"))

    assert oms.got == []
    assert lists(obs) == {"success_object": [], "failed_object": []}


def test_a_removal_is_told_to_nobody_and_the_lists_say_so(function, oms, obs):
    assert function().invoke(event("a", name="ObjectRemoved:Delete")) == {"tasks": 1, "unchanged": 1, "bytes": 0}
    assert oms.got == []
    (line,) = lists(obs)["success_object"]
    assert (line["outcome"], line["change"]) == ("unchanged", "removed")
    assert "nobody was told" in line["note"]


def test_the_lists_own_events_are_not_forwarded(function, oms, obs):
    assert function().invoke(event("oms_source_record/success_object/1.jsonl", bucket=LOGS))["tasks"] == 0
    assert oms.got == []


# --- from other clouds, by a file -------------------------------------------------------------------------------------


def s3_event(*keys):
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventTime": "2026-11-21T09:15:00.000Z",
                "eventName": "ObjectCreated:Put",
                "responseElements": {"x-amz-request-id": f"request-{number}"},
                "s3": {"bucket": {"name": "photos"}, "object": {"key": quote_plus(key, safe="/"), "size": 1}},
            }
            for number, key in enumerate(keys)
        ]
    }


def toml(obs, forward):
    return f"""
        log = "logs"
        [stores.photos]
        url = "s3://photos/in"
        [stores.logs]
        url = "obs://{LOGS}/oms_source_record"
        endpoint = "{obs.endpoint}"
        access_key = "{obs.access_key}"
        secret_key = "${{LOG_SK}}"
        [[routes]]
        name = "to-others"
        source = "photos"
        forward = "other"
        [forwards.other]
        {forward}
    """


def test_an_event_of_s3_is_forwarded_to_oms_with_the_whole_key(oms, obs):
    forward = (
        f'type = "oms"\nurl = "{oms.url}{oms.path}"\naccess_key = "{oms.access_key}"\nsecret_key = "{oms.secret_key}"'
    )
    env = {"BUCKETRELAY_TOML": toml(obs, forward), "LOG_SK": obs.secret_key}
    with LambdaRuntime(ROOT / "functions" / "s3_notifications", paths=[ROOT / "shared"], env=env) as function:
        answer = function.invoke(s3_event(*KEYS))

    assert answer["forwarded"] == 25
    assert sorted(oms.asked) == sorted(KEYS)
    (line, *_) = lists(obs)["success_object"]
    assert (line["key"], line["source"]) == (KEYS[0].removeprefix("in/"), f"s3://photos/{KEYS[0]}")
    assert line["target"] == oms.url + oms.path


def test_an_event_of_s3_is_told_to_a_webhook_and_a_refusal_is_its_own(obs):
    with Receiver(lambda got: Say(410 if b'"subject":"b"' in got.body else 200)) as hook:
        forward = f'type = "webhook"\nurl = "{hook.url}/hook?token=hidden"\nsecret_key = "shared secret"'
        env = {"BUCKETRELAY_TOML": toml(obs, forward), "LOG_SK": obs.secret_key}
        with (
            LambdaRuntime(ROOT / "functions" / "s3_notifications", paths=[ROOT / "shared"], env=env) as function,
            pytest.raises(FunctionError, match="1 failed"),
        ):
            function.invoke(s3_event("in/a", "in/b", "in/c"))

    assert sorted(json.loads(got.body)["data"]["key"] for got in hook.got) == ["in/a", "in/b", "in/c"]
    found = lists(obs)
    assert [line["key"] for line in found["success_object"]] == ["a", "c"]
    assert [line["key"] for line in found["failed_object"]] == ["b"]
    assert found["failed_object"][0]["target"] == f"{hook.url}/hook"
    assert "hidden" not in json.dumps(found)
