"""`bucketrelay reconcile`: compare both sides of a route, and repair the difference."""

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bucketrelay import wiring
from bucketrelay.commands.progress import Progress
from bucketrelay.commands.rows import Rows, plural
from bucketrelay.commands.terminal import FAILED, INTERRUPTED, OK, common, complain, configuration, of_route, usage
from bucketrelay.config import Config
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.books import Book
from bucketrelay.drivers.reconcile.judge import Depth
from bucketrelay.drivers.reconcile.manifest import job
from bucketrelay.drivers.reconcile.remembered import Faces
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.source_inventory import InventorySource, with_inventory
from bucketrelay.drivers.reconcile.ways import Enqueue, RunAtOnce, SendOn, write_down
from bucketrelay.drivers.reconcile.wish import Wish
from bucketrelay.errors import BadEvent, ConfigError
from bucketrelay.reports.books import last_books
from bucketrelay.system import System
from bucketrelay.values import dataclass, replace
from bucketrelay.wiring_tables import faces


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
    enqueue: bool
    sqs: str
    manifest: str
    inventory: str
    streams: int | None
    as_json: bool
    quiet: bool

    def check_together(self) -> None:
        """End the program where options exclude each other."""
        ways = {"--enqueue": self.enqueue, "--sqs": self.sqs, "--batch-manifest": self.manifest, "--check": self.check}
        chosen = [name for name, given in ways.items() if given]
        if self.check and self.adopt:
            chosen.append("--adopt")
        if len(chosen) > 1:
            usage(f"{' and '.join(chosen)}: say one of them")


@click.command()
@of_route
@click.option("--check", is_flag=True, help="Only report: 1 where the sides differ. Repairs nothing.")
@click.option(
    "--depth",
    type=click.Choice([depth.value for depth in Depth]),
    default=Depth.STAMP.value,
    show_default=True,
    help="What equal means: by the listings; by the target's stamp where they do not tell; by the bytes.",
)
@click.option("--adopt", is_flag=True, help="Give equal objects that no route wrote their stamp.")
@click.option("--restart", is_flag=True, help="Begin anew, not where an earlier run was ended.")
@click.option("--enqueue", is_flag=True, help="Put the tasks into the job queue, for `bucketrelay worker`.")
@click.option("--sqs", default="", metavar="URL", help="Hand the tasks to a queue that calls the function.")
@click.option(
    "--batch-manifest", "manifest", default="", metavar="KEY", help="Write them down for S3 Batch Operations."
)
@click.option(
    "--source-inventory", "inventory", default="", metavar="FILE|URL", help="The source by its manifest.json."
)
@click.option(
    "--streams",
    type=click.IntRange(1, 200),
    metavar="N",
    help="Listings of each side at once; left out: as many as there is time for, 8 at most.",
)
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
    enqueue: bool,
    sqs: str,
    manifest: str,
    inventory: str,
    streams: int | None,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
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
        enqueue=enqueue,
        sqs=sqs,
        manifest=manifest,
        inventory=inventory,
        streams=streams,
        as_json=as_json,
        quiet=quiet,
    )
    typed.check_together()
    config = configuration(config_file, quiet=quiet)
    system = wiring.system(config, emit=lambda _: None)
    with closing(system), _wish(typed, system, config) as wish, faces(config, wish, complain) as held:
        raise SystemExit(_reconcile(typed, wish, system, held))


@contextmanager
def _wish(typed: _Typed, system: System, config: Config) -> Iterator[Wish]:
    """What is to be done, and what that holds open."""
    wish = order.wish(system, typed.route, typed.targets, typed.prefix)
    wish = replace(wish, depth=Depth(typed.depth), adopt=typed.adopt)
    wish = replace(wish, streams=typed.streams, at_most=False) if typed.streams else wish
    with ExitStack() as held:
        if typed.inventory:
            folder = Path(held.enter_context(TemporaryDirectory(prefix="bucketrelay-")))
            wish = _with_inventory(wish, typed.inventory, config, system, folder)
        yield wish if typed.check else _with_way(typed, wish, system, config, held)


