"""`bucketrelay reconcile`: compare both sides of a route, and repair the difference."""

import json
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import click

from bucketrelay import wiring
from bucketrelay.commands.progress import Progress
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, usage
from bucketrelay.config import Config
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.bookmark import last_books
from bucketrelay.drivers.reconcile.books import Book
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.drivers.reconcile.run import Reconciliation, Wish
from bucketrelay.drivers.reconcile.ways import RunHere
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.system import System

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class _Typed:
    """What the options say."""

    route: str
    targets: tuple[str, ...]
    prefix: str
    depth: str
    check: bool
    adopt: bool
    restart: bool
    streams: int | None
    as_json: bool
    quiet: bool


@click.command()
@click.argument("route")
@click.option("--target", "targets", multiple=True, metavar="STORE", help="Only this target; may be said again.")
@click.option("--check", is_flag=True, help="Only report: 1 where the sides differ. Repairs nothing.")
@click.option("--prefix", default="", metavar="P", help="Only the source's keys that begin with it.")
@click.option(
    "--depth",
    type=click.Choice([depth.value for depth in Depth]),
    default=Depth.STAMP.value,
    show_default=True,
    help="What equal means: by the listings; by the target's stamp where they do not tell; by the bytes.",
)
@click.option("--adopt", is_flag=True, help="Give equal objects that no route wrote their stamp.")
@click.option("--restart", is_flag=True, help="Begin anew, not where an earlier run was ended.")
@click.option("--streams", type=click.IntRange(1, 200), metavar="N", help="Listings of each side at once.")
@common
def reconcile(  # noqa: PLR0913 — one parameter for each option
    *,
    route: str,
    targets: Sequence[str],
    check: bool,
    prefix: str,
    depth: str,
    adopt: bool,
    restart: bool,
    streams: int | None,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare both sides of ROUTE, repair the difference, and write the books."""
    typed = _Typed(route, tuple(targets), prefix, depth, check, adopt, restart, streams, as_json, quiet)
    if check and adopt:
        usage("--check reports only, and --adopt writes: say one of them")
    found = configuration(config_file)
    try:
        system = wiring.system(found, emit=lambda line: click.echo(line, err=True) if verbose else None)
        wish = _wish(typed, system, found)
    except ConfigError as error:
        usage(*error.mistakes)
    with closing(system):
        raise SystemExit(_reconcile(typed, wish, system))


def _wish(typed: _Typed, system: System, found: Config) -> Wish:
    del found
    wish = order.wish(system, typed.route, typed.targets, typed.prefix)
    wish = replace(wish, depth=Depth(typed.depth), adopt=typed.adopt, streams=typed.streams or wish.streams)
    if typed.check:
        return wish
    return replace(wish, repair=RunHere(system, f"reconcile-{uuid.uuid4().hex}"), way="run")


def _reconcile(typed: _Typed, wish: Wish, system: System) -> int:
    total = 0 if typed.quiet else sum(_size(book) for book in last_books(system.log(), typed.route))
    progress = Progress("keys", total, quiet=typed.quiet)
    world = replace(order.world(system), see=lambda _, more: progress.add(more), complain=complain)
    work = Reconciliation(wish, world, Deadline())
    try:
        since = work.begin(restart=typed.restart)
        if since and not typed.quiet:
            click.echo(f"goes on where the run of {since} was ended; --restart begins anew", err=True)
        books = work.run()
        status = OK if all(book.well for book in books) else FAILED
    except KeyboardInterrupt:
        books, status = work.end(), INTERRUPTED
    except RelayError as error:
        progress.end()
        complain(str(error))
        return FAILED
    progress.end()
    for book in books:
        _show(book, as_json=typed.as_json)
    if not typed.quiet:
        _last_word(books)
    return status


def _show(book: Book, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(book.members()))
        return
    counts = book.counts
    click.echo(f"{book.route}\t{book.target}\t{'complete' if book.complete else 'not complete'}")
    for name in _COUNTS:
        click.echo(f"  {name}\t{getattr(counts, name):,}")


_COUNTS = (
    "source_objects",
    "target_objects",
    "right",
    "missing",
    "different",
    "surplus",
    "kept",
    "unclear",
    "failed",
    "excluded",
    "repaired",
    "queued",
    "adopted",
    "unstamped",
    "bytes",
)


def _last_word(books: Sequence[Book]) -> None:
    if all(book.ended for book in books):
        click.echo(f"the books are in reconcile/{books[0].route}/{books[0].time}/ in the log store", err=True)
    else:
        click.echo("not at the end: the same command goes on from here", err=True)


def _size(book: dict[str, object]) -> int:
    """How many keys a book's comparison had."""
    sizes = [size for name in ("source_objects", "target_objects") if isinstance(size := book.get(name), int)]
    return max(sizes, default=0)
