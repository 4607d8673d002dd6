"""`make test-pythons`: the tests on each Python that is promised and is here, from nothing: `.venv-3.10` and so on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def interpreter(version: str) -> str | None:
    """The interpreter of a version: from the path, or where pyenv keeps it: below PYENV_ROOT, ~/.pyenv by default."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python{version}"))]
    for place in filter(None, places):
        said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
        if said.returncode == 0 and said.stdout.startswith(f"Python {version}."):
            return place
    return None


def run(version: str, python: str) -> bool:
    """Whether the tests pass on it."""
    venv = ROOT / f".venv-{version}"
    inside = str(venv / "bin" / "python")
    print(f"Python {version}: {python}", flush=True)
    constraints = ["--constraint", "constraints.txt"]
    steps = [
        [python, "-m", "venv", str(venv)],
        [inside, "-m", "pip", "install", "--quiet", *constraints, "--editable", ".[dev]"],
        [inside, "-m", "pytest", "-n", "auto", "--dist", "loadgroup"],
    ]
    # Without .pyc, as in the Makefile, the tests would take half as long again.
    world = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return all(subprocess.run(step, cwd=ROOT, env=world, check=False).returncode == 0 for step in steps)


def main(wanted: list[str]) -> int:
    """Run on the versions that are wanted; 1 if one fails, or none is here."""
    installed = {version: python for version in wanted or VERSIONS if (python := interpreter(version))}
    ended = {version: run(version, python) for version, python in installed.items()}
    for version in wanted or VERSIONS:
        print(f"Python {version}: {('passed' if ended[version] else 'FAILED') if version in ended else 'not here'}")
    return 0 if ended and all(ended.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
