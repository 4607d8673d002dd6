"""templates/functiongraph: its parameters checked against what the function itself takes, and its test event run."""

import json
import re

import pytest

from bucketrelay.config.environment import OMS_VARIABLES, from_environment
from bucketrelay.errors import ConfigError
from bucketrelay_emulators.obs.emulator import ObsEmulator
from functions.runtimes import FunctionGraphRuntime
from receivers import Oms
from templates.stacks import ROOT

FOLDER = ROOT / "templates/functiongraph"
# What the template API shows: GET /v2/{project}/fgs/templates/{id}
SHOWN = {
    *("id", "type", "title", "template_name", "description", "runtime", "handler", "code_type", "code", "timeout"),
    *("memory_size", "trigger_metadata_list", "user_data", "encrypted_user_data", "dependencies", "temp_detail"),
}
GOOD = {
    "sync_url": "https://oms.cn-north-4.myhuaweicloud.com/v2/0123/sync-tasks/42/events",
    "sync_task_id": "42",
    "log_bucket": "ops-logs",
    "obs_endpoint": "obs.cn-north-4.myhuaweicloud.com",
    "hw_ak": "AK",
    "hw_sk": "SK",
    "RELAY_SOURCE": "obs://photos?endpoint=https://obs.ap-southeast-3.myhuaweicloud.com",
    "RELAY_TARGETS": "s3://photos?region=eu-central-1 obs://mirror?region=ap-southeast-1",
    "RELAY_LOG": "obs://ops-logs?region=ap-southeast-3",
    "RELAY_DELETES": "follow",
}
BAD = {
    "sync_url": ["ftp://oms.cn-north-4.myhuaweicloud.com/v2", "oms.cn-north-4.myhuaweicloud.com"],
    "log_bucket": ["obs://ops-logs", "ops-logs/folder", ""],
    "obs_endpoint": ["ftp://obs.cn-north-4.myhuaweicloud.com", ""],
    "RELAY_SOURCE": ["photos", "gs://photos"],
    "RELAY_TARGETS": ["photos", "gs://photos"],
    "RELAY_LOG": ["ops-logs"],
    "RELAY_DELETES": ["yes"],
}


@pytest.fixture(scope="module")
def template():
    return json.loads((FOLDER / "template.json").read_text(encoding="utf-8"))


def parameters(template):
    return {row["name"]: row for row in (*template["user_data"], *template["encrypted_user_data"])}


def test_it_has_the_fields_that_the_template_api_shows_and_the_two_that_it_lacks(template):
    assert set(template) == SHOWN | {"async_invoke_config", "test_event"}
    assert set(template["temp_detail"]) == {"input", "output", "warning"}
    assert (template["timeout"], template["runtime"], template["handler"]) == (60, "Python3.10", "index.handler")
    assert (ROOT / "functions/obs_trigger/index.py").exists()


def test_the_six_variables_are_there_under_their_own_names_and_the_keys_are_encrypted(template):
    forwarding = {row["name"] for row in parameters(template).values() if row["set"] == "oms" and row["required"]}
    assert forwarding == set(OMS_VARIABLES)
    secret = {row["name"] for row in template["encrypted_user_data"]}
    assert secret >= {"hw_ak", "hw_sk", "TARGET_SECRET_KEY"}
    assert not [row["name"] for row in template["user_data"] if re.search(r"_(ak|sk)$|KEY", row["name"])]


def test_every_parameter_has_a_description_and_a_check_and_is_in_the_readme(template):
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, row in parameters(template).items():
        assert row["description"].endswith(".")
        assert re.compile(row["check"])
        assert f"`{name}`" in readme


def given(template, kind):
    rows = parameters(template).values()
    return {row["name"]: GOOD[row["name"]] for row in rows if row["set"] == kind and row["name"] in GOOD}


@pytest.mark.parametrize("kind", ["oms", "replicate"])
def test_what_the_checks_let_through_is_a_configuration(template, kind):
    values = given(template, kind)
    assert all(re.search(parameters(template)[name]["check"], value) for name, value in values.items())
    found = from_environment(values)
    assert found is not None
    assert len(found.routes) == {"oms": 3, "replicate": 1}[kind]  # for OMS, events of every cloud are taken


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_what_a_check_refuses_the_function_refuses_too(template, name, value):
    row = parameters(template)[name]
    assert not re.search(row["check"], value)
    with pytest.raises(ConfigError, match=name):
        from_environment({**given(template, row["set"]), name: value})


@pytest.mark.parametrize("kind", ["oms", "replicate"])
def test_a_required_parameter_is_one_that_the_function_asks_for(template, kind):
    values = given(template, kind)
    for row in parameters(template).values():
        without = {name: value for name, value in values.items() if name != row["name"]}
        if row["set"] == kind and row["required"]:
            with pytest.raises(ConfigError, match=row["name"]):
                from_environment(without)
        elif row["name"] in values:
            assert from_environment(without) is not None


def test_the_triggers_are_those_of_both_sites(template):
    obs, eventgrid, timer = template["trigger_metadata_list"]
    assert (timer["trigger_type"], timer["event_data"]["schedule"]) == ("TIMER", "1d")  # housekeeping, on both
    assert (obs["trigger_type"], obs["site"]) == ("OBS", "international")
    assert obs["event_data"]["events"] == ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
    assert (eventgrid["trigger_type"], eventgrid["site"]) == ("EVENTGRID", "china")
    assert eventgrid["event_data"]["Key_encode"] is True
    assert len(eventgrid["event_data"]["event_types"]) == 6


def test_what_fails_is_retried_and_then_kept(template):
    said = template["async_invoke_config"]
    assert said["max_async_retry_attempts"] == 3
    assert said["destination_config"]["on_failure"]["destination"] == "OBS"


def test_the_test_event_runs_in_the_function_as_the_template_describes_it(template):
    event = json.loads((FOLDER / template["test_event"]["content"]).read_text(encoding="utf-8"))
    name = template["test_event"]["name"]
    assert len(name) <= 25  # FunctionGraph takes no longer ones
    with Oms() as oms, ObsEmulator() as obs:
        obs.create_bucket("ops-logs")
        obs.grant(oms.access_key, oms.secret_key)
        data = {
            **given(template, "oms"),
            "sync_url": oms.url + oms.path,
            "obs_endpoint": obs.endpoint,
            "hw_ak": oms.access_key,
            "hw_sk": oms.secret_key,
        }
        folder = ROOT / "functions/obs_trigger"
        with FunctionGraphRuntime(folder, template["handler"], paths=[ROOT / "shared"], user_data=data) as function:
            answer = function.invoke(event)
        assert answer == {"tasks": 1, "forwarded": 1, "bytes": 0}
        assert json.dumps(answer) in template["temp_detail"]["output"]
        assert oms.asked == ["test.txt"]
        assert [listed.key.split("/")[:2] for listed in obs.engine.bucket("ops-logs").list()] == [
            ["oms_source_record", "success_object"]
        ]
