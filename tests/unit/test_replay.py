"""Failed lists, run again."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from bucketrelay import config, wiring
from bucketrelay.cli import cli
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.replay import moment

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)


class World:
    """A local source that events of OBS speak for: the route's own stores are directories, but for the source."""

    def __init__(self, folder):
        from bucketrelay_emulators.obs.emulator import ObsEmulator

        self.folder, self.obs = folder, ObsEmulator().__enter__()
        self.obs.create_bucket("src-bucket")
        for name in ("target", "other", "logs"):
            (folder / name).mkdir()
        keys = f'access_key = "{self.obs.access_key}"\nsecret_key = "{self.obs.secret_key}"\n'
        self.toml = (
            f'log = "logs"\n[stores.source]\nurl = "obs://src-bucket"\nendpoint = "{self.obs.endpoint}"\n{keys}'
            + "".join(f'[stores.{name}]\nurl = "file://{folder}/{name}"\n' for name in ("target", "other", "logs"))
            + '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target", "other"]\n'
        )
        (folder / "relay.toml").write_text(self.toml)

    def write(self, key, body=b"1"):
        self.obs.engine.bucket("src-bucket", "").put(key, body, headers={})

    def fail(self, *keys, bucket="src-bucket"):
        """Events of *keys* while a target is away."""
        away = self.folder / "away"
        (self.folder / "target").rename(away)
        records = [
            {"obs": {"bucket": {"name": bucket}, "object": {"key": key}}, "eventName": "ObjectCreated:Put"}
            for key in keys
        ]
        system = wiring.system(config.load(self.toml, {}), emit=lambda line: None)
        entry.handle({"Records": records}, system, cloud="obs", seconds=60, invocation="first")
        system.close()
        away.rename(self.folder / "target")

    def lists(self, name):
        found = sorted((self.folder / "logs" / name).rglob("*.jsonl"))
        return [json.loads(line) for path in found for line in path.read_text().splitlines()]

    def run(self, *words):
        return CliRunner().invoke(cli, ["replay", *words])


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    yield world
    world.obs.__exit__(None, None, None)


def test_what_failed_is_run_again_and_its_list_moves_away(world):
    for key in ("a b", "c"):
        world.write(key)
    world.fail("a+b", "c")
    assert [line["key"] for line in world.lists("failed_object")] == ["a b", "c"]
    done = world.run("--json", "-q")

    assert done.exit_code == 0, done.output
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == ["copied", "copied"]
    assert sorted(path.name for path in (world.folder / "target").iterdir() if path.is_file()) == ["a b", "c"]
    assert world.lists("failed_object") == []
    assert [line["outcome"] for line in world.lists("replayed_object")] == ["failed", "failed"]
    assert world.run("-q").stdout.strip() == ""  # nothing is left to be done


def test_what_fails_again_is_in_a_new_failed_list(world):
    world.write("k")
    world.fail("k")
    (world.folder / "target").rename(world.folder / "away")
    done = world.run("-q")

    assert done.exit_code == 1
    (line,) = world.lists("failed_object")
    assert line["outcome"] == "failed"
    assert len(world.lists("replayed_object")) == 1


def test_a_dry_run_prints_the_tasks_and_touches_nothing(world):
    world.write("k")
    world.fail("k")
    done = world.run("--dry-run", "--json", "-q")

    (task,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert task["target"].endswith("/target/k")
    assert len(world.lists("failed_object")) == 1
    assert list((world.folder / "target").iterdir()) == []


def test_another_routes_lines_stay_in_a_failed_list(world):
    world.write("k")
    world.fail("k")
    world.fail("x", bucket="foreign")
    done = world.run("--route", "r", "-q")

    assert done.exit_code == 0
    assert [line["source"] for line in world.lists("failed_object")] == ["obs://foreign/x"]


def test_a_line_of_a_route_that_is_gone_says_so_and_is_not_lost(world):
    world.write("k")
    world.fail("k")
    (world.folder / "relay.toml").write_text(world.toml.replace('name = "r"', 'name = "renamed"'))
    done = world.run("-q")

    assert done.exit_code == 1
    (line,) = world.lists("failed_object")
    assert "no route is named" in line["error"]


@pytest.mark.parametrize(("words", "left"), [(["--since", "1h"], 0), (["--since", "2999-01-01"], 1)])
def test_lists_from_before_are_left_alone(world, words, left):
    world.write("k")
    world.fail("k")
    world.run("-q", *words)

    assert len(world.lists("failed_object")) == left


@pytest.mark.parametrize("words", [["--since", "yesterday"], ["--route", "nobody"]])
def test_wrong_words_are_exit_2_with_one_line(world, words):
    done = world.run(*words)

    assert done.exit_code == 2
    assert words[1] in done.stderr


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=timezone.utc)),
        ("2026-11-20T09:15:00Z", NOW - timedelta(days=1)),
        ("2026-11-20T10:15:00+01:00", NOW - timedelta(days=1)),
    ],
)
def test_when_is_a_date_or_how_long_ago(text, means):
    assert moment(text, NOW) == means
