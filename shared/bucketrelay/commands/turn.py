"""`bucketrelay turn`: the configuration of the other direction, and what is at risk by going there."""

import os
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from bucketrelay import wiring
from bucketrelay.commands.rows import Rows, plural
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, known_route, usage
from bucketrelay.config import Config
from bucketrelay.config.find import locate
from bucketrelay.config.toml import load
from bucketrelay.config.turn import turn_route
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.barrier import Barrier, Missing
from bucketrelay.errors import RelayError


@click.command()
@click.argument("route")
@click.option("--target", default="", metavar="STORE", help="Which target becomes the source.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("relay.turned.toml"),
    show_default=True,
    metavar="FILE",
    help="Where to write the configuration; never over a file that is there.",
)
@common
def turn(*, route: str, target: str, out: Path, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Write the configuration in which ROUTE goes the other way, and name the writes that are not at the target.

    Nothing is deployed, and nothing in a bucket is changed. 1 where writes are at risk, or where the source could not
    be asked.
    """
    place = locate(os.environ, None, Path.cwd(), config_file)
    if place.text is None:
        usage("turn: the environment alone is the configuration: swap RELAY_SOURCE and RELAY_TARGETS")
    config = configuration(config_file, quiet=quiet)
    target = _target(config, route, target)
    text = turn_route(place.text, route, target)
    load(text, os.environ, place.folder, where=str(out))  # a mistake that only the other direction has is said here
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        usage(f"--out {out}: there is such a file: remove it, or name another")
    risk = _at_risk(config, route, target)
    with Rows(("target", "key", "why"), as_json=as_json) as rows:
        for each in risk or ():
            rows.add((each.target, each.key, each.why), each.members(), "red")
    if not quiet:
        _say(route, out, risk)
    raise SystemExit(OK if risk == [] else FAILED)


def _target(config: Config, name: str, target: str) -> str:
    known_route(name, config.routes)
    route = next(route for route in config.routes if route.name == name)
    if route.forward:
        usage(f"route {name} tells {route.forward} of keys, and has no other direction")
    if not target and len(route.targets) > 1:
        usage(f"--target: say which of the targets becomes the source: {', '.join(route.targets)}")
    if target and target not in route.targets:
        usage(f"--target {target}: no target of route {name}; there are: {', '.join(route.targets)}")
    return target or route.targets[0]


def _at_risk(config: Config, route: str, target: str) -> Sequence[Missing] | None:
    """The writes that the source has and the target has not; None where nobody can tell."""
    system = wiring.system(config, emit=lambda _: None)
    try:
        with closing(system):
            return Barrier(order.wish(system, route, (target,)), order.world(system), time.sleep).wait(Deadline(0))
    except RelayError as error:
        complain(f"the two sides could not be compared: {error}")
        return None


def _say(route: str, out: Path, risk: Sequence[Missing] | None) -> None:
    if risk is None:
        word = f"which writes are at risk is not known: bucketrelay status {route} says how far behind it was"
    else:
        word = f"{plural(len(risk), 'write')} at risk" if risk else "every write of the source is at the target"
    click.echo(f"{out} is written; {word}", err=True)
    click.echo(f"next: deploy it, then bucketrelay --config {out} wire {route}", err=True)
