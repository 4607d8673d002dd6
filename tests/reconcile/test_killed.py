"""A process that is killed with SIGKILL at any write of its bookmark leaves the same books as one that is not."""

import contextlib
import fnmatch
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from bucketrelay_emulators.engine.faults import Fault

COUNT = 3500
MILLION = int(os.environ.get("BUCKETRELAY_LISTED", "1000000"))
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHARED = Path(__file__).parents[2] / "shared"


def _fill(world):
    """Straight into the servers' directories; a tenth is missing at the target, some keys are nobody's."""
    for n in range(COUNT):
        (world.where["source"] / f"k{n:05}").write_bytes(b"%d" % n)
        if n % 10:
            (world.where["target"] / f"k{n:05}").write_bytes(b"%d" % n)
    (world.where["target"] / "k00001-else").write_bytes(b"1")


def _plain(book):
    return {name: value for name, value in book.items() if name not in ("time", "seconds")}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("words", [("--check", "--depth", "listing"), ("--depth", "listing")], ids=["check", "repair"])
def test_killed_at_any_page_and_run_again_the_books_are_the_same(world, words):
    _fill(world)
    killed = number = 0
    out = err = b""
    while not out and number < 30:
        number += 1
        # The first or second write of a bookmark is the last thing that this process does.
        held = []
        world.proxy.faults.order(
            Fault(kind="act", method="PUT", key="*bookmark*", skip=number % 2, act=lambda held=held: held[0].kill())
        )
        command = world.command("reconcile", "r", "--json", *words)
        with subprocess.Popen(command, env=world.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            held.append(process)
            out, err = process.communicate()
        world.proxy.faults.clear()
        killed += process.returncode < 0  # else its end, or a server that was too slow: that is an end like any other
    assert killed >= 4, (out, err)
    book = json.loads(out)
    assert (book["source_objects"], book["target_objects"]) == (COUNT, COUNT - COUNT // 10 + 1)
    assert (book["missing"], book["right"], book["kept"], book["failed"]) == (COUNT // 10, COUNT - COUNT // 10, 1, 0)
    assert book["complete"]
    if "--check" not in words:
        assert book["repaired"] == COUNT // 10
        assert world.book("--check", "--depth", "listing")[1] == 0
    (folder,) = {path.parent for path in world.books()} if "--check" in words else {world.books()[0].parent}
    lines = [json.loads(line) for line in (folder / "missing.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == [f"k{n:05}" for n in range(0, COUNT, 10)]


@pytest.fixture
def million(tmp_path):
    """Two listings of a million keys, made once by a server that has nothing else; the log store is a folder."""
    command = [sys.executable, str(BENCHMARKS / "listing_server.py"), str(MILLION)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        (tmp_path / "logs").mkdir()
        keys = 'region = "us-east-1"\naccess_key = "A"\nsecret_key = "S"\ntimeout = 60\n'
        buckets = (("source", "photos"), ("target", "mirror"))
        text = "".join(
            f'[stores.{name}]\nurl = "s3://{bucket}"\nendpoint = "{url}"\n{keys}' for name, bucket in buckets
        )
        text += f'[stores.logs]\nurl = "file://{tmp_path}/logs"\n'
        route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
        (tmp_path / "relay.toml").write_text(f'log = "logs"\n{text}{route}')
        yield tmp_path
        server.kill()


def _marked(folder):
    """How many pairs the bookmarks say that they have."""
    compared = 0
    for place, _, names in os.walk(folder / "logs"):  # bears that folders go meanwhile, which rglob does not
        if Path(place).name.startswith("bookmark-"):
            for name in fnmatch.filter(names, "0*.json"):
                with contextlib.suppress(OSError, ValueError):  # between two names
                    compared += json.loads(Path(place, name).read_text())["compared"]
    return compared


def _run(folder, more):
    """Run the command to its end, or until it has marked so many pairs more: SIGKILL. Its status, peak and books."""
    words = ["reconcile", "r", "--check", "--json", "--depth", "listing", "--config", str(folder / "relay.toml")]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(SHARED)}
    goal, peak = _marked(folder) + more, 0.0
    with (
        tempfile.TemporaryFile() as out,
        subprocess.Popen([sys.executable, "-m", "bucketrelay", *words], env=environ, stdout=out) as process,
    ):
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = max(peak, _peak(process.pid))
            if _marked(folder) >= goal:
                process.send_signal(signal.SIGKILL)
                ended = os.wait4(process.pid, 0)
                break
            time.sleep(0.2)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        out.seek(0)
        return process.returncode, peak, out.read()


def _peak(number):
    """The most memory that a process has had, in MiB. Its `ru_maxrss` would be what the process that started it had."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{number}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0  # it has just ended


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_million_keys_killed_again_and_again_are_exact_in_a_hundred_megabytes(million):
    kills, peak, out, status = 0, 0.0, b"", -9
    while status == -signal.SIGKILL:
        status, most, out = _run(million, MILLION // 9 + 1777 * kills)
        peak, kills = max(peak, most), kills + (status == -signal.SIGKILL)
    book = json.loads(out)
    missing = different = MILLION // 100
    assert (book["source_objects"], book["target_objects"]) == (MILLION, MILLION - missing)
    assert (book["missing"], book["different"], book["right"]) == (missing, different, MILLION - missing - different)
    assert book["complete"]
    assert status == 1  # the sides differ
    assert kills >= 4
    assert peak < 100
    lines = [
        json.loads(line)["key"]
        for path in sorted((million / "logs").rglob("missing*.jsonl"), key=lambda path: (len(path.name), path.name))
        if "bookmark" not in path.parent.name
        for line in path.read_text().splitlines()
    ]
    assert lines == [f"invoice-{n:09}.pdf" for n in range(1, MILLION, 100)]
    print(f"{MILLION:,} keys, {kills} kills, peak {peak:.0f} MiB, {book['seconds']} s")
