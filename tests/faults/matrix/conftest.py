"""The servers of the matrix, started once for all of its tests."""

import pytest

from faults.matrix.clouds import clouds


@pytest.fixture(scope="session")
def servers():
    with clouds() as found:
        yield found