def _with_way(typed: _Typed, wish: Wish, system: System, config: Config, held: ExitStack) -> Wish:
    """The wish with what becomes of the tasks."""
    if typed.enqueue:
        from bucketrelay import wiring_jobs  # only who enqueues needs a database
        from bucketrelay.jobs.queue import Priority
        from bucketrelay.jobs.tasks import task_job

        queue = held.enter_context(closing(wiring_jobs.queue(config.queue)))
        return replace(wish, repair=Enqueue(queue, lambda task: task_job(task, Priority.BACKLOG)), way="enqueue")
    if typed.sqs:
        from bucketrelay.clouds.aws.sqs import Queue  # only who sends needs it

        return replace(wish, repair=SendOn(held.enter_context(closing(Queue(typed.sqs))).send), way=f"sqs {typed.sqs}")
    if typed.manifest:
        _check_batchable(wish, config)
        return replace(wish, repair=write_down, way="manifest", manifest=typed.manifest)
    return replace(wish, repair=RunAtOnce(system, f"reconcile-{uuid.uuid4().hex}"), way="run")


def _with_inventory(wish: Wish, place: str, config: Config, system: System, folder: Path) -> Wish:
    shelf = InventorySource({name: store.address for name, store in config.stores.items()}, system.store)
    try:
        return with_inventory(wish, place, shelf, wish.route.source, folder)
    except BadEvent as error:
        usage(str(error))


def _check_batchable(wish: Wish, config: Config) -> None:
    """Raise ConfigError unless S3 itself could read the manifest and name the objects."""
    places = {"the source": wish.route.source, "the log store": config.address(config.log)}
    mistakes = [
        f"--batch-manifest: {what} is {place.url}, and S3 Batch Operations know S3's own buckets only: use --enqueue"
        for what, place in places.items()
        if place.scheme != "s3"
    ]
    if mistakes:
        raise ConfigError(mistakes)


def _reconcile(typed: _Typed, wish: Wish, system: System, remembered: Faces | None) -> int:
    total = 0 if typed.quiet else sum(_size(book) for book in last_books(system.log(), typed.route))
    progress = Progress("keys", total, quiet=typed.quiet)
    world = replace(order.world(system), see=lambda _, more: progress.add(more), complain=complain, faces=remembered)
    work = Reconciliation(wish, world, Deadline())
    try:
        since = work.begin(restart=typed.restart)
        if since and not typed.quiet:
            click.echo(f"goes on where the run of {since} was ended; --restart begins anew", err=True)
        books = work.run()
        status = OK if all(book.well for book in books) else FAILED
    except KeyboardInterrupt:
        books, status = work.end(), INTERRUPTED
    finally:
        progress.end()
    _show(books, as_json=typed.as_json)
    if typed.manifest and all(book.ended for book in books):
        _show_job(typed, system, books)
    if not typed.quiet:
        _last_word(books)
    return status


def _show(books: Sequence[Book], *, as_json: bool) -> None:
    """A line for each count and a column for each target: all counts side by side fit no screen."""
    every = [book.members() for book in books]
    if as_json:
        for members in every:
            click.echo(json.dumps(members))
        return
    with Rows(("", *(book.target for book in books))) as rows:
        for name in every[0]:
            rows.add([name, *(_cell(members[name]) for members in every)], "")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _show_job(typed: _Typed, system: System, books: Sequence[Book]) -> None:
    """How to have the manifest worked off: what is in capitals is yours to fill in."""
    log, count = system.log(), sum(book.counts.queued for book in books)
    info = log.look(typed.manifest)
    if info is None or not count:
        complain("nothing differs: there is no job to create")
        return
    order = job(log.address, info, count=count)
    click.echo(json.dumps({"create_job": order}) if typed.as_json else json.dumps(order, indent=2))
    if not typed.quiet:
        click.echo("the last object is for: aws s3control create-job --cli-input-json file://job.json", err=True)


def _last_word(books: Sequence[Book]) -> None:
    differing = sum(book.counts.missing + book.counts.different + book.counts.surplus for book in books)
    failed = sum(book.counts.failed + book.counts.undeleted for book in books)
    done = sum(book.counts.repaired for book in books)
    click.echo(f"{plural(differing, 'difference')}, {done:,} repaired, {failed:,} failed", err=True)
    if all(book.ended for book in books):
        click.echo(f"the books are in reconcile/{books[0].route}/{books[0].time}/ in the log store", err=True)
    else:
        click.echo("not at the end: the same command goes on from here", err=True)


def _size(book: dict[str, object]) -> int:
    """How many keys a book's comparison had."""
    sizes = [size for name in ("source_objects", "target_objects") if isinstance(size := book.get(name), int)]
    return max(sizes, default=0)
