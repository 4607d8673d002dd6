"""`bucketrelay replay`: run the failed lists again."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path

import click

from bucketrelay import wiring
from bucketrelay.commands.acts import note
from bucketrelay.commands.progress import FEW, Progress, with_progress
from bucketrelay.commands.rows import plural
from bucketrelay.commands.show import Results, Tasks
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, usage
from bucketrelay.drivers.replay import moment, replay_of
from bucketrelay.reports.rerun import RerunTotals
from bucketrelay.system import System

_MOST = 20  # reasons of lines that no route wants, that are told one by one; causes that there are


@click.command()
@click.option(
    "--since", metavar="WHEN", help="Only lists written since: 2026-11-21, 2026-11-21T09:15:00Z, 15m, 2h, 7d."
)
@click.option("--route", "route", default="", help="Only this route's tasks.")
@click.option("--cause", default="", help="Only what failed of this cause, in the words of status and the page.")
@click.option("--dry-run", is_flag=True, help="Print the tasks, touch nothing.")
@click.option("--go", is_flag=True, help="The route's delete fuse has blown: do what is held, begin a new hour.")
@click.option("--forget", is_flag=True, help="Have the lines end that no route wants any more.")
@common
def replay(  # noqa: PLR0913 — one for each option
    *,
    since: str | None,
    route: str,
    cause: str,
    dry_run: bool,
    go: bool,
    forget: bool,
    config_file: Path | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run the failed lists again; what is handled moves to replayed_object/."""
    now = datetime.now(timezone.utc)
    start = _start(since, now)
    _check_go(go=go, route=route, cause=cause)
    config = configuration(config_file, quiet=quiet)
    system = wiring.system(config, emit=lambda line: click.echo(line, err=True) if verbose else None)
    system = with_progress(system, Progress("tasks", quiet=quiet, few=FEW))
    if route and route not in {known.name for known in system.routes}:
        usage(f"--route {route}: no route has this name")
    terminal = _Remarks()
    with closing(system):
        ahead = replay_of(system).ahead(start, route, cause=cause)
        if cause and not ahead.count:
            usage(f"--cause {cause}: {_no_such_cause(ahead.causes)}")
        if dry_run:
            with Tasks(system.runner.results.urls, as_json=as_json, quiet=quiet) as foreseen:
                for tasks, ended in replay_of(system).tasks(start, route, cause=cause):
                    foreseen.add(tasks)
                    terminal.add(ended)
            raise SystemExit(FAILED if terminal.tell() else OK)
        if ahead.count or go:
            what = "go" if go else "forget" if forget else "redo"
            note(system.log(), what, {"route": route, "cause": cause, "since": since or ""}, ahead.count)
        with Results(as_json=as_json, quiet=quiet) as printed:
            for ended in _run(system, start, route, cause, go=go, forget=forget):
                printed.add(ended.results)
                terminal.add(ended)
    raise SystemExit(FAILED if terminal.tell() or not printed.ok else OK)


def _start(since: str | None, now: datetime) -> datetime | None:
    try:
        return moment(since, now) if since else None
    except ValueError:
        usage(f"--since {since}: write a date, a date and time, or how long ago, such as 2h")


def _check_go(*, go: bool, route: str, cause: str) -> None:
    if go and not route:
        usage("--go: say of which route, --route ROUTE: each fuse is looked into by itself")
    if go and cause:
        usage("--go: does all that the route's fuse holds, of whatever cause: leave --cause out")


def _no_such_cause(causes: Counter[str]) -> str:
    """That nothing failed of the cause, and of what something did."""
    if not causes:
        return "nothing failed of this cause: no failed list has a line"
    names = [repr(name) for name, _ in causes.most_common(_MOST) if name]
    more = f" and {len(causes) - _MOST} more" if len(causes) > _MOST else ""
    return f"nothing failed of this cause; there are: {', '.join(names)}{more}"


def _run(
    system: System, since: datetime | None, route: str, cause: str, *, go: bool, forget: bool
) -> Iterator[RerunTotals]:
    again, invocation = replay_of(system), f"replay-{uuid.uuid4().hex}"
    if go and system.fuses.blown(route):
        return again.go(since, route, invocation, forget=forget)
    if go:
        complain(f"the delete fuse of route {route} has not blown: replayed as without --go")
    return again.run(since, route, invocation, cause=cause, forget=forget)


class _Remarks:
    """What a person should know of the lists, each thing once, after the table."""

    def __init__(self) -> None:
        self._problems: dict[str, None] = {}
        self._lost: Counter[str] = Counter()
        self._forgotten = 0

    def add(self, ended: RerunTotals) -> None:
        self._problems.update(dict.fromkeys(ended.problems))
        self._lost.update(line.error for line in ended.lost)
        self._forgotten += ended.forgotten

    def tell(self) -> bool:
        """Say it; whether any of it is a failure."""
        for problem in self._problems:
            complain(problem)
        for reason, count in self._lost.most_common(_MOST):
            complain(f"{plural(count, 'line')}: {reason}")
        if self._lost:
            hidden = len(self._lost) - _MOST
            more = f"{plural(hidden, 'more reason')}; " if hidden > 0 else ""
            complain(f"{more}these lines stay in failed_object/ until `bucketrelay replay --forget` ends them")
        if self._forgotten:
            complain(f"{plural(self._forgotten, 'line')} forgotten")
        return bool(self._problems or self._lost)
