"""`bucketrelay queue …`: what waits, what died, and what to do about it."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from bucketrelay import wiring_jobs
from bucketrelay.commands.acts import note_in
from bucketrelay.commands.terminal import CONTROL, FAILED, common, complain, configuration, usage
from bucketrelay.jobs.queue import Counts, JobQueue, Record


@click.group()
def queue() -> None:
    """Look at the job queue, and after it."""


def _command(function: Callable[..., None]) -> Callable[..., Any]:
    return queue.command()(common(function))


@contextmanager
def _open_queue(config_file: Path | None) -> Iterator[JobQueue]:
    """The configured queue."""
    with closing(wiring_jobs.queue(configuration(config_file).queue)) as jobs:
        yield jobs


@_command
def status(*, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Say how much waits, runs and is dead; without --json for each queue, too."""
    del quiet
    with _open_queue(config_file) as jobs:
        counts = jobs.counts()
        if as_json:
            click.echo(json.dumps(counts_json(counts)))
            return
        rows = [*sorted(jobs.queues().items()), ("total", counts)]
    _print("queue\tpending\trunning\tdead\toldest")
    for name, each in rows:
        _print("\t".join([name, str(each.pending), str(each.running), str(each.dead), _time(each)]))
    if counts.paused:
        complain("the queue is paused: bucketrelay queue resume")


@_command
def dead(*, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """List the dead jobs, each with its reason, the longest dead first."""
    del quiet
    count = 0
    with _open_queue(config_file) as jobs:
        for record in jobs.dead():
            count += 1
            _print(dead_json(record) if as_json else _dead_line(record))
    click.echo(f"{count} dead", err=True)


@queue.command()
@click.argument("keys", nargs=-1, metavar="[KEY]…")
@click.option("--all", "every", is_flag=True, help="All dead jobs.")
@common
def retry(*, keys: Sequence[str], every: bool, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Have dead jobs tried again, with all their attempts: those of KEYs, or --all."""
    if bool(keys) == every:
        usage("queue retry: say which: KEY …, or --all")
    config = configuration(config_file)
    with closing(wiring_jobs.queue(config.queue)) as jobs:
        count = jobs.counts().dead if every else sum(1 for record in jobs.dead() if record.key in keys)
        if count:
            note_in(config, "retry", {"keys": list(keys) or None}, count)
            count = jobs.retry(None if every else keys)
    if as_json:
        click.echo(json.dumps({"retried": count}))
    elif not quiet:
        click.echo(f"{count} jobs wait again", err=True)
    if not count and not every:
        complain("no dead job has such a key: bucketrelay queue dead lists them")
        raise SystemExit(FAILED)


@_command
def pause(*, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Hand out no more jobs; what runs ends."""
    _pause(config_file, as_json=as_json, quiet=quiet or verbose, paused=True)


@_command
def resume(*, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Hand out jobs again."""
    _pause(config_file, as_json=as_json, quiet=quiet or verbose, paused=False)


def _pause(config_file: Path | None, *, as_json: bool, quiet: bool, paused: bool) -> None:
    config = configuration(config_file)
    note_in(config, "pause" if paused else "resume", {"queue": "all"})
    with closing(wiring_jobs.queue(config.queue)) as jobs:
        jobs.pause(paused)
        counts = jobs.counts()
    if as_json:
        click.echo(json.dumps(counts_json(counts)))
    elif not quiet:
        words = "paused; bucketrelay queue resume ends that" if paused else "handing out jobs"
        click.echo(f"{words}: {counts.pending} wait, {counts.running} run", err=True)


def counts_json(counts: Counts) -> dict[str, object]:
    """The counts as the contract has them; `oldest` is when the first of those that wait was enqueued."""
    return {
        "pending": counts.pending,
        "running": counts.running,
        "dead": counts.dead,
        "paused": counts.paused,
        "oldest": _time(counts) or None,
    }


def dead_json(record: Record) -> str:
    """A dead job as one JSON object."""
    members = {"key": record.key, "queue": record.queue, "attempts": record.attempts, "error": record.error}
    return json.dumps({**members, "kind": record.kind, "id": record.id})


def _dead_line(record: Record) -> str:
    return "\t".join([record.queue, record.key.translate(CONTROL), str(record.attempts), record.error])


def _time(counts: Counts) -> str:
    return counts.oldest.strftime("%Y-%m-%dT%H:%M:%SZ") if counts.oldest else ""


def _print(line: str) -> None:
    click.echo("\t".join(cell.translate(CONTROL) for cell in line.split("\t")))
