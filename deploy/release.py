"""All that a release consists of: source archive, wheel, the three functions' archives, and their checksums.

    python deploy/release.py                 # dist/: what is committed, and nothing that only lies in the folder
    (cd dist && sha256sum --check SHA256SUMS)

The functions' archives hold the SDKs of all stores; whoever wants smaller ones builds them with a configuration of his
own (`build.py`). Exit status: 0 built, 1 a step failed, 2 wrong usage.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from contents import FUNCTIONS

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
_BUILD = "build"  # PyPA's own; in a folder of its own, for nothing else needs it


class Failed(Exception):
    """A step did not end well; its own words stand above."""


def export_commit(folder: Path) -> str:
    """Put the tree of the last commit into *folder*; returns that commit's time, in seconds since 1970."""
    folder.mkdir()
    packed = folder.with_suffix(".zip")
    run(("git", "archive", "--format=zip", f"--output={packed}", "HEAD"), ROOT)
    with zipfile.ZipFile(packed) as found:
        found.extractall(folder)
    return run(("git", "log", "-1", "--format=%ct"), ROOT).strip()


def packages(source: Path, out: Path, epoch: str, scratch: Path) -> None:
    """Source archive and wheel of *source*; in the wheel, the commit's time in place of now."""
    venv.create(scratch, with_pip=True)
    python = str(scratch / ("Scripts" if os.name == "nt" else "bin") / "python")
    run((python, "-m", "pip", "install", "--quiet", _BUILD), source)
    run((python, "-m", _BUILD, "--outdir", str(out), str(source)), source, SOURCE_DATE_EPOCH=epoch)


def functions(source: Path, out: Path, downloads: Path) -> None:
    """The archive of each function."""
    for name in FUNCTIONS:
        command = (sys.executable, "deploy/build.py", name, "--out", str(out), "--downloads", str(downloads))
        sys.stderr.write(run(command, source))


def checksums(paths: Iterable[Path]) -> str:
    """As `sha256sum` writes and reads them."""
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(paths))


def run(command: Sequence[str], folder: Path, **environ: str) -> str:
    """What the command printed; its complaints go to standard error."""
    done = subprocess.run(  # noqa: S603 — git, pip, build and build.py, with arguments of ours
        command, cwd=folder, env={**os.environ, **environ}, check=False, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise Failed(f"{' '.join(command[:4])} …: ended with {done.returncode}")
    return done.stdout


def main(arguments: Sequence[str] | None = None) -> int:
    """Build it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    out: Path = parser.parse_args(arguments).out.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch, "source"), Path(scratch, "made")
        made.mkdir()
        try:
            epoch = export_commit(source)
            packages(source, made, epoch, Path(scratch, "venv"))
            functions(source, made, Path(scratch, "downloads"))
        except Failed as failed:
            print(failed, file=sys.stderr)
            return 1
        (made / SUMS).write_text(checksums(made.iterdir()), encoding="utf-8")
        out.mkdir(parents=True, exist_ok=True)
        for path in sorted(made.iterdir()):
            (out / path.name).write_bytes(path.read_bytes())
            print(out / path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
