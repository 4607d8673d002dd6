"""The runner itself: it tells a change that is noticed from one that is not, and says when it cannot tell."""

from dataclasses import replace

import pytest

from mutants.change import Change
from mutants.page import difference, names, render
from mutants.run import CannotTell, Place, Verdict

BROKEN = Change(
    "broken", "core/decide.py", "return DELETED if", "return DELETED if not", "why", ("unit/core/test_decide.py",)
)
HARMLESS = replace(BROKEN, name="harmless", new="return DELETED if True and")


@pytest.mark.slow
def test_what_breaks_the_core_is_caught_and_what_does_not_survives(tmp_path):
    place = Place(tmp_path)
    broken, harmless = place.judge(BROKEN), place.judge(HARMLESS)

    assert broken.words == "test_decide: each row of the truth table"
    assert (broken.caught, harmless.caught) == (True, False)


def test_a_change_that_leaves_nothing_to_be_run_is_not_called_caught(tmp_path):
    nonsense = replace(BROKEN, old="COPY = Decision(Action.COPY)", new="COPY = undefined")
    with pytest.raises(CannotTell, match="no failed test"):
        Place(tmp_path).judge(nonsense)


def test_the_page_names_every_change_and_what_noticed_it():
    caught = Verdict(BROKEN, "unit/core/test_x.py::test_a_b_is_c[d]", hung=True)
    page = render([caught, Verdict(HARMLESS)])

    assert names(page) == ["broken", "harmless"]
    assert "**1 of 2** are noticed" in page
    assert "| why | test_x: a b is c *(timeout)* |" in page
    assert "| why | **nothing** |" in page


def test_of_a_change_the_lines_that_differ_are_shown():
    change = replace(BROKEN, old="  a\n  b | c\n  d\n", new="  a\n  d\n")

    assert difference(change) == "`b \\| c` → nothing"
