"""From a configuration with forwards to a system."""

import json
import subprocess
import sys

import pytest

from bucketrelay import config, wiring
from bucketrelay.config import from_environment
from bucketrelay.deadline import Deadline
from bucketrelay.drivers import function as entry
from bucketrelay.errors import ConfigError
from bucketrelay.model import Outcome, Task
from receivers import Oms


def toml(forwards, log):
    text = f'log = "logs"\n[stores.photos]\nurl = "s3://photos/in"\n[stores.logs]\nurl = "file://{log}"\n'
    for name, lines in forwards.items():
        text += f'[[routes]]\nname = "to-{name}"\nsource = "photos"\nforward = "{name}"\n[forwards.{name}]\n{lines}\n'
    return text


@pytest.fixture
def system(tmp_path):
    def system(forwards, **more):
        return wiring.system(config.load(toml(forwards, tmp_path), {}), emit=lambda _: None, **more)

    return system


def event(key="in/a b.jpg"):
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-21T09:15:00Z"}
    return {"Records": [{**record, "s3": {"bucket": {"name": "photos"}, "object": {"key": key}}}]}


def test_without_keys_of_its_own_oms_is_asked_with_the_functions(system):
    with Oms() as oms:
        made = system(
            {"oms": f'type = "oms"\nurl = "{oms.url}{oms.path}"'},
            keys=lambda: (oms.access_key, oms.secret_key, "token"),
        )
        report = entry.handle(event(), made, cloud="s3", seconds=60, invocation="i")

    assert [result.outcome for result in report.results] == [Outcome.FORWARDED]
    assert oms.got[0].headers["x-security-token"] == "token"
    assert oms.asked == ["in/a b.jpg"]


def test_mistakes_of_all_forwards_are_reported_at_once_and_say_where(system):
    with pytest.raises(ConfigError) as refused:
        system(
            {
                "oms": 'type = "oms"\nurl = "https://oms.example.com/v2/0123"',
                "hook": 'type = "webhook"\nurl = "https://hook.example.com"\nsecret_key = "whsec_?"',
            }
        )

    assert [mistake.partition(": it ")[0].partition(": secret_key")[0] for mistake in refused.value.mistakes] == [
        "forwards.oms",
        "forwards.hook",
    ]


def test_an_oms_address_without_a_project_is_a_mistake_where_nobody_knows_it():
    environ = {
        "sync_url": "https://oms.cn-north-4.myhuaweicloud.com",
        "sync_task_id": "42",
        "log_bucket": "ops-logs",
        "obs_endpoint": "obs.cn-north-4.myhuaweicloud.com",
        "hw_ak": "a",
        "hw_sk": "b",
    }
    found = from_environment(environ)
    with pytest.raises(ConfigError, match="sync_url: it has no project"):
        wiring.system(found)

    assert wiring.system(found, project="0123").routes == found.routes


def test_a_task_from_a_store_that_is_gone_fails_in_words_and_its_neighbour_does_not(system):
    with Oms() as oms:
        keys = f'access_key = "{oms.access_key}"\nsecret_key = "{oms.secret_key}"'
        made = system({"oms": f'type = "oms"\nurl = "{oms.url}{oms.path}"\n{keys}'})
        tasks = [Task("r", "renamed", "a", forward="oms"), Task("r", "photos", "b", forward="oms")]
        lost, told = made.runner.run([*tasks], Deadline())
        other = made.runner.run([Task("r", "photos", "a", "gone", "a")], Deadline())

    assert (lost.outcome, lost.source) == (Outcome.FAILED, "renamed/a")
    assert "no store is named 'renamed'" in lost.error
    assert (told.outcome, told.source) == (Outcome.FORWARDED, "s3://photos/in/b")
    assert oms.asked == ["in/b"]
    assert "no store is named 'gone'" in other[0].error


def test_a_dry_run_shows_where_a_key_would_be_told_and_tells_nobody(tmp_path):
    with Oms() as oms:
        (tmp_path / "relay.toml").write_text(toml({"oms": f'type = "oms"\nurl = "{oms.url}{oms.path}"'}, tmp_path))
        (tmp_path / "event.json").write_text(json.dumps(event()))
        command = ["replicate", "-q", "--config", "relay.toml", "--json", "--as", "s3", "--dry-run", "event.json"]
        done = subprocess.run(
            [sys.executable, "-m", "bucketrelay", *command],
            cwd=tmp_path,
            check=False,
            capture_output=True,
            text=True,
        )

    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["source"], said["target"]) == ("s3://photos/in/a b.jpg", oms.url + oms.path)
    assert oms.got == []


@pytest.mark.parametrize(("kind", "other"), [("oms", "webhook"), ("webhook", "oms")])
def test_only_the_forward_that_a_route_names_is_imported(tmp_path, kind, other):
    text = toml({"f": f'type = "{kind}"\nurl = "https://h/v2/p/sync-tasks/t/events"'}, tmp_path)
    code = (
        "import sys; from bucketrelay import config, wiring;"
        "assert not {'bucketrelay.forward.oms', 'bucketrelay.http.post'} & set(sys.modules);"
        f"wiring.system(config.load({text!r}, {{}}));"
        f"assert 'bucketrelay.forward.{kind}' in sys.modules and 'bucketrelay.forward.{other}' not in sys.modules;"
        "assert not {'huaweicloudsdkcore', 'http.client', 'ssl'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
