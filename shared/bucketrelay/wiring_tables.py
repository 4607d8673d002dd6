"""Configuration to tables: the inventory's, what the lists tell, and where pairs found right are remembered."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from bucketrelay.config import Config
from bucketrelay.config.values import QueueConfig
from bucketrelay.database.queries import migrations
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.drivers.reconcile.remembered import BestEffortFaces, Faces
from bucketrelay.drivers.reconcile.wish import Wish
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.inventory.tables import Tables
from bucketrelay.statistics.tables import Statistics


def need_psycopg() -> None:
    """Raise ConfigError where PostgreSQL cannot be spoken to."""
    try:
        import psycopg  # noqa: F401 — only to see whether the extra is installed
    except ImportError as error:
        raise ConfigError(["queue.url: PostgreSQL needs psycopg: pip install 'bucketrelay[postgres]'"]) from error


def tables(config: QueueConfig) -> Tables:
    """The inventory's tables, in the same database as the queue."""
    if config.url:
        need_psycopg()
        from bucketrelay.database.postgres import Postgres  # psycopg is an extra

        steps = migrations("bucketrelay.inventory.sql", "postgres")
        return Tables(Postgres(config.url.reveal(), config.shown, "inventory", steps), postgres=True)
    from bucketrelay.database.sqlite import Sqlite  # whoever has PostgreSQL needs no SQLite

    steps = migrations("bucketrelay.inventory.sql", "sqlite")
    return Tables(Sqlite(config.path, "inventory", steps), postgres=False)


@contextmanager
def faces(config: Config, wish: Wish, complain: Callable[[str], None]) -> Iterator[Faces | None]:
    """Where the pairs of a wish are remembered: in the database of an inventory that has all of its stores.

    None where there is none, or where nothing of it would be believed. What the database refuses costs requests, and
    no comparison: *complain* is told.
    """
    if wish.depth is not Depth.STAMP or not (config.queue.url or config.queue.path.exists()):
        yield None
        return
    with ExitStack() as opened:
        yield _open_tables(config.queue, wish, complain, opened)


def _open_tables(config: QueueConfig, wish: Wish, complain: Callable[[str], None], opened: ExitStack) -> Faces | None:
    try:
        held = opened.enter_context(closing(tables(config)))
        return BestEffortFaces(held, complain) if {wish.route.source_store, *wish.targets} <= held.stores() else None
    except RelayError as error:
        complain(f"no pair is remembered: {error}")
        return None


def statistics(config: QueueConfig) -> Statistics:
    """The tables of what the lists tell, in the same database as the queue; opened at their first use."""
    package = "bucketrelay.statistics.sql"
    if config.url:
        need_psycopg()
        from bucketrelay.database.postgres import Postgres  # psycopg is an extra

        steps = migrations(package, "postgres")
        return Statistics(Postgres(config.url.reveal(), config.shown, "statistics", steps), postgres=True)
    from bucketrelay.database.sqlite import Sqlite  # whoever has PostgreSQL needs no SQLite

    return Statistics(Sqlite(config.path, "statistics", migrations(package, "sqlite")), postgres=False)
