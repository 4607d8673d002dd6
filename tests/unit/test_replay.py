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
    assert "no route is named 'r'" in done.stderr
    assert len(world.lists("failed_object")) == 1


def test_what_no_route_wants_any_more_is_said_once_and_grows_no_longer(world):
    for key in "ab":
        world.write(key)
        world.fail(key)
    (world.folder / "relay.toml").write_text(world.toml.replace('"target", "other"]', '"other"]'))
    before = world.lists("failed_object")
    said = [world.run("-q").stderr for _ in range(3)]

    assert world.lists("failed_object") == before
    assert world.lists("replayed_object") == []
    assert len(set(said)) == 1
    assert said[0].count("has no target") == 1
    assert "2 lines: the route r has no target" in said[0]
    assert "--forget" in said[0]


def test_forget_ends_the_lines_that_no_route_wants_and_no_others(world):
    for key in "ab":
        world.write(key)
    world.fail("a")
    world.fail("b", bucket="foreign")
    done = world.run("--forget", "-q")

    assert done.exit_code == 0, done.output
    assert (world.folder / "target/a").read_bytes() == b"1"
    assert world.lists("failed_object") == []
    assert len(world.lists("replayed_object")) == 2
    assert world.run("-q").exit_code == 0


def test_forget_with_a_route_leaves_the_other_routes_lines(world):
    world.write("k")
    world.fail("k", bucket="foreign")
    world.run("--forget", "--route", "r", "-q")

    assert len(world.lists("failed_object")) == 1


def test_an_unreadable_list_is_set_aside_and_costs_the_others_nothing(world):
    for key in "abc":
        world.write(key)
        world.fail(key)
    first, *_ = sorted((world.folder / "logs/failed_object").rglob("*.jsonl"))
    body = b"{" + first.read_bytes()
    first.write_bytes(body)
    done = world.run("-q")

    assert done.exit_code == 1
    assert f"{first.name} line 1" in done.stderr
    assert sorted(path.name for path in (world.folder / "target").iterdir() if path.is_file()) == ["b", "c"]
    assert [path.read_bytes() for path in (world.folder / "logs/damaged_object").rglob("*.jsonl")] == [body]
    assert world.lists("failed_object") == []
    assert world.run("-q").exit_code == 0


def test_a_damaged_line_costs_its_neighbours_in_the_list_nothing(world):
    for key in "ab":
        world.write(key)
    world.fail("a", "b")
    (path,) = (world.folder / "logs/failed_object").rglob("*.jsonl")
    path.write_text("no JSON\n" + path.read_text())
    world.run("-q")

    assert sorted(path.name for path in (world.folder / "target").iterdir() if path.is_file()) == ["a", "b"]


def test_a_list_that_cannot_be_read_now_stays_and_costs_the_others_nothing(world):
    for key in "ab":
        world.write(key)
        world.fail(key)
    first, _ = sorted((world.folder / "logs/failed_object").rglob("*.jsonl"))
    with first.open("r+b") as file:
        file.truncate(300 * 1024 * 1024)  # too large to be one of ours: not read at all
    done = world.run("-q")

    assert done.exit_code == 1
    assert "too large to be a list of ours" in done.stderr
    assert (world.folder / "target/b").exists()
    assert first.exists()


def test_all_lists_come_in_one_table(world):
    for key in "abc":
        world.write(key)
        world.fail(key)
    done = world.run("-q")

    assert len(done.stdout.splitlines()) == 3  # a line for each task, and no heading for each list


def test_a_key_that_failed_in_many_lists_is_done_once(world):
    world.write("k")
    for _ in range(3):
        world.fail("k")
    done = world.run("--json")

    assert len(done.stdout.splitlines()) == 1
    assert world.lists("failed_object") == []
    assert len(world.lists("replayed_object")) == 3


def test_go_wants_a_route_and_says_where_nothing_has_blown(world):
    assert world.run("--go").exit_code == 2
    assert "has not blown" in world.run("--go", "--route", "r").stderr


def hold(world, *keys):
    """Deletes that the route's fuse holds."""
    world.toml = world.toml + 'deletes = "follow"\nmax_deletes = 0\n'
    (world.folder / "relay.toml").write_text(world.toml)
    system = wiring.system(config.load(world.toml, {}), emit=lambda line: None)
    for change, name in (("created", "Created:Put"), ("removed", "Removed:Delete")):
        records = [
            {"obs": {"bucket": {"name": "src-bucket"}, "object": {"key": key}}, "eventName": f"Object{name}"}
            for key in keys
        ]
        for key in keys:
            if change == "created":
                world.write(key)
            else:
                world.obs.engine.bucket("src-bucket", "").delete(key)
        entry.handle({"Records": records}, system, cloud="obs", seconds=60, invocation=change).answer()
    system.close()


def test_held_deletes_are_held_in_replay_too_until_somebody_says_go(world):
    hold(world, "a", "b", "c")
    assert len(world.lists("failed_object")) == 6
    held = world.run("-q")
    assert held.exit_code == 1
    assert "--go" in held.stdout
    assert len(list((world.folder / "target").glob("?"))) == 3

    done = world.run("--route", "r", "--go", "-q")
    assert done.exit_code == 0, done.output
    assert list((world.folder / "target").glob("?")) == []
    assert world.lists("failed_object") == []
    assert list((world.folder / "logs/fuse").rglob("mark.json")) == []


def test_where_a_list_could_not_be_handled_the_mark_stays_after_go(world):
    hold(world, "a")
    (path,) = (world.folder / "logs/failed_object").rglob("*.jsonl")
    path.write_text("no JSON\n" + path.read_text())
    world.run("--route", "r", "--go", "-q")

    assert len(list((world.folder / "logs/fuse").rglob("mark.json"))) == 1


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
