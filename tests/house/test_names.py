"""What docstrings, comments and pages name in backticks is there: a renamed thing takes its mentions along."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "functions", "deploy", "benchmarks", "tests")
PLACES = (
    ROOT,
    ROOT / "shared",
    ROOT / "shared/bucketrelay",
    ROOT / "shared/bucketrelay_emulators",
    ROOT / "tests",
    ROOT / "docs",
)
TEXTS = [
    *sorted((ROOT / "shared").rglob("*.py")),
    *sorted((ROOT / "functions").rglob("*.py")),
    *sorted((ROOT / "deploy").glob("*.py")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FILE = re.compile(r"[\w./*-]+/[\w.*-]+\.(?:py|md|toml|yaml|json|sh|tf|sql)|[\w-]+/(?:[\w-]+/)*")
MODULE = re.compile(r"(bucketrelay(?:_emulators)?(?:\.\w+)+)(?:\(.*\))?")
TEST = re.compile(r"test_\w+(?:\.py)?")
MEMBER = re.compile(r"([A-Z]\w*[a-z]\w*)\.([a-z_]\w*)(?:\(.*\))?")


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")


def _members(node: ast.ClassDef) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            yield part.name
            yield from (argument.arg for argument in (*part.args.args, *part.args.kwonlyargs))
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Name):
            yield part.id


class Classes:
    """The classes of all sources, of which only those are parsed that somebody asks for: all would take seconds."""

    def __init__(self) -> None:
        self._defining: dict[str, list[Path]] = {}  # where a line looks like a class's first
        for path in sources():
            for name in set(re.findall(r"^[ \t]*class[ \t]+(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)):
                self._defining.setdefault(name, []).append(path)
        self._known: dict[str, tuple[set[str], set[str]] | None] = {}

    def get(self, name: str) -> tuple[set[str], set[str]] | None:
        """What the bodies of the classes of this name name, and the names of their bases; None if there is none."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> tuple[set[str], set[str]] | None:
        nodes = [
            node
            for path in self._defining.get(name, ())
            for node in ast.walk(_tree(path))
            if isinstance(node, ast.ClassDef) and node.name == name
        ]
        members = {member for node in nodes for member in _members(node)}
        bases = [part for node in nodes for base in node.bases for part in ast.walk(base)]
        return (members, {part.id for part in bases if isinstance(part, ast.Name)}) if nodes else None

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def has(self, name: str, member: str) -> bool:
        """Whether a class, or a base of it that is ours, names a member; True for a base from elsewhere."""
        if (known := self.get(name)) is None:
            return True
        members, bases = known
        return member in members or any(base in self and self.has(base, member) for base in bases)


@cache
def _tests() -> frozenset[str]:
    """The names of all tests and of their modules, with and without `.py`."""
    paths = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "shared/bucketrelay/testing").rglob("*.py")]
    names = {name for path in paths for name in re.findall(r"\bdef (test_\w+)", path.read_text(encoding="utf-8"))}
    return frozenset(names | {path.stem for path in paths} | {path.name for path in paths})


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


@pytest.fixture(scope="module")
def classes() -> Classes:
    return Classes()


def _is_file(name: str) -> bool:
    return any(any(place.glob(name.rstrip("/"))) for place in PLACES)


def _module(name: str) -> bool:
    """Whether a dotted name is a module, or something that a module's text defines."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        place = ROOT / "shared" / Path(*parts[:end])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if place.is_dir() and end == len(parts):
            return True
        if file.is_file():
            return end == len(parts) or re.search(rf"\b{re.escape(parts[end])}\b", file.read_text("utf-8")) is not None
    return False


def mentions(path: Path) -> list[str]:
    return QUOTED.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_stands_in_backticks_exists(path, classes):
    gone = []
    for name in mentions(path):
        if (found := MODULE.fullmatch(name)) and not _module(found[1]):
            gone.append(name)
        if (found := MEMBER.fullmatch(name)) and found[1] in classes and not classes.has(found[1], found[2]):
            gone.append(name)
        if (
            (found := MEMBER.fullmatch(name))
            and found[1].endswith(("Store", "Client", "Reads"))
            and found[1] not in classes
        ):
            gone.append(name)
        if TEST.fullmatch(name) and name not in _tests():
            gone.append(name)
        # Files of SDKs are named as `oci/signer.py`, and a name in capitals stands for one that somebody chooses.
        ours = name.split("/")[0] in OURS - {"oci", "obs"} and not re.search(r"[A-Z]{4,}", name)
        if FILE.fullmatch(name) and ours and not _is_file(name):
            gone.append(name)
    assert gone == []


OURS = {
    *(
        path.name
        for place in PLACES
        for path in place.iterdir()
        if path.is_dir() and not path.name.startswith((".", "__"))
    ),
    "stores",
    "wire",
    "defer",
}
