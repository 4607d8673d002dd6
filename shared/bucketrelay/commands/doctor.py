"""`bucketrelay doctor`: what is missing, and what to do about it."""

import json
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bucketrelay import wiring
from bucketrelay.clouds.bucket import Cloud
from bucketrelay.clouds.registry import cloud
from bucketrelay.commands.terminal import FAILED, OK, common, configuration, shown
from bucketrelay.doctor import CHECKS, Finding, World, examine
from bucketrelay.store import Store

_WORDS = {True: "[green]ok[/]", None: "[yellow]note[/]", False: "[red]FAIL[/]"}


@click.command()
@common
def doctor(*, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Try every store, permission and wiring that the configuration needs.

    Sources are only read. In targets and in the log store one small object below .bucketrelay-doctor/ is written and
    removed. Exit status: 0 all is well, 1 something fails.
    """
    found = configuration(config_file)
    if verbose:
        for check in CHECKS.values():
            click.echo(f"{check.name}: {check.of}: {check.call}", err=True)
    with ExitStack() as stack:
        stores, clouds = wiring.Stores(found.stores, lambda: wiring.NO_KEYS), dict[str, Cloud | None]()

        def store(name: str) -> Store:
            made = stores.get(name)
            if hasattr(made, "close"):
                stack.callback(made.close)
            return made

        def health(name: str) -> Cloud | None:
            if name not in clouds:
                made = clouds[name] = cloud(found.stores[name].address, found.stores[name].revealed())
                if made is not None:
                    stack.callback(made.close)
            return clouds[name]

        world = World(found, store, health, lambda: datetime.now(timezone.utc), lambda: uuid.uuid4().hex)
        raise SystemExit(_told(examine(world), as_json=as_json, quiet=quiet))


def _told(findings: Iterable[Finding], *, as_json: bool, quiet: bool) -> int:
    """Print them; in JSON each as soon as it is there. Returns the exit status."""
    table = Table("", "store", "check", "finding", box=None, pad_edge=False)
    failed = 0
    for finding in findings:
        failed += finding.ok is False
        if quiet and finding.ok:
            continue
        if as_json:
            click.echo(json.dumps(asdict(finding)))
        words = shown(finding.detail) + (f"\n[bold]→ {shown(finding.remedy)}[/]" if finding.remedy else "")
        table.add_row(_WORDS[finding.ok], shown(finding.store), finding.check, words)
    if not as_json:
        if table.row_count:
            Console(highlight=False, emoji=False).print(table)
        if not quiet or failed:
            click.echo(f"{failed} failed" if failed else "all is well", err=True)
    return FAILED if failed else OK
