"""`bucketrelay estimate`: what a backfill will take, before anybody pays for it."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import click

from bucketrelay import wiring, wiring_jobs
from bucketrelay.commands.progress import Progress
from bucketrelay.commands.rows import Rows, size
from bucketrelay.commands.terminal import OK, common, complain, configuration, known_route, of_route, usage
from bucketrelay.config import Config
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.estimate import Estimate, backfill, day
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.reports.prices import PRICES, Prices, read_prices
from bucketrelay.reports.reader import Reader
from bucketrelay.store import MiB
from bucketrelay.system import System
from bucketrelay.values import replace

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COLUMNS = ("route", "target", "copies", "deletes", "bytes", "requests", "time", "US dollars")


@click.command()
@of_route
@click.option(
    "--depth",
    type=click.Choice([Depth.LISTING.value, Depth.STAMP.value]),
    default=Depth.STAMP.value,
    show_default=True,
    help="How closely `reconcile` would compare.",
)
@click.option("--day", "last_day", is_flag=True, help="Instead of a backfill: a day like the last, by the lists.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Your prices: docs/estimate.md.")
@click.option("--rate", default=100.0, show_default=True, metavar="MIB", help="MiB a second that one process moves.")
@common
def estimate(  # noqa: PLR0913 — one parameter for each option
    *,
    route: str,
    targets: Sequence[str],
    prefix: str,
    depth: str,
    last_day: bool,
    prices: Path | None,
    rate: float,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what `reconcile ROUTE` would take: requests, bytes, time, money. Lists both sides and writes nothing."""
    if rate <= 0:
        usage("--rate: write how many MiB a second move, such as 100")
    table = _prices(prices)
    config = configuration(config_file, quiet=quiet)
    system = wiring.system(config, emit=lambda _: None)
    known_route(route, system.routes)
    with closing(system), Rows(COLUMNS, as_json=as_json) as rows:
        if last_day:
            made: Iterable[Estimate] = _day(config, system, route, targets)
        else:
            made = _backfill(config, system, (route, targets, prefix, depth), quiet=quiet)
        for each in made:
            _show(rows, each, config, table, rate)
    if not quiet:
        click.echo("; ".join(_sources(config, route, table)), err=True)
    raise SystemExit(OK)


def _backfill(
    config: Config, system: System, typed: tuple[str, Sequence[str], str, str], *, quiet: bool
) -> Iterable[Estimate]:
    route, targets, prefix, depth = typed
    wish = replace(order.wish(system, route, targets, prefix), depth=Depth(depth))
    progress = Progress("keys", quiet=quiet)
    world = replace(order.world(system), see=lambda _target, more: progress.add(more))
    try:
        yield from backfill(wish, world, config.limits.part_size)
    finally:
        progress.end()


def _day(config: Config, system: System, name: str, targets: Sequence[str]) -> Iterable[Estimate]:
    route = next(route for route in system.routes if route.name == name)
    reader = Reader(system.log(), system.now() - timedelta(days=1))
    results = [result for result in reader.fresh() if result.route == name]
    for words in reader.unreadable:
        complain(words)
    for target in targets or route.targets:
        stores = system.store(route.source_store), system.store(target), system.log()
        mine = [result for result in results if result.target.startswith(stores[1].address.of(""))]
        yield day(mine, reader.lists, name, target, stores, config.limits.part_size)


def _show(rows: Rows, each: Estimate, config: Config, table: Mapping[str, Prices], rate: float) -> None:
    places = wiring_jobs.places(config, each)
    whole = each.whole(places, table, config.limits.concurrency, rate * MiB)
    money, unknown = each.money(places, table)
    lacks = f" and what {', '.join(unknown)} asks" if unknown else ""
    cells = (
        each.route,
        each.target,
        f"{each.copies:,}",
        f"{each.deletes:,}",
        size(each.bytes),
        f"{each.requests.total():,}",
        f"{timedelta(seconds=round(each.seconds(config.limits.concurrency, rate * MiB)))}",
        f"{money:,.2f}{lacks}",
    )
    rows.add(cells, whole)


def _sources(config: Config, name: str, table: Mapping[str, Prices]) -> list[str]:
    route = next(route for route in config.routes if route.name == name)
    schemes = {config.stores[store].address.scheme for store in (route.source_store, *route.targets, config.log)}
    told = [(scheme, table[scheme]) for scheme in sorted(schemes) if scheme in table]
    return [f"{scheme}: list prices of {each.source}, {each.date}" for scheme, each in told]


def _prices(file: Path | None) -> Mapping[str, Prices]:
    if file is None:
        return PRICES
    try:
        return read_prices(tomllib.loads(file.read_text()))
    except (OSError, TypeError, ValueError) as error:  # a TOML error is a ValueError
        usage(f"--prices {file}: {error}")
