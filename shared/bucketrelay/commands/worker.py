"""`bucketrelay worker`: takes jobs from the job queue until told to stop."""

import os
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType

import click

from bucketrelay import wiring, wiring_jobs
from bucketrelay.commands.progress import FEW, Progress
from bucketrelay.commands.terminal import CONTROL, FAILED, OK, common, complain, configuration
from bucketrelay.drivers.worker import Worker
from bucketrelay.jobs.queue import JobQueue, State
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import list_line


@click.command()
@click.option("--drain", is_flag=True, help="End when no job is left; exit status 1 if jobs have died meanwhile.")
@common
def worker(*, drain: bool, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Take jobs from the job queue until told to stop.

    SIGTERM and SIGINT: what runs ends, nothing new begins; a second one ends at once, and another worker takes the
    jobs over when their leases run out. SIGUSR2 toggles a halt after what runs.
    """
    config = configuration(config_file)
    system = wiring.system(config, emit=lambda _: None)
    with closing(system), closing(wiring_jobs.queue(config.queue)) as jobs:
        progress = Progress("jobs", quiet=quiet or not drain, few=FEW)
        tell = progress.beside(teller(as_json=as_json, quiet=quiet))

        def count(result: Result) -> None:
            tell(result)
            progress.add(1)

        if drain:
            counts = jobs.counts()
            progress.expect(counts.pending + counts.running)
        made = wiring_jobs.worker(config, system, jobs, say=progress.beside(complain), tell=count)
        listen(made.stop, made.toggle_halt)
        try:
            status = _run(made, jobs, drain=drain, quiet=quiet)
        finally:
            progress.end()
    raise SystemExit(status)


def _run(made: Worker, jobs: JobQueue, *, drain: bool, quiet: bool) -> int:
    if drain and jobs.counts().paused:
        complain("the queue is paused, and would never be empty: bucketrelay queue resume")
        return FAILED
    began = jobs.now()
    made.run(drain=drain)
    died = jobs.deaths(began) if drain else 0
    if not quiet:
        done = made.states[State.DONE] + made.states[State.FAILED]
        click.echo(f"{done} jobs done" + (f", {died} died: bucketrelay queue dead" if died else ""), err=True)
    return FAILED if died else OK


def listen(stop: Callable[[], None], toggle_halt: Callable[[], None]) -> None:
    """Have the signals that a process manager sends do what they mean."""
    signals: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        if signals:
            os._exit(128 + number)  # at once: threads that hang in a request would be waited for otherwise
        signals.append(number)
        _write("ending after what runs; once more ends at once")
        stop()

    def halt(number: int, frame: FrameType | None) -> None:
        del number, frame
        _write("halt toggled: ending after what runs, unless toggled again")
        toggle_halt()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if hasattr(signal, "SIGUSR2"):  # not on Windows
        signal.signal(signal.SIGUSR2, halt)


def _write(line: str) -> None:
    # Not through a buffer, which the signal may have interrupted in the middle of a write.
    os.write(2, f"bucketrelay: {line}\n".encode())


def teller(*, as_json: bool, quiet: bool) -> Callable[[Result], None]:
    """Prints a line for each result: what is not worth a word with `-q` is what changed nothing."""

    def tell(result: Result) -> None:
        if quiet and result.outcome is Outcome.UNCHANGED:
            return
        if as_json:
            click.echo(list_line.line(result))
            return
        word = result.error or result.note
        cells = [result.outcome.value, result.source or result.key, result.target, str(result.bytes), word]
        click.echo("\t".join(cell.translate(CONTROL) for cell in cells))

    return tell
