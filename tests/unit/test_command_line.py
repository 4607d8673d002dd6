"""The command line as people meet it: where options stand, what is printed where, how it ends from outside."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context, Group
from click.testing import CliRunner

from bucketrelay.cli import COMMANDS, cli
from bucketrelay.commands.init import TEXT
from bucketrelay.http import trace
from bucketrelay.http.connections import Connections
from bucketrelay.http.messages import Request
from payloads.event_builders import record, records
from receivers import Receiver

ROOT = Path(__file__).parents[2]
SETTINGS = {"BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG", "RELAY_DELETES"}
LONG = "in/" + "a rather long name/" * 12 + "invoice-000123.pdf"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A route that takes in/** from S3, in relay.toml, and an event of two keys."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    stores = "".join(
        f'[stores.{name}]\nurl = "obs://{name}s"\nregion = "r"\naccess_key = "${{AK}}"\nsecret_key = "${{SK}}"\n'
        for name in ("target", "log")
    )
    route = '[[routes]]\nname = "photos"\nsource = "source"\ntargets = ["target"]\ninclude = ["in/**"]\n'
    (tmp_path / "relay.toml").write_text(f'log = "log"\n[stores.source]\nurl = "s3://sources"\n{stores}{route}')
    event = records(record(LONG, bucket="sources"), record("in/café.jpg", bucket="sources"))
    (tmp_path / "event.json").write_text(json.dumps(event))
    return tmp_path


def run(*words):
    return CliRunner().invoke(cli, words)


def started(*words, **how):
    environ = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environ["PYTHONPATH"] = str(ROOT / "shared")
    environ |= how.pop("environ", {})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.Popen([sys.executable, "-m", "bucketrelay", *words], env=environ, **pipes)


def ended(*words, **how):
    process = started(*words, **how)
    out, err = process.communicate(timeout=60)
    assert b"Traceback" not in err, err
    return process.returncode, out, err.decode()


DRY = ("replicate", "event.json", "--dry-run")


# Where options stand, and what needs what


@pytest.mark.parametrize("words", [("--json", *DRY), (*DRY, "--json")])
def test_an_option_may_stand_before_or_after_the_command(folder, words):
    done = run(*words)

    assert [json.loads(line)["key"] for line in done.stdout.splitlines()] == [LONG, "in/café.jpg"]


def test_the_configuration_may_be_named_before_or_after_the_command(folder):
    (folder / "relay.toml").rename(folder / "other.toml")

    assert run("--config", "other.toml", *DRY).exit_code == 0
    assert run(*DRY, "--config", "other.toml").exit_code == 0


def test_a_dry_run_needs_no_secrets_and_a_real_one_names_those_that_are_not_set(folder):
    assert run(*DRY).exit_code == 0
    done = run("replicate", "event.json")
    assert done.exit_code == 2
    assert "stores.target.access_key: ${AK} is not set" in done.stderr


def test_a_secret_that_is_set_is_shown_by_no_dry_run(folder, monkeypatch):
    monkeypatch.setenv("AK", "the-access-key")
    monkeypatch.setenv("SK", "the-secret-key")

    assert "the-secret-key" not in run(*DRY, "-v").output


def test_a_forward_whose_address_is_a_secret_needs_it_for_no_dry_run(folder):
    text = (folder / "relay.toml").read_text()
    forward = (
        '[[routes]]\nname = "f"\nsource = "source"\nforward = "hook"\n[forwards.hook]\ntype = "{}"\nurl = "${{HOOK}}"\n'
    )
    for kind in ("webhook", "oms"):
        (folder / "relay.toml").write_text(text + forward.format(kind))
        done = run(*DRY)
        assert done.exit_code == 0, done.stderr
        assert "${HOOK}" in done.stdout


def test_nothing_is_imported_for_a_command_that_does_not_run():
    code = (
        "import sys, bucketrelay.cli as c; c.cli.main(['--help'], standalone_mode=False);"
        "print(*sys.modules, file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = ("rich", "bucketrelay.clouds", "bucketrelay.config", "bucketrelay.drivers", "bucketrelay.commands.r")
    assert "bucketrelay.commands.terminal" in said.stderr
    assert not [name for name in said.stderr.split() if name.startswith(heavy)]
    assert all(f"  {name} " in said.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_help_and_the_options_of_all(name):
    found = cli.get_command(Context(cli), name)
    for words in [(name, inner) for inner in found.commands] if isinstance(found, Group) else [(name,)]:
        done = run(*words, "--help")

        assert done.exit_code == 0, done.output
        assert {"--config", "--json", "--quiet", "--verbose"} <= set(re.findall(r"--[a-z]+", done.stdout)), words


def test_a_command_that_is_not_there_is_exit_2_with_the_nearest_name():
    done = run("replicat")

    assert done.exit_code == 2
    assert "No such command 'replicat': did you mean replicate?" in done.stderr


# What is printed


def test_off_a_terminal_a_row_is_a_line_and_a_key_is_whole(folder):
    status, out, err = ended(*DRY, "--config", str(folder / "relay.toml"))

    lines = [line.split("\t") for line in out.decode().splitlines()]
    assert status == 0
    assert [line[2] for line in lines] == [f"s3://sources/{LONG}", "s3://sources/in/café.jpg"]
    assert {len(line) for line in lines} == {5}
    assert "\x1b" not in out.decode()
    assert err == "2 tasks; nothing was touched\n"


def test_quiet_says_nothing_beside_the_rows(folder):
    assert ended("-q", *DRY)[2] == ""


def test_verbose_shows_requests_without_what_is_in_their_query():
    with Receiver() as server, trace.watch((seen := []).append):
        connections = Connections(server.url)
        connections.send(Request("GET", "/a%20b?X-Amz-Signature=secret&list-type=2"), repeatable=True)
        connections.close()

    (line,) = seen
    assert re.fullmatch(
        rf"GET {server.url}/a%20b\?X-Amz-Signature&list-type → \d+, \d+ bytes in \d+\.\d{{3}} s", line
    ), line


# The configuration


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--config", "nope.toml"), "--config nope.toml: there is no file"),
        (("--config", "broken.toml"), "broken.toml: line 2, column 6: "),
        (("--config", "."), "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_named_as_it_was_given(folder, words, said):
    (folder / "broken.toml").write_text('log = "logs"\nroute\n')
    done = run("check", *words)

    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_in_the_folder_that_wins_over_the_environment_is_said(folder, monkeypatch):
    monkeypatch.setenv("RELAY_SOURCE", "s3://another")
    monkeypatch.setenv("RELAY_LOG", "s3://lists")
    done = run("check")

    assert done.exit_code == 0
    assert "relay.toml is what counts: RELAY_SOURCE, RELAY_LOG in the environment is not looked at" in done.stderr
    assert "what counts" not in run("check", "-q").stderr


def test_check_says_every_mistake_or_what_the_routes_are(folder):
    done = run("check", "--json")

    (route,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (route["route"], route["source"], route["targets"]) == ("photos", "s3://sources", ["obs://targets"])
    assert "no mistake: 1 route, 3 stores, lists in obs://logs" in done.stderr
    (folder / "relay.toml").write_text('log = "nowhere"\nlgo = 1\n')
    done = run("check")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) >= 2


def test_init_writes_a_configuration_without_a_mistake_and_never_over_another(folder):
    done = run("init", "new.toml")

    assert done.exit_code == 0
    assert (folder / "new.toml").read_text() == TEXT
    assert run("--config", "new.toml", "check").exit_code == 0
    before = (folder / "relay.toml").read_bytes()
    again = run("init")
    assert again.exit_code == 2
    assert "relay.toml is there already" in again.stderr
    assert (folder / "relay.toml").read_bytes() == before


# Ended from outside


def many(folder, count=4000):
    keys = [record(f"in/{number:06}.jpg", bucket="sources") for number in range(count)]
    (folder / "event.json").write_text(json.dumps(records(*keys)))


def test_a_reader_that_goes_away_is_a_line_and_no_traceback(folder):
    many(folder)
    process = started(*DRY)
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(timeout=60) == 1
    assert err.splitlines() == ["bucketrelay: whoever read the output has closed it; what is left was not written"]


@pytest.mark.parametrize("count", [2, 4000])
def test_a_full_disk_is_a_line_and_no_traceback(folder, count):
    many(folder, count)
    with Path("/dev/full").open("wb") as full:
        status, _, err = ended("-q", *DRY, stdout=full)

    assert status == 1
    assert err == "bucketrelay: standard output: No space left on device\n"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8"])
def test_an_output_of_another_encoding_loses_nothing(folder, encoding):
    (folder / "event.json").write_text(json.dumps(records(record("in/caf%C3%A9+%E4%B8%AD.jpg", bucket="sources"))))
    status, out, _ = ended(*DRY, environ={"PYTHONIOENCODING": encoding})

    assert status == 0
    assert "in/café 中.jpg" in out.decode(encoding).encode("latin-1", "backslashreplace").decode("unicode_escape")


def test_ctrl_c_is_130(folder):
    process = started("replicate", "-", "--dry-run", stdin=subprocess.PIPE)
    try:
        os.set_blocking(process.stderr.fileno(), True)
        _wait_until_it_reads(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()

    assert (process.returncode, out, err) == (130, b"", b"\nbucketrelay: interrupted\n")


def _wait_until_it_reads(process):
    """Until it sleeps in the read of its standard input, as /proc says."""
    import time

    for _ in range(3000):
        if "pipe" in Path(f"/proc/{process.pid}/wchan").read_text():
            return
        time.sleep(0.01)


def test_without_click_the_way_to_install_it_is_said_and_it_is_exit_2(tmp_path):
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('no', name='click')")
    environ = {"PYTHONPATH": f"{tmp_path}:{ROOT / 'shared'}"}
    status, _, err = ended("check", environ=environ)

    assert status == 2
    assert err == "bucketrelay: click is missing: pip install '.[cli]' in a clone of bucketrelay\n"
