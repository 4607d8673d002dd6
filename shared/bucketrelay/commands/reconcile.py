"""`bucketrelay reconcile`: compare both sides of a route, and repair the difference."""

import json
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bucketrelay import wiring
from bucketrelay.clouds.aws.sqs import Queue
from bucketrelay.commands.progress import Progress
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, usage
from bucketrelay.config import Config
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.bookmark import last_books
from bucketrelay.drivers.reconcile.books import Book
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.drivers.reconcile.manifest import job
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.source_inventory import Shelf, with_inventory
from bucketrelay.drivers.reconcile.ways import RunHere, SendOn, write_down
from bucketrelay.drivers.reconcile.wish import Wish
from bucketrelay.errors import BadEvent, ConfigError, RelayError
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
    sqs: str
    manifest: str
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
@click.option("--sqs", default="", metavar="URL", help="Hand the tasks to a queue that calls the function.")
@click.option(
    "--batch-manifest", "manifest", default="", metavar="KEY", help="Write them down for S3 Batch Operations."
)
@click.option(
    "--source-inventory", "inventory", default="", metavar="FILE|URL", help="A manifest.json, for the source."
)
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
    sqs: str,
    manifest: str,
    inventory: str,
    streams: int | None,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare both sides of ROUTE, repair the difference, and write the books."""
    typed = _Typed(
        route=route,
        targets=tuple(targets),
        prefix=prefix,
        depth=depth,
        check=check,
        adopt=adopt,
        restart=restart,
        sqs=sqs,
        manifest=manifest,
        streams=streams,
        as_json=as_json,
        quiet=quiet,
    )
    chosen = [name for name, said in (("--check", check), ("--sqs", sqs), ("--batch-manifest", manifest)) if said]
    if len(chosen) > 1 or (check and adopt):
        usage(f"{' and '.join(chosen + ['--adopt'] * (check and adopt))}: say one of them")
    found = configuration(config_file)
    try:
        system = wiring.system(found, emit=lambda line: click.echo(line, err=True) if verbose else None)
        wish = _wish(typed, system, found)
    except ConfigError as error:
        usage(*error.mistakes)
    with closing(system), TemporaryDirectory(prefix="bucketrelay-") as folder:
        if inventory:
            wish = _inventoried(wish, inventory, found, system, Path(folder))
        raise SystemExit(_reconcile(typed, wish, system))


def _wish(typed: _Typed, system: System, found: Config) -> Wish:
    wish = order.wish(system, typed.route, typed.targets, typed.prefix)
    wish = replace(wish, depth=Depth(typed.depth), adopt=typed.adopt, streams=typed.streams or wish.streams)
    if typed.check:
        return wish
    if typed.sqs:
        return replace(wish, repair=SendOn(Queue(typed.sqs).send), way=f"sqs {typed.sqs}")
    if typed.manifest:
        _batchable(wish, found)
        return replace(wish, repair=write_down, way="manifest", manifest=typed.manifest)
    return replace(wish, repair=RunHere(system, f"reconcile-{uuid.uuid4().hex}"), way="run")


def _inventoried(wish: Wish, place: str, found: Config, system: System, folder: Path) -> Wish:
    shelf = Shelf({name: store.address for name, store in found.stores.items()}, system.store)
    try:
        return with_inventory(wish, place, shelf, wish.route.source, folder)
    except ConfigError as error:
        usage(*error.mistakes)
    except BadEvent as error:
        usage(str(error))
    except RelayError as error:
        complain(str(error))
        raise SystemExit(FAILED) from error


def _batchable(wish: Wish, found: Config) -> None:
    """Raise ConfigError unless S3 itself could read the manifest and name the objects."""
    places = {"the source": wish.route.source, "the log store": found.address(found.log)}
    mistakes = [
        f"--batch-manifest: {what} is {place.url}, and S3 Batch Operations know S3's own buckets only: use --enqueue"
        for what, place in places.items()
        if place.scheme != "s3"
    ]
    if mistakes:
        raise ConfigError(mistakes)


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
    if typed.manifest and all(book.ended for book in books):
        _show_job(typed, system, books)
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


def _show_job(typed: _Typed, system: System, books: Sequence[Book]) -> None:
    """How to have the manifest worked off: what is in capitals is yours to fill in."""
    log, count = system.log(), sum(book.counts.queued for book in books)
    info = log.look(typed.manifest)
    if info is None or not count:
        complain("nothing differs: there is no job to create")
        return
    said = job(log.address, info, count=count)
    click.echo(json.dumps({"create_job": said}) if typed.as_json else json.dumps(said, indent=2))
    if not typed.quiet:
        click.echo("the last object is for: aws s3control create-job --cli-input-json file://job.json", err=True)


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
