"""What benchmarks tell: medians, ratios turn by turn, verdicts, and a file that is whole."""

import importlib
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def load():
    """Imports a script of the folder, and forgets it and what it imported at the end: their names are everybody's."""
    sys.path.insert(0, str(FOLDER))
    before = set(sys.modules)
    try:
        yield importlib.import_module
    finally:
        sys.path.remove(str(FOLDER))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
                del sys.modules[name]


@pytest.fixture(scope="module")
def report(load):
    return load("report")


@pytest.fixture(scope="module")
def bench(load):
    return load("bench")


def running(number):
    """Whether a process runs; one that nobody has waited for runs no more."""
    status = Path(f"/proc/{number}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


@pytest.fixture
def must(report):
    return report.Must("f", "something, of another thing", 0.5)


def test_each_turn_is_compared_with_itself_alone(report):
    # One turn was slow for both: the ratio of the medians would be 1, those of the turns are not.
    assert report.ratios([1, 20, 3], [2, 10, 6]) == [0.5, 2, 0.5]


def test_turns_of_two_roads_that_are_not_as_many_are_not_compared(report):
    with pytest.raises(ValueError, match="shorter"):
        report.ratios([1, 2], [1])


@pytest.mark.parametrize(
    ("values", "words"),
    [([0.4], "0.40"), ([0.4, 0.4], "0.40"), ([0.3, 0.5, 0.4], "0.40 (0.30–0.50)"), ([40, 1234], "637 (40–1,234)")],
)
def test_a_median_has_its_spread_beside_it_where_there_is_one(report, values, words):
    assert report.spread(values) == words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "not measured"),
        ([0.5], "met"),
        ([0.51], "**not met**"),
        ([0.4, 0.6, 0.45], "met, by 2 of 3 turns"),
        ([0.4, 0.6, 0.7], "**not met**, by 1 of 3 turns"),
    ],
)
def test_the_median_decides_and_turns_that_disagree_are_told(report, must, values, words):
    assert report.verdict(must, values, busy=False) == words


def test_a_speed_is_to_be_at_least_so_much(report):
    must = report.Must("f", "speed", 1.0, "wall", at_least=True)

    assert report.verdict(must, [1.0], busy=False) == "met"
    assert report.verdict(must, [0.99], busy=False) == "**not met**"
    assert must.asked == "≥ 1.00"


def test_a_peak_of_memory_is_the_highest_of_all_turns(report):
    must = report.Must("f", "peak", 64, "MiB", worst=True)

    assert report.verdict(must, [40, 41, 65], busy=False) == "**not met**"
    assert report.musts([must], {"f": [40, 65, 41]}, busy=False).rows == [
        ["peak", "MiB", "≤ 64 MiB", "65", "**not met**"]
    ]


def test_a_wall_time_of_a_busy_machine_says_so_and_a_cpu_time_does_not(report, must):
    wall = report.Must("f", "speed", 1.0, "wall", at_least=True)

    assert report.verdict(wall, [2.0], busy=True) == "met (by the clock of a busy machine)"
    assert report.verdict(must, [0.1], busy=True) == "met"


def test_what_was_not_measured_is_neither_met_nor_counted_as_unmet(report, must):
    table = report.musts([must], {}, busy=False)

    assert table.rows == [["something, of another thing", "CPU", "≤ 0.50", "–", "not measured"]]
    assert report.unmet([must], {}) == 0
    assert report.unmet([must], {"f": [0.6]}) == 1


def test_a_table_has_its_figures_to_the_right(report):
    table = report.Table("Title", ["road", "CPU"], [["ours", "1"]], "A note.")

    assert table.markdown() == "### Title\n\n| road | CPU |\n| --- | --: |\n| ours | 1 |\n\nA note."


def test_a_section_is_read_as_it_was_written(report, tmp_path):
    section = report.Section("S", "python x", [report.Table("T", ["a"], [["b"]])], {"f": [1.0]}, ["no y"], ["note"])

    section.write(tmp_path / "found.json")

    assert report.Section.read(tmp_path / "found.json") == section


def test_the_file_is_replaced_whole_or_stays_as_it_was(report, tmp_path, monkeypatch):
    path = tmp_path / "results.md"
    path.write_text("before")

    def broken(self, *_, **__):
        with self.open("w") as file:
            file.write("ha")
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", broken)
        with pytest.raises(OSError, match="no space"):
            report.write_at_once(path, "half")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]

    report.write_at_once(path, "after")

    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_the_report_begins_with_what_was_asked_for_and_names_what_was_not_measured(report, bench):
    measured = report.Section("Copies", tables=[report.Table("T", ["road"], [["ours"]])], figures={"cold s3": [0.3]})
    missing = report.Section("x", absent=["x.py: failed, as it ended with 1"])

    text = bench.report([measured, missing], ["2026-11-30"], was_busy=False)

    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings[:4] == ["# Results", "## What was asked for", "## What was not measured", "## Copies"]
    assert "| 0.30 | met |" in text
    assert "* x.py: failed, as it ended with 1" in text
    assert text.count("not measured |") == len(bench.MUSTS) - 1


