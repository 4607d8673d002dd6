"""Every fault of a connection at every verb of every store: a fixed part of it here, the whole in `make slow`."""

import pytest

from faults.matrix.clouds import PATIENT
from faults.wire.cells import PAGE, TITLES, VERBS, cell, parse, render
from faults.wire.relay import FAULTS, Relay

ALL = [(name, verb, fault) for name in TITLES for verb in VERBS for fault in FAULTS]
PART = [each for each in ALL if "drip" not in each[2].name][::17]  # what drips takes seconds


@pytest.fixture(scope="module")
def page():
    return parse(PAGE.read_text("utf-8"))


@pytest.fixture(scope="module")
def run(servers):
    """One cell, by the store's usual repetitions."""
    relays = {name: Relay(servers[name].upstream) for name in TITLES}
    stores = {name: servers[name].make(relay.endpoint, PATIENT, retries=2) for name, relay in relays.items()}
    for relay in relays.values():
        relay.__enter__()
    yield lambda name, verb, fault: cell(servers[name], relays[name], stores[name], verb, fault)
    for name, relay in relays.items():
        stores[name].close()
        relay.__exit__()


def test_a_part_of_the_page_is_what_comes_of_the_faults(run, page):
    assert {fault.name for _, _, fault in PART} >= {fault.name for fault in FAULTS if "drip" not in fault.name}
    found = {(name, verb.name, fault.name): run(name, verb, fault) for name, verb, fault in PART}
    assert found == {where: page[where] for where in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", TITLES)
def test_the_whole_page_is_what_comes_of_the_faults(run, page, name):
    found = {(verb.name, fault.name): run(name, verb, fault) for each, verb, fault in ALL if each == name}
    assert found == {(verb, fault): words for (cloud, verb, fault), words in page.items() if cloud == name}


def test_the_page_has_every_cell_and_nothing_else(page):
    assert set(page) == {(name, verb.name, fault.name) for name, verb, fault in ALL}
    assert render(page) == PAGE.read_text("utf-8")
