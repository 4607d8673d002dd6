"""A silenced lint, or type, carries its reason on the same line."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "deploy", "docs", "functions", "shared", "tests")
_RULES = r"(?:: *[A-Z]+[0-9]+(?:, *[A-Z]+[0-9]+)*|\[[a-z, -]+\])?"
SILENCED = re.compile(rf"#\s*(?:ruff: )?(?:noqa|type: ignore){_RULES}(.*)$")


def has_no_reason(line: str) -> bool:
    """Whether *line* silences something, and no word follows."""
    match = SILENCED.search(line)
    return match is not None and not re.search(r"\w{2}", match[1])


@pytest.mark.parametrize(
    ("line", "silent"),
    [
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S324", True),
        ("x = 1  # noqa: S324, PTH123", True),
        ("x = 1  # type: ignore[misc, arg-type]", True),
        ("# ruff: noqa: INP001", True),
        ("x = 1  # noqa: S324 — of a server on this machine", False),
        ("x = 1  # type: ignore[misc]  # made at run time", False),
        ("# ruff: noqa: INP001 - a script, no package", False),
        ("x = 1  # why", False),
    ],
)
def test_what_is_silenced_without_a_reason_is_noticed(line, silent):
    assert has_no_reason(line) is silent


def test_every_silenced_lint_says_why():
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if "noqa" in line or "type: ignore" in line
        if has_no_reason(line)
    ] == []
