"""Every fault at every request of every store: a fixed part of it here, the whole in `make slow`."""

import pytest

from faults.matrix.cells import cell
from faults.matrix.known import WRONG
from faults.matrix.page import PAGE, TITLES, parse, render
from faults.matrix.scenarios import OPERATIONS, ROWS

ALL = [(operation, row, name) for operation in OPERATIONS for row in ROWS for name in TITLES]
PART = ALL[::31]  # 31 divides neither the number of faults nor that of clouds: each meets each in the end


@pytest.fixture(scope="module")
def page():
    return parse(PAGE.read_text())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name.replace(" ", "-"))
def test_what_the_page_says_of_a_fault_is_what_comes_of_it(servers, page, operation):
    mine = [(row, name) for each, row, name in PART if each is operation]
    assert len({row.name for row, _ in mine}) >= 3
    found = {(row.name, name): cell(servers[name], row, operation) for row, name in mine}

    assert found == {(row.name, name): page[operation.name, row.name, name] for row, name in mine}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TITLES)
def test_the_whole_page_is_what_comes_of_the_faults(servers, page, name):
    found = {(o.name, row.name): cell(servers[name], row, o) for o in OPERATIONS for row in ROWS}

    assert found == {(o, row): words for (o, row, cloud), words in page.items() if cloud == name}


def test_the_page_has_every_cell_and_nothing_else(page):
    assert set(page) == {(operation.name, row.name, name) for operation, row, name in ALL}
    assert render(page) == PAGE.read_text()


def test_what_is_known_to_be_wrong_is_said_on_the_page(page):
    said = {where: words for where, words in page.items() if words.startswith("**")}

    known = {(*where, name): f"**{what.words}**" for where, clouds in WRONG.items() for name, what in clouds.items()}
    assert said == known
