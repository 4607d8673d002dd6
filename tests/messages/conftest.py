"""A broker for the tests: the one that the environment names, else one that is started; none, and CI fails."""

import os
import uuid
from collections.abc import Callable, Iterator

import pytest

import postgres_server
from messages.archive import Partner
from messages.rabbitmq import HOW, RabbitMQ, Shared, binary, rabbitmq, shared
from messages.world import World


def _needed() -> None:
    if binary() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A broker of our own, which a test may stop and start. It is dear: for slow tests alone."""
    _needed()
    with rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as made:
        yield made


@pytest.fixture(scope="session")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A broker that nobody stops, one for all the processes of the run."""
    _needed()
    with shared(tmp_path_factory) as made:
        yield made


@pytest.fixture
def amqp(request: pytest.FixtureRequest) -> str:
    """The URL of a broker that nobody stops; of the test's own `broker`, where it asks for one to stop."""
    if "broker" in request.fixturenames:
        broker: RabbitMQ = request.getfixturevalue("broker")
        return broker.url
    return os.environ.get("BUCKETRELAY_TEST_AMQP") or request.getfixturevalue("lasting").url


@pytest.fixture
def name() -> Callable[[str], str]:
    """Queues of this test alone: a name becomes one that nobody else has."""
    mark = uuid.uuid4().hex[:8]
    return lambda word: f"{word}-{mark}"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> Iterator[str]:
    """The URL of a server where databases may be made."""
    with postgres_server.shared(tmp_path_factory) as url:
        yield url


@pytest.fixture
def partner():
    made = Partner()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def world(tmp_path, amqp, postgres, partner, name) -> World:
    return World(tmp_path, amqp, postgres, partner, name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who talks to other processes waits for them, not for a clock: the limit only ends what hangs."""
    for item in items:
        if {"amqp", "broker", "lasting"} & set(getattr(item, "fixturenames", ())) and not item.get_closest_marker(
            "timeout"
        ):
            item.add_marker(pytest.mark.timeout(600))
