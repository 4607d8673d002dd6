"""`bucketrelay inventory`: brings the inventory of a store up to date."""

import json
from contextlib import closing
from pathlib import Path

import click

from bucketrelay import wiring, wiring_jobs, wiring_tables
from bucketrelay.commands.progress import Progress
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, usage
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.inventory import SyncTotals, sync_store
from bucketrelay.jobs.inventory import DEPTHS, USUAL


@click.command()
@click.argument("store")
@click.option("--prefix", default="", metavar="P", help="Only the keys that begin with it.")
@click.option(
    "--depth",
    type=click.Choice(DEPTHS),
    default=USUAL,
    show_default=True,
    help="How much is looked at; each includes what stands before it. Up to versions nothing is asked for what the "
    "listing shows to be right; metadata is read where a version is new or has changed, at full always.",
)
@click.option("--enqueue", is_flag=True, help="A job for each key, for workers, instead of doing it here.")
@common
def inventory(
    *,
    store: str,
    prefix: str,
    depth: str,
    enqueue: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Bring the inventory of STORE up to date: objects, versions, delete markers, tags, metadata."""
    config = configuration(config_file)
    if store not in config.stores:
        usage(f"no store is named {store!r}: there is {', '.join(config.stores)}")
    system = wiring.system(config, emit=lambda _: None)
    jobs, tables = wiring_jobs.queue(config.queue), wiring_tables.tables(config.queue)
    with closing(system), closing(jobs), closing(tables):
        keeper, facts = wiring_jobs.keeper(config, system, tables)
        if enqueue:
            intake = wiring_jobs.inventory_sync(keeper, facts, jobs).store(store, prefix, depth=depth)
            stock = SyncTotals(enqueued=intake.new, already=intake.already, complete=True)
        else:
            progress = Progress("keys", 0 if prefix else tables.count(store), quiet=quiet)
            say = progress.beside(complain)
            try:
                stock = sync_store(
                    keeper, facts(store), prefix, depth, deadline=Deadline(), complain=say, see=progress.add
                )
            finally:
                progress.end()
    _show(stock, as_json=as_json, quiet=quiet, enqueue=enqueue)
    raise SystemExit(OK if stock.complete else FAILED)


def _show(stock: SyncTotals, *, as_json: bool, quiet: bool, enqueue: bool) -> None:
    if as_json:
        click.echo(json.dumps(stock.members()))
    elif enqueue and not quiet:
        click.echo(f"{stock.enqueued} jobs enqueued, {stock.already} were there already", err=True)
    elif not quiet:
        click.echo(
            f"{stock.objects} objects: {stock.new} new, {stock.changed} changed, {stock.removed} removed, "
            f"{stock.right} right, {stock.failed} failed",
            err=True,
        )
