"""One world of three clouds for all tests of a worker, empty at the start of each."""

import pytest

from functions.three_clouds import three_clouds


@pytest.fixture(scope="session")
def standing():
    with three_clouds() as clouds:
        yield clouds


@pytest.fixture
def clouds(standing):
    standing.clear()
    return standing
