"""`bucketrelay replicate`: what the function would do with these events."""

import math
import sys
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

import click
from rich.console import Console

from bucketrelay import wiring
from bucketrelay.commands.show import print_results, print_tasks
from bucketrelay.commands.terminal import FAILED, OK, USAGE, common, complain, configuration, usage
from bucketrelay.drivers import function as entry
from bucketrelay.errors import BadEvent, ConfigError, RelayError
from bucketrelay.model import Cloud
from bucketrelay.system import System


@click.command()
@click.argument("events", nargs=-1, required=True, metavar="EVENT.json…")
@click.option("--as", "cloud", type=click.Choice(["s3", "obs", "oci"]), help="The cloud that the events come from.")
@click.option("--dry-run", is_flag=True, help="Print the tasks, touch nothing.")
@common
def replicate(
    *,
    events: Sequence[str],
    cloud: str | None,
    dry_run: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Do what the function would do with these events; - reads standard input."""
    found = configuration(config_file)
    try:
        system = wiring.system(found, emit=lambda line: click.echo(line, err=True) if verbose else None)
    except ConfigError as error:
        usage(*error.mistakes)
    out, err = Console(highlight=False, emoji=False), Console(stderr=True, highlight=False)
    status = OK
    with closing(system):
        for number, name in enumerate(events, start=1):
            if not quiet:
                err.print(f"{name} ({number} of {len(events)})", style="dim", markup=False)
            run = _dry if dry_run else _replicate
            status = max(status, run(name, cast("Cloud | None", cloud), system, as_json, out))
    raise SystemExit(status)


def _replicate(name: str, cloud: Cloud | None, system: System, as_json: bool, out: Console) -> int:
    try:
        report = entry.handle(_read(name), system, cloud=cloud, seconds=math.inf, invocation=f"cli-{uuid.uuid4().hex}")
    except RelayError as error:
        complain(f"{name}: {error}")
        return USAGE if isinstance(error, BadEvent) else FAILED
    print_results(report.results, as_json, out)
    bad = [message.error for message, _ in report.outcomes if message.error]
    for word in bad:
        complain(f"{name}: {word}")
    return FAILED if bad or not all(result.ok for result in report.results) else OK


def _dry(name: str, cloud: Cloud | None, system: System, as_json: bool, out: Console) -> int:
    try:
        tasks, refused = entry.tasks_of(_read(name), system, cloud=cloud)
    except BadEvent as error:
        complain(f"{name}: {error}")
        return USAGE
    print_tasks(tasks, system, as_json, out)
    for result in refused:
        complain(f"{name}: {result.error}")
    return FAILED if refused else OK


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadEvent(f"cannot be read: {error.strerror}") from error
