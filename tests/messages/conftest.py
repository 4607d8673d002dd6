"""A broker for the tests: the one that the environment names, else one that is started; none, and CI fails."""

import os
import uuid
from collections.abc import Callable, Iterator

import pytest

import postgres_server
from messages.archive import Partner
from messages.rabbitmq import HOW, RabbitMQ, binary, rabbitmq
from messages.world import World


def _own(factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    if binary() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW)
    with rabbitmq(factory.mktemp("rabbitmq")) as broker:
        yield broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A broker of our own, which a test may stop and start."""
    yield from _own(tmp_path_factory)


@pytest.fixture(scope="session")
def amqp(request: pytest.FixtureRequest) -> str:
    """The URL of a broker that nobody stops."""
    return os.environ.get("BUCKETRELAY_TEST_AMQP") or request.getfixturevalue("broker").url


@pytest.fixture
def name() -> Callable[[str], str]:
    """Queues of this test alone: a name becomes one that nobody else has."""
    mark = uuid.uuid4().hex[:8]
    return lambda word: f"{word}-{mark}"


@pytest.fixture(scope="session")
def postgres():
    with postgres_server.server() as server:
        yield server


@pytest.fixture
def partner():
    made = Partner()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def world(tmp_path, amqp, postgres, partner, name) -> World:
    return World(tmp_path, amqp, postgres, partner, name)


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever needs a broker goes to the same process: one broker for all of them."""
    for item in items:
        if {"amqp", "broker"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("broker"))
