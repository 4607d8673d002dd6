"""A change to one file of the core: what the code would be if somebody had made this very mistake."""

from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
PACKAGE = ROOT / "shared" / "bucketrelay"


class Stale(Exception):
    """The code has moved on and the change no longer says one certain thing: bring its entry up to date."""


@dataclass(frozen=True)
class Change:
    """One mistake.

    Args:
        name: what the user of `python -m mutants` calls it.
        file: the module, below the package.
        old: text that occurs exactly once in the file.
        new: what stands there instead.
        why: what would come of it, in a short clause.
        tests: what should find it out, below `tests/`, the fastest first.
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file, below the package."""
        return Path(self.file)

    def applied(self, text: str) -> str:
        """*text* with the change; raises Stale unless it fits exactly one place and what comes of it compiles."""
        if text.count(self.old) != 1 or self.old == self.new:
            raise Stale(f"{self.name}: its old text occurs {text.count(self.old)} times in {self.path}, not once")
        changed = text.replace(self.old, self.new)
        try:
            compile(changed, self.file, "exec")
        except SyntaxError as error:
            raise Stale(f"{self.name}: {self.path} would not compile: {error}") from error
        return changed
