"""An event that makes no task says why; a message that cannot be read is shown; what surprises is noted."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
from click.testing import CliRunner

from bucketrelay import config, wiring
from bucketrelay.cli import cli
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.record import ListsLost
from payloads.event_builders import record, records, sqs
from receivers import Oms
from unit.test_replay import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    yield world
    world.obs.__exit__(None, None, None)


def event(key="in/a.jpg", name="ObjectCreated:Put", bucket="src-bucket"):
    return records({"obs": {"bucket": {"name": bucket}, "object": {"key": key}}, "eventName": name})


def filtered(world, more):
    (world.folder / "relay.toml").write_text(world.toml + more)


def handled(world, payload, **changed):
    lines = []
    system = wiring.system(config.load((world.folder / "relay.toml").read_text(), {}), emit=lines.append)
    with closing(system):
        report = entry.handle(payload, replace(system, **changed), cloud="obs", seconds=60, invocation="i")
    return report, [json.loads(line) for line in lines]


LEFT_OUT = [
    ('strip_prefix = "in/"', "in/", "ObjectCreated:Put", "route r: it is strip_prefix 'in/' and nothing else"),
    ('strip_prefix = "in/"', "out/a", "ObjectCreated:Put", "route r: it does not begin with strip_prefix 'in/'"),
    ('include = ["out/**"]', "in/a.jpg", "ObjectCreated:Put", "route r: include has no pattern for it: 'out/**'"),
    ('exclude = ["**/*.jpg"]', "in/a.jpg", "ObjectCreated:Put", "route r: exclude has '**/*.jpg'"),
    ("", "in/a.jpg", "ObjectTagging:Put", "it changes nothing that a copy could show"),
]


@pytest.mark.parametrize(("filters", "key", "name", "why"), LEFT_OUT)
def test_an_event_that_makes_no_task_leaves_a_line_in_the_log_that_says_why(world, filters, key, name, why):
    filtered(world, filters)
    report, lines = handled(world, event(key, name))

    assert report.results == ()
    said = {"invocation": "i", "source": f"obs://src-bucket/{key}", "name": name, "cause": "", "why": why}
    assert lines == [{"event": "event.passed", **said}]


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize(("filters", "key", "name", "why"), LEFT_OUT)
def test_replicate_says_it_too_dry_or_not(world, dry, filters, key, name, why):
    filtered(world, filters)
    (world.folder / "event.json").write_text(json.dumps(event(key, name)))
    done = CliRunner().invoke(cli, ["replicate", "event.json", *(["--dry-run"] if dry else [])])

    assert done.exit_code == 0, done.output
    assert f"event.json: obs://src-bucket/{key}: {name} makes no task: {why}" in done.stderr


def test_a_key_outside_of_the_stores_prefix_says_so(world):
    filtered(world, "")
    text = world.toml.replace('"obs://src-bucket"', '"obs://src-bucket/in"')
    (world.folder / "relay.toml").write_text(text)

    report, _ = handled(world, event("out/a.jpg"))
    assert [each.why for each in report.passed] == ["route r: it lies outside of the source, obs://src-bucket/in"]


def test_a_created_event_without_its_object_is_said_in_the_note(world):
    report, _ = handled(world, event("never-there"))

    assert {(r.outcome.value, r.note) for r in report.results} == {
        ("unchanged", "the source has no such object, though the event says that it was written")
    }


def test_a_removal_of_what_is_gone_on_both_sides_has_no_note(world):
    report, _ = handled(world, event("never-there", "ObjectRemoved:Delete"))

    assert {(r.outcome.value, r.note) for r in report.results} == {("unchanged", "")}


@pytest.mark.parametrize("dry", [True, False])
def test_a_message_that_cannot_be_read_is_shown_by_a_dry_run_as_by_a_real_one(tmp_path, monkeypatch, dry):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "logs"):
        (tmp_path / name).mkdir()
    stores = "".join(f'[stores.{n}]\nurl = "file://{tmp_path}/{n}"\n' for n in ("b", "logs"))
    route = '[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\ninclude = ["out/**"]\n'
    (tmp_path / "relay.toml").write_text(f'log = "logs"\n[stores.a]\nurl = "s3://a"\n{stores}{route}')
    good = json.dumps(records(record("in/a", bucket="a")))
    bad = json.dumps(records(record("100%", bucket="a")))
    (tmp_path / "event.json").write_text(json.dumps(sqs(good, bad, "no event")))
    done = CliRunner().invoke(cli, ["replicate", "event.json", *(["--dry-run"] if dry else [])])

    assert done.exit_code == 1
    assert "SQS message 'm2': key '100%' is not URL-encoded" in done.stderr
    assert "SQS message 'm3': the payload is not JSON" in done.stderr


def test_lists_that_cannot_be_written_cost_no_result_and_both_are_named(world, monkeypatch):
    world.write("k")
    world.fail("k")  # the target is there again
    nowhere = 'url = "s3://logs"\nendpoint = "http://127.0.0.1:1"\nretries = 0\naccess_key = "a"\nsecret_key = "s"'
    text = world.toml.replace(f'url = "file://{world.folder}/logs"', nowhere).replace('"other"]', '"lost"]')
    (world.folder / "relay.toml").write_text(f'{text}[stores.lost]\nurl = "file://{world.folder}/lost"\n')
    (world.folder / "event.json").write_text(json.dumps(event("k")))
    done = CliRunner().invoke(cli, ["replicate", "event.json", "--json"])

    assert done.exit_code == 1
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["copied", "failed"]
    assert "the lists: s3://logs" in done.stderr
    assert "and 1 of 2 tasks failed, the first: " in done.stderr
    assert "2 tasks: 1 copied, 1 failed" in done.stderr


def test_the_six_variables_forward_an_event_of_s3_by_sqs_too(tmp_path):
    with Oms() as oms:
        settings = {
            "sync_url": f"{oms.url}{oms.path}",
            "sync_task_id": oms.path.split("/")[-2],
            "log_bucket": "logs",
            "obs_endpoint": "http://127.0.0.1:1",
            "hw_ak": oms.access_key,
            "hw_sk": oms.secret_key,
        }
        made = wiring.system(config.find(settings, None, tmp_path), emit=lambda _: None)
        message = sqs(json.dumps(records(record("a b", bucket="any"))))
        with closing(made), pytest.raises(ListsLost) as lost:  # there is no log bucket
            entry.handle(message, made, cloud="s3", seconds=60, invocation="i")

    assert oms.asked == ["a b"]
    assert [(r.source, r.outcome.value) for r in lost.value.results] == [("s3://any/a b", "forwarded")]
