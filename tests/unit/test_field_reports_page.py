"""docs/field-reports.md: every case has its test, and each test that it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "field-reports.md").read_text(encoding="utf-8")
NAMED = re.findall(r"(~?)`([\w/]+\.py)(?:::(\w+))?`", PAGE)


def place(path):
    return ROOT / path if path.startswith("shared/") else ROOT / "tests" / path


@pytest.mark.parametrize(("slow", "path", "name"), NAMED, ids=[f"{path}::{name}" for _, path, name in NAMED])
def test_a_test_that_the_page_names_is_there(slow, path, name):
    text = place(path).read_text(encoding="utf-8")

    if not name:
        assert re.search(r"^ *def test_", text, re.MULTILINE)
        return
    found = re.search(rf"^ *(?:def|class) {name}\b", text, re.MULTILINE)
    assert found, f"{path} has no {name}"
    if name.startswith("Test"):
        body = re.split(r"\n(?=\S)", text[found.end() :], maxsplit=1)[0]
        assert "    def test_" in body
    own = text[: found.start()].rpartition("\n\n")[2]
    assert bool(slow) == (
        "pytest.mark.slow" in own
        or re.search(r"^pytestmark = [^\n]*\n? *pytest.mark.slow", text, re.MULTILINE) is not None
    )


def test_every_row_of_the_page_names_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not re.match(r"\| (case|point) ", line)]

    assert len(rows) > 50
    assert [row for row in rows if ".py" not in row] == []


@pytest.mark.parametrize("number", range(1, 18))
def test_every_point_of_the_first_hour_has_a_row(number):
    assert re.search(rf"^\| {number} ", PAGE, re.MULTILINE)
