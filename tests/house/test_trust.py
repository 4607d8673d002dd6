"""docs/trust.md names every case of the hostile review, and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [line.split("|") for line in (ROOT / "docs" / "trust.md").read_text(encoding="utf-8").splitlines()]
CASES = {row[1].strip(" †"): row[4] for row in ROWS if len(row) == 6 and re.fullmatch(r" [FS]\d+( †)? ", row[1])}
LIMITS = {"S1"}  # said, and not mended


def test_every_case_has_its_row():
    assert list(CASES) == [f"F{number}" for number in range(1, 23)] + ["S1", "S2", "S3"]


@pytest.mark.parametrize("case", CASES)
def test_each_case_has_tests_and_they_exist(case):
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", CASES[case])
    assert bool(named) is (case not in LIMITS)
    for file, test in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {test}(" in text, f"{file} has no {test}"
