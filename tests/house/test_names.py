"""What docstrings, comments and pages name in backticks is there: a renamed thing takes its mentions along."""

import ast
import re
from collections.abc import Iterator
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
    *[page for page in sorted((ROOT / "docs").rglob("*.md")) if "decisions" not in page.parts],
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]
QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FILE = re.compile(r"[\w./*-]+/[\w.*-]+\.(?:py|md|toml|yaml|json|sh|tf|sql)|[\w-]+/(?:[\w-]+/)*")
MODULE = re.compile(r"(bucketrelay(?:_emulators)?(?:\.\w+)+)(?:\(.*\))?")
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


@pytest.fixture(scope="module")
def classes() -> dict[str, tuple[set[str], set[str]]]:
    """Of each class's name: what its body names, and the names of its bases."""
    classes: dict[str, tuple[set[str], set[str]]] = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                members, bases = classes.setdefault(node.name, (set(), set()))
                members.update(_members(node))
                bases.update(part.id for base in node.bases for part in ast.walk(base) if isinstance(part, ast.Name))
    return classes


def _has(classes, name: str, member: str) -> bool:
    if name not in classes:
        return True  # a base from elsewhere
    members, bases = classes[name]
    return member in members or any(base in classes and _has(classes, base, member) for base in bases)


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
        if (found := MEMBER.fullmatch(name)) and found[1] in classes and not _has(classes, found[1], found[2]):
            gone.append(name)
        if (
            (found := MEMBER.fullmatch(name))
            and found[1].endswith(("Store", "Client", "Reads"))
            and found[1] not in classes
        ):
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
