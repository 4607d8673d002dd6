"""The demonstration keeps its promises, and says so."""

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios

import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from unit.test_screens import compare


def run(*words, **environ):
    return subprocess.run(
        [sys.executable, "-m", "bucketrelay", "demo", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env={**os.environ, **environ},
    )


@pytest.fixture(scope="module")
def screen():
    done = run()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_demo_looks_as_it_did(screen):
    compare("demo", "".join(f"{line}\n" for line in screen))


@pytest.mark.slow  # two more demos: what is shown has one form, which is held for a pipe above
@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_it_looks_the_same_in_colours(columns):
    ours, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    words = [sys.executable, "-m", "bucketrelay", "demo"]
    with subprocess.Popen(words, stdin=its, stdout=its, stderr=subprocess.DEVNULL) as done:
        os.close(its)
        shown = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).replace("\r\n", "\n")

    assert done.returncode == 0
    assert "\x1b[32m" in shown.decode()
    compare("demo", plain)


def read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # its other end is closed
        return b""


def test_the_demo_begins_with_what_came_of_it(screen):
    assert screen[0].startswith("every target equals its source: 5 of 5 steps as promised, in ")


def test_a_target_that_is_equal_is_said_to_be_the_same_and_another_how_it_differs(screen):
    assert f"     {'obs://photos-mirror':26}differs: lacks 2026/last.jpg" in screen
    assert screen.count(f"     {'oci://photos-mirror@demo':26}same") == 4


def test_a_failure_is_told_in_words_and_comes_again(screen):
    (failed,) = [number for number, line in enumerate(screen) if line.startswith("   failed_object")]
    said = " ".join(line.strip() for line in screen[failed + 1 : failed + 4])

    assert screen[failed].endswith("  failed     obs://photos-mirror/2026/last.jpg")
    assert "InternalError (500): the demo has switched this off" in said
    assert "it comes again" in said
    assert "   Lambda took 1 message from SQS: 0 done, 1 to come again" in screen


def test_nothing_is_wider_than_eighty_columns_and_every_key_is_whole(screen):
    assert max(map(len, screen)) <= 80
    assert any(line.endswith("oci://photos-mirror@demo/2026/café 1+1.jpg") for line in screen)


def test_without_what_it_needs_the_demo_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "bucketrelay.commands.demo_world", None)
    done = CliRunner().invoke(cli, ["demo"])

    assert done.exit_code == 2
    assert "pip install '.[demo]' in a clone" in done.stderr
    assert done.stdout == ""


def test_in_json_the_demo_gives_the_lines_of_the_lists_and_nothing_else():
    lines = [json.loads(line) for line in CliRunner().invoke(cli, ["--json", "demo"]).stdout.splitlines()]

    assert {line["outcome"] for line in lines} == {"copied", "deleted", "unchanged", "failed"}
