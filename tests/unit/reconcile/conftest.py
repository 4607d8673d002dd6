import pytest

from reconcile_world import World


@pytest.fixture
def world():
    return World()