def test_a_script_that_fails_is_told_with_its_exit_code_and_ends_no_other(report, bench, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)

    section = bench.run(bench.Script("broken", quick=""), quick=True)

    assert section.tables == []
    assert section.absent == ["broken.py: failed, as it ended with 3; its own words are in the output of the run"]


def test_a_script_that_does_not_end_is_ended_with_what_it_started_and_may_clean_up(bench, tmp_path):
    program = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
try:
    pathlib.Path(sys.argv[1], "child").write_text(str(child.pid))
    time.sleep(600)
finally:
    pathlib.Path(sys.argv[1], "cleaned").touch()
"""
    command = [sys.executable, "-c", program, str(tmp_path)]

    for patience in (2, 8, 32):  # until it has begun at all, however busy the machine is, and had the time to clean up
        assert bench.wait_for(command, patience) is None
        if (tmp_path / "cleaned").exists():
            break

    assert (tmp_path / "cleaned").exists()
    child = int((tmp_path / "child").read_text())
    end = time.monotonic() + 60
    while running(child):  # it was sent a signal that it cannot refuse, and may have to wait for a processor to end
        assert time.monotonic() < end, child
        time.sleep(0.05)


def test_a_run_of_one_script_names_the_others_and_ends_well(bench, tmp_path, monkeypatch):
    (tmp_path / "one.py").write_text(
        "import json, pathlib, sys\n"
        "table = {'title': 'T', 'head': ['road'], 'rows': [['ours']], 'note': ''}\n"
        "pathlib.Path(sys.argv[-1]).write_text(json.dumps({'title': 'One', 'tables': [table]}))\n"
    )
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "SCRIPTS", (bench.Script("one", quick=""), bench.Script("two", quick="")))
    monkeypatch.setattr(sys, "argv", ["bench.py", "--quick", "--only", "one"])

    assert bench.main() == 0

    text = (tmp_path / "results-quick.md").read_text()
    assert "`python benchmarks/bench.py --quick --only one`" in text
    assert "* two.py: left out by --only" in text
    assert "## One" in text


def test_a_run_whose_script_fails_ends_with_1_and_writes_what_the_others_found(bench, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise SystemExit(3)")
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    monkeypatch.setattr(bench, "SCRIPTS", (bench.Script("broken"),))
    monkeypatch.setattr(sys, "argv", ["bench.py"])

    assert bench.main() == 1
    assert "* broken.py: failed, as it ended with 3" in (tmp_path / "results.md").read_text()


def test_each_must_has_a_figure_that_some_script_writes(bench):
    texts = "".join((FOLDER / f"{script.name}.py").read_text() for script in bench.SCRIPTS)

    names = [must.figure for must in bench.MUSTS]
    assert len(set(names)) == len(names)
    assert [name for name in names if f'"{name}"' not in texts and not name.startswith("cold ")] == []


def test_every_script_of_the_run_is_there(bench):
    assert [script.name for script in bench.SCRIPTS if not (FOLDER / f"{script.name}.py").is_file()] == []


def test_a_start_is_taken_off_a_process_that_is_measured_whole(load):
    # A start with one object takes 70 ms, and each object 1 ms: 71 + 99, and that twice as slow in another turn.
    assert load("throughput").without_start([170, 340], [71, 142], 100) == [1, 2]


def test_large_objects_are_compared_with_an_rclone_that_has_started_already(load):
    throughput = load("throughput")

    def measured(name, *figures):
        road = throughput.Road(name, name)
        return throughput.Measured(
            road, 1, [throughput.Figures(*each, rss=40 << 20, requests=None) for each in figures]
        )

    names = ("relay", "relay-lean", throughput.YARDSTICK, "get_put-hashed")
    found = [*(measured(name, (2.0, 1.0)) for name in names), measured("copyto", (3.5, 2.25))]

    figures = throughput.large_figures(found, [measured("copyto", (0.5, 0.25))])

    assert figures["large of rclone"] == [0.5]
    assert figures["large speed of rclone"] == [1.5]
    assert figures["memory, MiB"] == [40]
    assert "large of obstore" not in figures  # where it is not here


RCLONE = """invoice-000002902.pdf: sizes differ
2026/11/30 08:03:29 NOTICE: S3 bucket mirror: 30 files missing
2026/11/30 08:03:29 NOTICE: S3 bucket mirror: 61 differences found
2026/11/30 08:03:29 NOTICE: Failed to check with 61 errors: last error was: 61 differences found
"""


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("right\t2940\nmissing\t30\ndifferent\t31\nfailed\t0\n", (30, 31)),
        (RCLONE, (30, 31)),
        ("2026/11/30 NOTICE: S3 bucket mirror: 2 differences found\n", (0, 2)),
        ("2026/11/30 NOTICE: S3 bucket mirror: 0 differences found\n", (0, 0)),
        ("Failed to check: connection refused", (0, 0)),
    ],
)
def test_what_a_comparison_found_is_read_from_what_either_road_says(load, text, counts):
    assert load("reconcile").differences(text) == counts
