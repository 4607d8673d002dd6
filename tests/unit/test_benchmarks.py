"""The benchmarks run; what they find is not asserted, as it is another machine's every time."""

import subprocess
import sys
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # half a minute of figures

ROOT = Path(__file__).resolve().parents[2]
OBSTORE = find_spec("obstore") is not None  # of the extra `bench`
SMALL = [
    "**bucketrelay**, SQS batches of 100, 16 threads",
    "**bucketrelay**, one event an invocation",
    "boto3 `get_object`, `put_object`",
    "the same, 16 threads",
    "the same, clients made for each event",
    "boto3 `upload_fileobj(Body)`",
    "boto3 `download_file`, `upload_file`",
    *(["obstore `get`, `put`", "the same, 16 threads"] if OBSTORE else []),
    "`rclone copyto`, a process for each object",
    "`rclone copy`, one process, 16 transfers",
]
LARGE = [
    "**bucketrelay**, parts of 8 MiB",
    "boto3 `get_object().read()`, `put_object`",
    "boto3 `upload_fileobj(Body)`",
    "boto3 `download_file`, `upload_file`",
    *(["obstore `get`, `put`"] if OBSTORE else []),
    "`rclone copyto`",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What `throughput.py` writes of a short run."""
    out = tmp_path_factory.mktemp("benchmarks") / "results.md"
    options = ["--quick", "--size", "8MiB", "-n", "20", "--out", str(out)]
    command = [sys.executable, str(ROOT / "benchmarks" / "throughput.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, out.read_text()


def cells(report, title):
    """The rows of the table under *title*, below its head."""
    below = report.partition(f"## {title}\n\n")[2].splitlines()
    rows = list(takewhile(lambda line: line.startswith("|"), below))[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


@pytest.mark.parametrize(
    ("title", "roads"),
    [("20 objects of 4 KiB, over TLS", SMALL), ("one object of 8 MiB, over TLS", LARGE)],
)
def test_every_road_is_reported_with_figures(report, title, roads):
    table = cells(report[1], title)

    assert [row[0] for row in table] == roads
    for _, _, _, cpu, speed, memory, requests in table:
        assert all(float(figure.replace(",", "")) >= 0 for figure in (speed, cpu))
        assert float(memory) > 1
        assert not requests or float(requests) >= 2  # nothing is copied by less than a read and a write


def test_the_yardstick_is_1(report):
    row = cells(report[1], "20 objects of 4 KiB, over TLS")[2]

    assert (row[1], row[2]) == ("1.00", "1.00")


def test_the_file_says_all_that_was_printed_and_by_which_command_and_versions(report):
    printed, written = report

    assert all(line in written for line in printed.splitlines())
    assert "--quick --size 8MiB -n 20" in written
    assert "rclone v" in written
    assert "boto3 " in written
