"""`bucketrelay doctor`: what is missing, and what to do about it."""

import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import click

from bucketrelay import wiring_doctor
from bucketrelay.clouds.bucket import Cloud
from bucketrelay.clouds.registry import cloud
from bucketrelay.commands.rows import Rows, plural
from bucketrelay.commands.terminal import FAILED, OK, common, configuration
from bucketrelay.doctor import CHECKS, Finding, World, examine
from bucketrelay.store import Store
from bucketrelay.wiring_stores import NO_KEYS, Stores

_WORDS = {True: ("ok", "green"), None: ("note", "yellow"), False: ("FAIL", "red")}


@click.command()
@common
def doctor(*, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Try every store, permission and wiring that the configuration needs.

    Sources are only read. In targets and in the log store one small object below .bucketrelay-doctor/ is written and
    removed. Nothing is taken from a broker, and nothing put there. Exit status: 0 all is well, 1 something fails.
    """
    config = configuration(config_file, quiet=quiet)
    if verbose:
        for check in CHECKS.values():
            click.echo(f"{check.name}: {check.of}: {check.call}", err=True)
    with ExitStack() as stack:
        stores, clouds = Stores(config.stores, lambda: NO_KEYS), dict[str, Cloud | None]()

        def store(name: str) -> Store:
            made = stores.get(name)
            if hasattr(made, "close"):
                stack.callback(made.close)
            return made

        def health(name: str) -> Cloud | None:
            if name not in clouds:
                made = clouds[name] = cloud(config.stores[name].address, config.stores[name].reveal())
                if made is not None:
                    stack.callback(made.close)
            return clouds[name]

        questions = wiring_doctor.questions(config)
        world = World(config, store, health, lambda: datetime.now(timezone.utc), lambda: uuid.uuid4().hex, questions)
        raise SystemExit(_print(examine(world), as_json=as_json, quiet=quiet, verbose=verbose))


def _print(findings: Iterable[Finding], *, as_json: bool, quiet: bool, verbose: bool) -> int:
    """Print them: what is well in one row a store, unless *verbose*. Returns the exit status."""
    counts, well = Counter[bool | None](), list[Finding]()
    with Rows(("", "store", "check", "finding", "what to do"), as_json) as rows:
        for finding in findings:
            counts[finding.ok] += 1
            if well and well[0].store != finding.store:
                _well(rows, well, quiet=quiet)
            if finding.ok and not (as_json or verbose):
                well.append(finding)
            elif finding.ok is False or not quiet:
                # What a refusal says of the remedy stands in a cell of its own.
                _row(rows, finding, finding.check, finding.detail.partition(": grant ")[0])
        _well(rows, well, quiet=quiet)
    if not quiet or counts[False]:
        words = f"{counts[False]} failed" if counts[False] else "all is well"
        notes = f", {plural(counts[None], 'note')}" if counts[None] else ""
        click.echo(f"{words}: {plural(counts.total(), 'check')}{notes}", err=True)
    return FAILED if counts[False] else OK


def _row(rows: Rows, finding: Finding, check: str, detail: str) -> None:
    word, colour = _WORDS[finding.ok]
    rows.add((word, finding.store, check, detail, finding.remedy), asdict(finding), colour)


def _well(rows: Rows, well: list[Finding], *, quiet: bool) -> None:
    """The row of all that is well with a store, and the list is empty again."""
    if well and not quiet:
        _row(rows, well[0], ", ".join(dict.fromkeys(finding.check for finding in well)), well[0].detail)
    well.clear()
