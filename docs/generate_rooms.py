# ruff: noqa: INP001 - a script, no package
"""Prints docs/rooms.md: every room of the house with what it is for, and a picture of who imports whom.

python docs/generate_rooms.py > docs/rooms.md
"""

import ast
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "shared" / "bucketrelay"
HEAD = """\
<!-- Generated: python docs/generate_rooms.py > docs/rooms.md -->
# The rooms of the house

Imports point down: a room knows those below it and none above, and rooms of one row do not know each other.
`pyproject.toml` (section importlinter) says so, `make lint` proves it, and `tests/house/test_layers.py` plants a
violation of each contract and sees it refused.

"""


def layers() -> list[list[str]]:
    """The rows of rooms, from the top, as pyproject.toml has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    rows = next(each["layers"] for each in settings["contracts"] if each["containers"] == ["bucketrelay"])
    return [[room.strip() for room in row.split("|")] for row in rows]


def edges() -> dict[str, set[str]]:
    """Which rooms each room imports."""
    # No cache: a stale one drew a picture of files that were no longer so.
    graph = grimp.build_graph("bucketrelay", exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = {room: set() for row in layers() for room in row}
    for module in graph.modules:
        room = _room(module)
        for imported in graph.find_modules_directly_imported_by(module):
            if room in found and _room(imported) in found and _room(imported) != room:
                found[room].add(_room(imported))
    return found


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def reduced(arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The arrows without those that others imply: a picture that can be read."""

    def below(room: str) -> set[str]:
        return set().union(*({each} | below(each) for each in arrows[room]))

    return {room: {each for each in to if not any(each in below(other) for other in to)} for room, to in arrows.items()}


def words(room: str) -> str:
    """What the room is for: the first sentence of its docstring."""
    place = PACKAGE / room / "__init__.py"
    file = place if place.exists() else PACKAGE / f"{room}.py"
    text = ast.get_docstring(ast.parse(file.read_bytes())) or ""
    return " ".join(text.split("\n\n")[0].split())


def page() -> str:
    """The page, in Markdown."""
    rows = layers()
    table = "".join(f"| `{room}` | {words(room)} |\n" for row in rows for room in row)
    arrows = "".join(f"  {room} --> {each}\n" for room, to in reduced(edges()).items() for each in sorted(to))
    picture = f"```mermaid\ngraph TD\n{arrows}```\n"
    note = "Arrows that others imply are left out.\n"
    return f"{HEAD}| room | is for |\n|---|---|\n{table}\n{picture}\n{note}"


if __name__ == "__main__":
    sys.stdout.write(page())
