"""A PostgreSQL for the tests of this folder."""

import os

import pytest

import postgres_server


@pytest.fixture(scope="session")
def postgres_url():
    """The URL of a server where databases may be made."""
    if named := os.environ.get(postgres_server.VARIABLE):
        yield named
        return
    with postgres_server.server() as made:
        yield made.url()
