"""Running tests against a changed copy of the package."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mutants.change import PACKAGE, ROOT, TESTS, Change

ONE_TEST = 20  # seconds; a test that takes longer on a changed copy hangs
ALL_TESTS = 120


class CannotTell(Exception):
    """The tests did not run as they should, so that they say nothing of the change."""


@dataclass(frozen=True)
class Verdict:
    """What became of a change. `test`: that which found it out, "" if none did."""

    change: Change
    test: str = ""
    hung: bool = False

    @property
    def caught(self) -> bool:
        """Whether some test found it out."""
        return bool(self.test)

    @property
    def words(self) -> str:
        """The test's file and its name as a sentence, without parameters."""
        path, _, test = self.test.partition("::")
        name = test.partition("[")[0].removeprefix("test_").replace("_", " ")
        return f"{Path(path).stem}: {name}" + (" *(timeout)*" if self.hung else "")


class Place:
    """A copy of the package, that tests import instead of the installed one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._package = folder / "code" / PACKAGE.name
        shutil.copytree(PACKAGE, self._package, ignore=shutil.ignore_patterns("__pycache__"))

    def baseline(self, changes: Iterable[Change]) -> None:
        """All tests of *changes* on the code as it is; raises CannotTell unless they pass, each of them."""
        tests = dict.fromkeys(test for change in changes for test in change.tests)
        # What names a whole file also runs what is named in it.
        whole = [test for test in tests if "::" not in test or test.partition("::")[0] not in tests]
        if verdict := self._first_failure(whole, ALL_TESTS * 5, ALL_TESTS):
            raise CannotTell(f"{verdict[0]} fails without any change: mend that first\n{self._told()['words']}")

    def sane(self) -> None:
        """Raises CannotTell unless a core that is plainly broken is found out, so that this copy is what runs."""
        broken = Change("sanity", "core/decide.py", "if source is None:", "if source is not None:", "", ())
        if not self.judge(broken, ["unit/core/test_decide.py"]).caught:
            raise CannotTell("the tests do not run the changed copy of the package")

    def judge(self, change: Change, tests: Sequence[str] = ()) -> Verdict:
        """Make the change, run its tests, take it back. Raises Stale, CannotTell."""
        file = self._package / change.path
        text = file.read_text(encoding="utf-8")
        file.write_text(change.applied(text), encoding="utf-8")
        try:
            found = self._first_failure(tests or change.tests, ALL_TESTS, ONE_TEST)
        finally:
            file.write_text(text, encoding="utf-8")
        return Verdict(change, *found) if found else Verdict(change)

    def _first_failure(self, tests: Sequence[str], seconds: int, each: int) -> tuple[str, bool] | None:
        """The first test that fails and whether it hung; None if all pass."""
        self._witness.unlink(missing_ok=True)
        status, said = self._pytest(tests, seconds, each), self._told()
        if said["foreign"]:
            raise CannotTell(f"not the copy was imported, but {said['foreign'][0]}")
        if said["failed"]:
            return said["failed"], "Timeout" in said["words"]
        if status is None and said["running"]:
            return said["running"], True
        if status != 0:
            raise CannotTell(f"pytest ended with {status} and no failed test: {self._output()}\n{said['words']}")
        return None

    def _pytest(self, tests: Sequence[str], seconds: int, each: int) -> int | None:
        """pytest's exit status; None where it had to be stopped."""
        # The same examples each time, none of them remembered, and no .pyc: two changes may come within a second.
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "mutants.witness", "--hypothesis-profile=ci"]
        command = [sys.executable, "-B", "-m", "pytest", *options, f"--timeout={each}"]
        world = {
            "PYTHONPATH": os.pathsep.join([str(self._package.parent), str(TESTS)]),
            "MUTANTS_WITNESS": str(self._witness),
            "MUTANTS_PACKAGE": str(self._package),
            "PYTHONDONTWRITEBYTECODE": "1",  # -B is this process's; what the tests start reads the copy, too
        }
        with (self._folder / "output").open("wb") as output:
            process = subprocess.Popen(
                [*command, *(str(TESTS / test) for test in tests)],
                cwd=ROOT,
                env=os.environ | world,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # and what the tests have started
                process.wait()
                return None

    @property
    def _witness(self) -> Path:
        return self._folder / "witness.json"

    def _told(self) -> dict:
        try:
            return json.loads(self._witness.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"running": "", "failed": "", "words": "", "foreign": []}

    def _output(self) -> str:
        return (self._folder / "output").read_text(encoding="utf-8", errors="replace")[-1500:]
