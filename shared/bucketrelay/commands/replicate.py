"""`bucketrelay replicate`: what the function would do with these events."""

import math
import sys
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

import click

from bucketrelay import wiring
from bucketrelay.commands.progress import FEW, Progress, with_progress
from bucketrelay.commands.show import Results, Tasks
from bucketrelay.commands.terminal import FAILED, OK, USAGE, common, complain, configuration
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.dry_run import dry_run
from bucketrelay.drivers.planning import SkippedEvent
from bucketrelay.drivers.record import ListsLost
from bucketrelay.errors import BadEvent, RelayError
from bucketrelay.model import Cloud
from bucketrelay.system import System


@click.command()
@click.argument("events", nargs=-1, required=True, metavar="EVENT.json…")
@click.option("--as", "cloud", type=click.Choice(["s3", "obs", "oci"]), help="The cloud that the events come from.")
@click.option("--dry-run", is_flag=True, help="Print the tasks, touch nothing; needs no secrets.")
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
    config = configuration(config_file, secrets=not dry_run, quiet=quiet)
    system = wiring.system(config, emit=lambda line: click.echo(line, err=True) if verbose else None)
    system = with_progress(system, Progress("tasks", quiet=quiet, few=FEW))
    run = _Run(system, cast("Cloud | None", cloud), quiet=quiet)
    with closing(system):
        raise SystemExit(run.dry_run(events, as_json) if dry_run else run.replicate(events, as_json))


class _Run:
    """All the files of one call; a bad one does not keep the next from its work."""

    def __init__(self, system: System, cloud: Cloud | None, *, quiet: bool) -> None:
        self._system, self._cloud, self._quiet = system, cloud, quiet
        self._status = OK

    def replicate(self, names: Sequence[str], as_json: bool) -> int:
        with Results(as_json=as_json, quiet=self._quiet) as printed:
            for name in names:
                try:
                    report = entry.handle(
                        _read(name),
                        self._system,
                        cloud=self._cloud,
                        seconds=math.inf,
                        invocation=f"cli-{uuid.uuid4().hex}",
                    )
                except RelayError as error:
                    printed.add(error.results if isinstance(error, ListsLost) else ())
                    self._fail(name, str(error), USAGE if isinstance(error, BadEvent) else FAILED)
                    continue
                printed.add(report.results)
                self._say(name, [message.error for message, _ in report.outcomes if message.error], report.passed)
        return self._status if printed.ok else max(self._status, FAILED)

    def dry_run(self, names: Sequence[str], as_json: bool) -> int:
        with Tasks(self._system.runner.results.urls, as_json=as_json, quiet=self._quiet) as printed:
            for name in names:
                try:
                    foreseen = dry_run(_read(name), self._system, cloud=self._cloud)
                except BadEvent as error:
                    self._fail(name, str(error), USAGE)
                    continue
                printed.add(foreseen.tasks)
                self._say(name, [*foreseen.unread, *(result.error for result in foreseen.refused)], foreseen.passed)
        return self._status

    def _say(self, name: str, wrong: Sequence[str], passed: Sequence[SkippedEvent]) -> None:
        """What cannot be read or done, and why an event made no task."""
        for word in wrong:
            self._fail(name, word, FAILED)
        for each in () if self._quiet else passed:
            complain(f"{name}: {each}")

    def _fail(self, name: str, words: str, status: int) -> None:
        self._status = max(self._status, status)
        complain(f"{name}: {words}")


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadEvent(f"cannot be read: {error.strerror}") from error
