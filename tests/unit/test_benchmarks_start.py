"""The benchmarks start, with what the tests have installed: the slow tests run them."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py") if "argparse" in path.read_text("utf-8"))
# All in one process: together they import what one does.
EACH = """
import runpy, sys
folder, *scripts = sys.argv[1:]
for script in scripts:
    sys.argv[:] = [script, "--help"]
    sys.path.insert(0, folder)
    try:
        runpy.run_path(f"{folder}/{script}", run_name="__main__")
    except SystemExit as end:
        assert not end.code, (script, end.code)
"""


def test_each_benchmark_imports_and_says_how_it_is_called():
    command = [sys.executable, "-c", EACH, str(FOLDER), *SCRIPTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: ") == len(SCRIPTS) >= 5
