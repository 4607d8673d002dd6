"""One world for all tests of a worker that need it, its stores empty at the start of each test."""

import pytest

from security.world import world


@pytest.fixture(scope="session")
def standing_world():
    with world() as made:
        yield made


@pytest.fixture
def clouds(standing_world):
    standing_world.clear()
    return standing_world
