"""Pages that are generated are what is committed."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(DOCS / "generate.py"))


def test_what_travels_is_what_the_stores_declare(script):
    assert (DOCS / "what-travels.md").read_text() == script["page"](), "python docs/generate.py > docs/what-travels.md"


def test_what_an_answer_means_is_what_the_tables_say():
    page = runpy.run_path(str(DOCS / "generate_outcomes.py"))["page"]()
    assert (DOCS / "outcomes.md").read_text() == page, "python docs/generate_outcomes.py > docs/outcomes.md"


def test_every_pair_of_stores_has_a_row(script):
    rows = [line.split(" | ") for line in script["page"]().splitlines() if line.startswith("| ")]
    pairs = [(row[0].removeprefix("| "), row[1]) for row in rows[2:]]
    assert pairs == [(a, b) for a in ("s3", "obs", "oci", "file") for b in ("s3", "obs", "oci", "file")]


def test_what_a_target_cannot_hold_is_said_to_be_lost(script):
    s3, oci = script["STORES"]["s3"], script["STORES"]["oci"]
    headers, user, tags, classes, *_ = script["row"](s3, oci, "s3", "oci")
    assert (headers, user, tags) == ("all but Expires", "all", "**lost**")
    assert "ONEZONE_IA, STANDARD_IA → InfrequentAccess" in classes
    assert "DEEP_ARCHIVE" in classes.partition("**lost**")[2]


def test_the_page_of_events_is_what_the_reading_goes_by():
    page = runpy.run_path(str(DOCS / "generate_events.py"))["page"]()

    assert (DOCS / "events.md").read_text() == page, "python docs/generate_events.py > docs/events.md"


def test_the_page_of_metrics_is_that_of_the_table():
    page = runpy.run_path(str(DOCS / "generate_metrics.py"))["page"]()

    assert (DOCS / "metrics.md").read_text() == page, "python docs/generate_metrics.py > docs/metrics.md"
