"""A PostgreSQL for the tests of this folder."""

import pytest

import postgres_server


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory):
    """The URL of a server where databases may be made."""
    with postgres_server.shared(tmp_path_factory) as url:
        yield url
