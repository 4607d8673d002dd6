"""Configuration to what `serve` serves."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from bucketrelay import wiring_messages
from bucketrelay.config import Config, Secret
from bucketrelay.config.values import ServeConfig
from bucketrelay.drivers.metrics import Status
from bucketrelay.drivers.serve import Guarding, Serving, app
from bucketrelay.drivers.serve.page.endpoints import Page, page_routes
from bucketrelay.drivers.status import Watch
from bucketrelay.inventory.tables import Tables
from bucketrelay.jobs.queue import JobQueue
from bucketrelay.model import Result
from bucketrelay.reports import lists
from bucketrelay.statistics.tables import Statistics
from bucketrelay.system import System
from bucketrelay.wiring_jobs import inventory_sync, keeper, schedules
from bucketrelay.wiring_status import survey

if TYPE_CHECKING:
    from starlette.applications import Starlette


_DAY = timedelta(days=1)  # what was done in the last one is shown, and drawn


def guarding(config: ServeConfig) -> Guarding:
    """Who may call `serve`."""

    def text(secret: Secret | None) -> str:
        return secret.reveal() if secret else ""

    return Guarding(text(config.token), text(config.read_token), config.user, text(config.password))


def application(
    config: Config, system: System, jobs: JobQueue, stock: Tables, statistics: Statistics | None = None
) -> "Starlette":
    """What `serve` serves. Other rooms add their routes here: the operator's page, the archive's endpoints.

    Args:
        statistics: what the lists have told; without it this process reads them for itself.
    """

    def record(results: Sequence[Result]) -> None:
        lists.write(system.log(), results, invocation=f"serve-{uuid.uuid4().hex}", now=system.now())

    ids = {str(store.options.get("coms_bucket_id", "")): name for name, store in config.stores.items()}
    serving = Serving(
        system=system,
        queue=jobs,
        record=record,
        sync=inventory_sync(*keeper(config, system, stock), jobs),
        stores=tuple(config.stores),
        addresses={name: store.address for name, store in config.stores.items()},
        guarding=guarding(config.serve),
        coms=ids,
        coms_default=config.serve.coms_default,
    )
    watch = Watch(survey(config, system, jobs, statistics), system.now() - _DAY, last=_DAY)
    page = Page(serving, watch, tuple(schedule.name for schedule in schedules(config.schedules)))
    made = app(serving, *page_routes(page), *wiring_messages.endpoints(config, jobs), failures=page.failures)
    made.state.metrics.registry.register(Status(page.lines))  # the page and /metrics say the same
    return made
