"""The list of mistakes fits the code as it is; `make mutants` runs it."""

import pytest

from mutants.change import PACKAGE, TESTS, Change, Stale
from mutants.changes import CHANGES
from mutants.page import PAGE, names


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_each_change_fits_exactly_one_place_and_compiles(change):
    text = (PACKAGE / change.path).read_text(encoding="utf-8")

    assert change.applied(text) != text


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_each_change_names_tests_that_there_are(change):
    assert change.tests
    for test in change.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (TESTS / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "twice twice", "once (", "same"])
def test_a_change_that_does_not_fit_is_refused(text):
    old, new = {"once (": ("once", "1"), "same": ("same", "same")}.get(text, ("twice", "1"))
    with pytest.raises(Stale, match="a-name"):
        Change("a-name", "core/run.py", old, new, "", ()).applied(text)


def test_no_two_changes_share_a_name_or_a_text():
    assert len({change.name for change in CHANGES}) == len(CHANGES) >= 45
    assert len({(change.file, change.old, change.new) for change in CHANGES}) == len(CHANGES)


def test_the_page_is_of_this_list():
    assert names(PAGE.read_text(encoding="utf-8")) == [change.name for change in CHANGES], "make mutants"
