"""`bucketrelay reconcile`: what is typed, what is printed, how it exits."""

import io
import json

import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from bucketrelay.commands.progress import Progress
from bucketrelay.drivers.reconcile.run import Reconciliation


class World:
    """A route between two directories."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("source", "target", "logs"):
            (folder / name).mkdir()
        self.configure()

    def configure(self, more=""):
        stores = "".join(
            f'[stores.{name}]\nurl = "file://{self.folder}/{name}"\n' for name in ("source", "target", "logs")
        )
        route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
        (self.folder / "relay.toml").write_text(f'log = "logs"\n{stores}{route}{more}')

    def write(self, key, body="1"):
        path = self.folder / "source" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)

    def run(self, *words):
        return CliRunner().invoke(cli, ["reconcile", *words])

    def books(self):
        return [json.loads(path.read_text()) for path in sorted((self.folder / "logs").rglob("books.json"))]


@pytest.fixture
def world(tmp_path, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


def test_the_difference_is_repaired_and_the_books_are_printed_and_written(world):
    world.write("a/b c")
    world.write("d", "22")
    done = world.run("r", "--json")
    assert done.exit_code == 0, done.output
    (book,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (book["missing"], book["repaired"], book["complete"], book["bytes"]) == (2, 2, True, 3)
    assert world.books() == [[book]]
    assert (world.folder / "target" / "a" / "b c").read_text() == "1"
    assert f"reconcile/r/{book['time']}/ in the log store" in done.stderr


def test_check_exits_1_where_the_sides_differ_and_0_where_not(world):
    world.write("a")
    assert world.run("r", "--check", "--json").exit_code == 1
    assert not (world.folder / "target" / "a").exists()
    assert world.run("r").exit_code == 0
    done = world.run("--check", "r", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["right"] == 1


def test_without_json_every_count_stands_on_a_line_of_its_own(world):
    world.write("a")
    done = world.run("r", "-q")
    lines = done.stdout.splitlines()
    assert {"route\tr", "target\ttarget", "complete\tyes", "missing\t1", "right\t0"} <= set(lines)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x"], "no route is named 'x'; there are: r"),
        (["r", "--target", "z"], "--target z: no target of route r"),
        (["r", "--check", "--adopt"], "--check and --adopt: say one of them"),
        (["r", "--check", "--sqs", "http://x/1/q"], "--sqs and --check: say one of them"),
        (["r", "--enqueue", "--sqs", "http://x/1/q"], "--enqueue and --sqs: say one of them"),
        (["r", "--batch-manifest", "m.csv"], "S3 Batch Operations know S3's own buckets only"),
        (["r", "--depth", "deep"], "--depth"),
        ([], "ROUTE"),
    ],
)
def test_wrong_usage_is_said_and_exits_2(world, words, said):
    done = world.run(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_target_that_is_gone_is_one_clear_line_and_no_absence(world):
    world.write("a")
    (world.folder / "source").rename(world.folder / "away")
    done = world.run("r")
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "source" in done.stderr


def test_enqueued_differences_are_jobs_of_the_queue_and_a_worker_does_them(world):
    world.configure('[queue]\nurl = "sqlite:///relay.db"\n')
    for key in ("a", "b"):
        world.write(key)
    done = world.run("r", "--enqueue", "--json")
    assert done.exit_code == 0, done.output
    (book,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (book["missing"], book["queued"], book["repaired"], book["complete"]) == (2, 2, 0, True)
    assert not (world.folder / "target" / "a").exists()
    assert world.run("r", "--enqueue").exit_code == 0  # the same jobs, not twice as many
    said = CliRunner().invoke(cli, ["queue", "status", "--json"])
    assert json.loads(said.stdout)["pending"] == 2
    assert CliRunner().invoke(cli, ["worker", "--drain"]).exit_code == 0
    assert not (world.folder / "relay.db-wal").exists()  # SQLite takes it away when the last connection is closed
    assert world.run("r", "--check").exit_code == 0


def test_progress_says_how_fast_and_how_long_still():
    clock, out = [0.0], io.StringIO()
    progress = Progress("keys", 100_000, out=out, now=lambda: clock[0])
    for clock[0] in (10.0, 29.0, 31.0):
        progress.add(10_000)
    assert out.getvalue() == "30,000 of some 100,000 keys, 968 a second, 72 s left\n"
    progress.add(90_000)
    clock[0] = 62.0
    progress.add(0)
    assert out.getvalue().splitlines()[-1] == "120,000 keys, 1,935 a second"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_is_written_over_and_taken_away():
    clock, out = [0.0], _Terminal()
    progress = Progress("keys", out=out, now=lambda: clock[0])
    for clock[0] in (1.0, 1.1, 2.0):
        progress.add(10)
    progress.end()
    assert out.getvalue() == "\r10 keys, 10 a second\r30 keys, 15 a second\r                    \r"
    quiet = io.StringIO()
    Progress("keys", quiet=True, out=quiet, now=iter([0.0, 0.0, 99.0]).__next__).add(1)
    assert quiet.getvalue() == ""


@pytest.mark.parametrize(("words", "streams"), [((), (1, True)), (("--streams", "3"), (3, False))])
def test_as_many_listings_as_somebody_says_or_as_there_is_time_for(world, monkeypatch, words, streams):
    wishes = []
    whole = Reconciliation.__init__
    monkeypatch.setattr(
        Reconciliation, "__init__", lambda self, wish, *rest: wishes.append(wish) or whole(self, wish, *rest)
    )
    assert world.run("r", "--check", *words).exit_code == 0
    assert [(wish.streams, wish.at_most) for wish in wishes] == [streams]
