"""`bucketrelay status`: is it behind, how far, since when, and why."""

from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from bucketrelay import durations, wiring, wiring_status
from bucketrelay.commands.looking import job_queue, statistics
from bucketrelay.commands.rows import Rows, plural, size
from bucketrelay.commands.terminal import FAILED, OK, common, complain, configuration, known_route, usage
from bucketrelay.drivers.alarms import announce
from bucketrelay.drivers.status import Line
from bucketrelay.wiring_forwards import alarm_receiver

COLUMNS = ("route", "target", "state", "copied", "deleted", "unchanged", "failed", "bytes", "lag p50 p99 max", "why")


@click.command()
@click.argument("route", default="")
@click.option(
    "--since",
    default="24h",
    show_default=True,
    metavar="WHEN",
    help="What was done since: 2026-11-21, 2026-11-21T09:15:00Z, 15m, 2h, 7d.",
)
@common
def status(*, route: str, since: str, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Say of each route, or of ROUTE, and each of its targets how far behind it is, and why. 1 where an alarm is up."""
    try:
        start = durations.moment(since, datetime.now(timezone.utc))
    except ValueError:
        usage(f"--since {since}: write a date, a date and time, or how long ago, such as 2h")
    config = configuration(config_file, quiet=quiet)
    system = wiring.system(config, emit=lambda _: None)
    if route:
        known_route(route, system.routes)
    with closing(system), job_queue(config) as jobs, statistics(config) as tables:
        lines, unreadable = wiring_status.survey(config, system, jobs, tables).lines(start, route)
        if config.alarms.webhook and not route:  # with one route's alarms alone, all others would seem to have ended
            announce(lines, system.log(), alarm_receiver(config), system.now())
    with Rows(COLUMNS, as_json=as_json) as rows:
        for line in lines:
            if not quiet or line.alarms or line.waiting:
                rows.add(_cells(line), line.members(), "red" if line.alarms else "yellow" if line.waiting else "green")
    for words in unreadable:
        complain(words)
    alarms = sorted({alarm for line in lines for alarm in line.alarms})
    if not quiet:
        waiting = sum(line.waiting for line in lines)
        click.echo(f"{plural(waiting, 'object')} waiting; alarms: {', '.join(alarms) or 'none'}", err=True)
    raise SystemExit(FAILED if alarms else OK)


def _cells(line: Line) -> tuple[str, ...]:
    standing, lag = line.standing, line.standing.lag
    lags = " ".join("–" if each is None else f"{each:g}s" for each in (lag.p50, lag.p99, lag.max))
    return (
        standing.route,
        standing.target,
        _state(line),
        *(f"{count}" for count in (standing.copied, standing.deleted, standing.unchanged, standing.failed)),
        size(standing.bytes),
        lags,
        "; ".join(f"{count} × {cause}" for cause, count in standing.causes.items()),
    )


def _state(line: Line) -> str:
    """In words: `up to date`, or what is not."""
    words = [f"{plural(line.waiting, 'object')} behind, {_ago(line.behind)}"] if line.waiting else []
    words += [plural(line.dead, "dead job")] if line.dead else []
    words += ["fuse blown"] if line.blown else []
    words += [line.rests] if line.rests else []
    words += [f"alarm: {alarm}" for alarm in line.alarms]
    return "; ".join([*(words or ["up to date"]), *_heartbeat(line)])


def _heartbeat(line: Line) -> list[str]:
    """What tells a quiet route from a broken one, where it has heartbeats."""
    if not line.probed:
        return []
    last, silence = line.heartbeat, line.silence
    if last is None or silence is None:
        return ["no heartbeat yet"]
    return [f"heartbeat {_ago(silence)} ago, {last.created:g}s"]


def _ago(seconds: float) -> str:
    """`2 d`, `3 h 20 min`, `5 min`, `12 s`: two units at most."""
    whole = timedelta(seconds=round(seconds))
    hours, minutes = divmod(whole.seconds // 60, 60)
    parts = [(whole.days, "d"), (hours, "h"), (minutes, "min"), (whole.seconds % 60, "s")]
    counted = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(counted[:2]) or "0 s"
