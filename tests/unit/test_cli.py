"""The command line: what is typed, what is printed, how it exits."""

import json

import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from bucketrelay_emulators.local_clouds import Held, local_s3

KEY = "photos/menu.jpg"


@pytest.fixture(scope="module")
def s3():
    with local_s3() as s3:
        s3.create("src-bucket")
        yield s3


@pytest.fixture
def world(s3, tmp_path, monkeypatch):
    """An S3 bucket played by a server, empty, to a local directory; everything else of the environment taken away."""
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path, s3)
    yield world
    for key in s3.keys("src-bucket"):
        s3.remove("src-bucket", key)


class World:
    def __init__(self, folder, s3):
        self.folder, self.s3 = folder, s3
        options = {"endpoint": s3.endpoint, "region": "us-east-1", "access_key": "a", "secret_key": "s"}
        for name in ("target", "logs"):
            (folder / name).mkdir()
        text = "".join(f'{name} = "{value}"\n' for name, value in options.items())
        (folder / "relay.toml").write_text(
            f'log = "logs"\n[stores.source]\nurl = "s3://src-bucket"\n{text}'
            f'[stores.target]\nurl = "file://{folder}/target"\n[stores.logs]\nurl = "file://{folder}/logs"\n'
            '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
        )

    def write(self, key=KEY, body=b"1"):
        self.s3.write("src-bucket", key, Held(body, "text/plain"))

    def event(self, key=KEY, bucket="src-bucket", name="event.json"):
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
        }
        (self.folder / name).write_text(json.dumps({"Records": [record]}))
        return name


def run(*words, stdin=None):
    return CliRunner().invoke(cli, ["replicate", *words], input=stdin)


def test_an_event_is_replicated_and_shown(world):
    world.write()
    done = run(world.event())

    assert done.exit_code == 0, done.output
    assert "copied" in done.stdout
    assert (world.folder / "target" / KEY).read_bytes() == b"1"
    assert list((world.folder / "logs" / "success_object").rglob("*.jsonl"))


def test_json_is_one_object_a_line_on_standard_output(world):
    world.write()
    done = run(world.event(), "--json", "-q")

    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (line["outcome"], line["key"], line["source"]) == ("copied", KEY, f"s3://src-bucket/{KEY}")
    assert done.stderr == ""


def test_a_dry_run_prints_the_tasks_and_touches_nothing(world):
    world.write()
    done = run(world.event(), "--dry-run", "--json")

    (task,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (task["route"], task["target"]) == ("r", f"file://{world.folder}/target/{KEY}")
    assert done.exit_code == 0
    assert list((world.folder / "target").iterdir()) == []
    assert list((world.folder / "logs").iterdir()) == []


def test_standard_input_is_read_where_a_dash_stands(world):
    world.write()
    done = run("-", stdin=(world.folder / world.event()).read_text())

    assert done.exit_code == 0, done.output


def test_a_failed_task_is_exit_1_and_says_why(world):
    done = run(world.event(bucket="foreign"), "--json")

    assert done.exit_code == 1
    assert "add a route" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("content", "words"), [("not json", "not JSON"), ("{}", "check which service"), (None, "No such file")]
)
def test_what_is_no_event_is_exit_2_with_one_line(world, content, words):
    if content is not None:
        (world.folder / "event.json").write_text(content)
    done = run("event.json")

    assert done.exit_code == 2
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_one_bad_file_does_not_keep_the_next_from_its_work(world):
    world.write()
    (world.folder / "bad.json").write_text("{}")
    done = run("bad.json", world.event())

    assert done.exit_code == 2
    assert (world.folder / "target" / KEY).exists()


def test_a_wrong_configuration_is_exit_2_with_every_mistake_on_a_line(world):
    (world.folder / "other.toml").write_text('log = "nowhere"\nlgo = 1\n')
    done = run(world.event(), "--config", "other.toml")

    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) >= 2
    assert "nowhere" in done.stderr


def test_a_missing_configuration_says_where_it_was_looked_for(world):
    (world.folder / "relay.toml").unlink()
    done = run(world.event())

    assert done.exit_code == 2
    assert "relay.toml" in done.stderr


def test_an_obs_record_that_calls_itself_s3_needs_a_word_where_the_sources_do_not_tell(world):
    record = {"eventVersion": "2.0", "eventName": "ObjectCreated:Put"}
    record["s3"] = {"bucket": {"name": "src-bucket"}, "object": {"key": KEY}}
    (world.folder / "event.json").write_text(json.dumps({"Records": [record]}))
    world.write()

    assert run("event.json").exit_code == 0  # one source has the bucket: it is the one
    refused = run("event.json", "--as", "obs")
    assert refused.exit_code == 1
    assert "obs://src-bucket" in refused.output.replace("\n", "")


def test_a_key_cannot_steer_the_terminal(world):
    key = "\x1b[2Jevil\x07"
    world.write(key)
    done = run(world.event(key=key.replace("\x1b", "%1B").replace("\x07", "%07")))

    assert "\x1b" not in done.output
    assert "\x07" not in done.output
    assert "\\x1b" in done.output


def test_verbose_writes_the_log_lines_to_standard_error(world):
    world.write()
    done = run(world.event(), "-v")

    assert '"event":"task.done"' in done.stderr
