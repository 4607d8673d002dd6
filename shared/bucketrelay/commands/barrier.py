"""`bucketrelay barrier`: prove that every write of now is at every target, or name what is not."""

import math
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from bucketrelay import durations, wiring
from bucketrelay.commands.rows import Rows, plural
from bucketrelay.commands.terminal import FAILED, OK, common, configuration, of_route, usage
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.barrier import Barrier


@click.command()
@of_route
@click.option(
    "--timeout", metavar="TIME", help="How long to wait for what is on its way: 30s, 15m. Without it: for ever."
)
@common
def barrier(
    *,
    route: str,
    targets: Sequence[str],
    prefix: str,
    timeout: str | None,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Wait until every write that the source of ROUTE holds now is at every target; 1 and their names where not."""
    try:
        seconds = durations.seconds(timeout) if timeout else math.inf
    except ValueError as error:
        usage(f"--timeout: {error}")
    system = wiring.system(configuration(config_file, quiet=quiet), emit=lambda _: None)
    with closing(system):
        wish, world = order.wish(system, route, targets, prefix), order.world(system)
        waiting = Barrier(wish, world, time.sleep, lambda count: None if quiet else _waiting(count))
        missing = waiting.wait(Deadline(seconds))
    with Rows(("target", "key", "why"), as_json=as_json) as rows:
        for each in missing:
            rows.add((each.target, each.key, each.why), each.members(), "red")
    if not quiet:
        proof = "every write that the source held is at every target"
        click.echo(f"not at every target: {plural(len(missing), 'write')}" if missing else proof, err=True)
    raise SystemExit(FAILED if missing else OK)


def _waiting(count: int) -> None:
    click.echo(f"waiting for {plural(count, 'write')}", err=True)
