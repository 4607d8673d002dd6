"""Configuration to readers, senders and the kinds of jobs that messages make."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bucketrelay.config import Config
from bucketrelay.config.values import BrokerConfig, DatasetsConfig
from bucketrelay.core.converge import Converge
from bucketrelay.core.pauses import Gate
from bucketrelay.core.run import ByDestination, Deliver, Runner
from bucketrelay.drivers.messages.delivery import First, Handle, Reader, Stop
from bucketrelay.drivers.messages.intake import COPY, ERROR, REPLY, CopyIntake, DatasetIntake
from bucketrelay.drivers.messages.letters import LetterSender
from bucketrelay.errors import ConfigError, StoreRefused
from bucketrelay.http.post import Post
from bucketrelay.http.post import Retry as Again
from bucketrelay.jobs.kinds import Kind
from bucketrelay.jobs.queue import JobQueue
from bucketrelay.store import Store
from bucketrelay.system import System
from bucketrelay.values import replace
from bucketrelay.wiring_invocation import sender_of

if TYPE_CHECKING:
    from starlette.routing import Route

    from bucketrelay.drivers.messages.archive import Archive
    from bucketrelay.drivers.messages.receiving import Publishing
    from bucketrelay.drivers.messages.syncing import Syncing

Say = Callable[[str], None]
Step = Callable[[Stop], None]  # runs until it is told to stop


def kinds(config: Config, system: System, jobs: JobQueue) -> dict[str, Kind]:
    """Who does what messages ask for."""
    made: dict[str, Kind] = {}
    if config.copier:
        from bucketrelay.drivers.messages.copying import Copying  # only who copies by message needs it

        copier = config.copier
        made[COPY] = Copying(
            jobs, system.runner, system.store, copier.roots, copier.replies, config.queue.attempts
        ).kind
    if config.datasets:
        made |= _syncing(config.datasets, system, jobs).kinds
        made |= _publishing(config.datasets, jobs).kinds
    return made


def read_through(runner: Runner, stores: Callable[[str], Store]) -> Runner:
    """The same runner, with the same budget, for tasks whose stores are these."""
    return replace(runner, deliver=_through(runner.deliver, stores))


def _through(deliver: Deliver, stores: Callable[[str], Store]) -> Deliver:
    if isinstance(deliver, Gate):
        return replace(deliver, deliver=_through(deliver.deliver, stores))
    if not isinstance(deliver, ByDestination) or not isinstance(deliver.converge, Converge):
        raise TypeError(f"a runner that does not converge: {type(deliver).__name__}")
    return replace(deliver, converge=replace(deliver.converge, stores=stores))


_ONCE = Again(attempts=1)  # the job is tried again, and others have the thread meanwhile


def _syncing(section: DatasetsConfig, system: System, jobs: JobQueue) -> "Syncing":
    from bucketrelay.clouds.crypt4gh.keys import private_key, public_key  # cryptography is an extra
    from bucketrelay.clouds.crypt4gh.views import Views
    from bucketrelay.drivers.messages.remote import Remote  # only who syncs datasets needs it
    from bucketrelay.drivers.messages.syncing import Syncing

    passphrase = section.passphrase.reveal() if section.passphrase else None
    key, receiver = private_key(section.key_file, passphrase), public_key(section.receiver_key)
    views = Views(system.store, {section.archive, *section.locations.values()}, key, (receiver,))
    remote = section.remote
    trusted = str(remote.ca_file or "")
    post = Post(f"{remote.url}/dataset", f"{remote.shown}/dataset", timeout=30, ca_file=trusted, retry=_ONCE)
    return Syncing(
        queue=jobs,
        archive=archive(section),
        runner=read_through(system.runner, views.get),
        open=lambda store, file: views.remember(store, file.place, file.header, file.size),
        source=lambda location: _source(section, location),
        stores=views.get,
        target=section.target,
        tell=Remote(post, remote.user, remote.password.reveal()),
    )


def _publishing(section: DatasetsConfig, jobs: JobQueue) -> "Publishing":
    from bucketrelay.drivers.messages.receiving import Publishing  # only who receives needs it

    return Publishing(jobs, section.exchange, lambda: sender_of(section.broker), archive(section).known_ids)


def endpoints(config: Config, jobs: JobQueue) -> "list[Route]":
    """What `bucketrelay serve` answers to the archive's senders; nothing without `[datasets]`."""
    if config.datasets is None:
        return []
    from bucketrelay.drivers.messages.broker import Place, check_reach  # amqp is an extra
    from bucketrelay.drivers.messages.receiving import Receiving, routes  # starlette is an extra

    broker = config.datasets.broker
    place = Place(broker.url.reveal(), str(broker.ca_file or ""))
    return routes(Receiving(jobs, lambda: check_reach(place)))


def archive(section: DatasetsConfig) -> "Archive":
    """The archive's tables. Connects to nothing yet."""
    from bucketrelay.drivers.messages.archive import Archive  # psycopg is an extra

    return Archive(section.database.reveal(), "the archive's database")


def _source(section: DatasetsConfig, location: str) -> str:
    """The name of the archive's store at a location, as the archive's tables name it."""
    if not location or not section.locations:
        return section.archive
    if location not in section.locations:
        raise StoreRefused(f"the archive has files at {location!r}: say in archive_location which store that is")
    return section.locations[location]


def copier(config: Config, jobs: JobQueue, say: Say) -> dict[str, Step]:
    """What `bucketrelay copier` runs beside its worker, by name. Raises ConfigError where there is no `[copier]`."""
    if config.copier is None:
        raise ConfigError(["copier: is missing: write a [copier] with its broker, requests and roots"])
    section = config.copier
    reader = _reader(section.broker, section.requests, say)
    intake = CopyIntake(jobs, section.roots, section.replies)
    steps: dict[str, Step] = {"requests": _reading(reader, intake)}
    if section.replies:
        steps["replies"] = LetterSender(jobs, REPLY, sender_of(section.broker), say).run
    return steps


def datasets(config: Config, jobs: JobQueue, say: Say) -> dict[str, Step]:
    """What `bucketrelay dataset-sync` runs beside its worker. Raises ConfigError where there is no `[datasets]`."""
    if config.datasets is None:
        raise ConfigError(
            ["datasets: is missing: write a [datasets] with its broker, queue, database, keys and stores"]
        )
    section = config.datasets
    intake = DatasetIntake(jobs, section.queue, section.center_prefix, section.exchange, say)
    reader = _reader(section.broker, section.queue, say, intake.position, lambda: intake.beginning(section.offset))
    return {
        "mappings": _reading(reader, intake),
        "errors": LetterSender(jobs, ERROR, sender_of(section.broker), say).run,
    }


def _reading(reader: Reader, handle: Handle) -> Step:
    return lambda stop: reader.run(handle, stop)


def _reader(
    broker: BrokerConfig,
    queue: str,
    say: Say,
    position: Callable[[], int | None] = lambda: None,
    first: Callable[[], First] = lambda: "first",
) -> Reader:
    url = broker.url.reveal()
    if url.startswith("sqs"):
        from bucketrelay.drivers.messages.sqs import Inbox  # an SDK that RabbitMQ does not need

        return Inbox(url, queue, say=say)
    from bucketrelay.drivers.messages.broker import Place, QueueReader  # amqp is an extra

    place = Place(url, str(broker.ca_file or ""))
    return QueueReader(place, queue, broker.prefetch, position, first, say)
