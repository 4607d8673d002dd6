"""`bucketrelay demo`: the main job, to be watched, without an account or a network."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from bucketrelay.commands.terminal import CONTROL, FAILED, OK, common, usage
from bucketrelay.model import Outcome, Result
from bucketrelay.values import dataclass

if TYPE_CHECKING:
    from bucketrelay.commands.demo_world import Clouds

_GREEN, _RED, _DIM, _BOLD = "green", "red", "bright_black", "bold"


@dataclass(frozen=True, slots=True)
class Side:
    """A source and one of its targets, after a step."""

    source: str
    holds: dict[str, str]
    target: str
    target_holds: dict[str, str]

    @property
    def same(self) -> bool:
        """Whether they are equal."""
        return self.holds == self.target_holds


@dataclass(frozen=True, slots=True)
class Step:
    """What was done, what the platforms said to it, and what the buckets hold then."""

    title: str
    told: tuple[str, ...]
    sides: tuple[Side, ...]
    well: bool  # whether it came as it had to


@click.command()
@common
def demo(*, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Show the main job between local stand-ins of S3, OBS and OCI; no account, no network."""
    del config_file  # the demo brings its own
    try:
        from bucketrelay.commands.demo_world import Clouds  # the emulators are an extra
    except ModuleNotFoundError as error:
        usage(f"{error.name} is missing: the demo needs the extra `demo`: pip install '.[demo]' in a clone")
    started = time.monotonic()
    if not quiet and sys.stderr.isatty():
        click.echo("starting three clouds on 127.0.0.1 …", err=True)
    with Clouds.start() as clouds:
        steps = [step(clouds) for step in STEPS]
        results = clouds.results()
    well = all(step.well for step in steps)
    if as_json:
        for folder, result in results:
            click.echo(json.dumps({"list": folder, "outcome": result.outcome.value, "target": result.target}))
    else:
        _show(steps, results, well=well, seconds=time.monotonic() - started, quiet=quiet)
    raise SystemExit(OK if well else FAILED)


# What happens


def _create(clouds: "Clouds") -> Step:
    clouds.write("photos", "2026/café 1+1.jpg", "a photo")
    clouds.write("scans", "in/page 1.tif", "a scan")
    clouds.write("reports", "q3/100%.pdf", "a report")
    told = (clouds.run_lambda(), clouds.run_functiongraph(), clouds.run_oci())
    return _step(clouds, "Written in each of three clouds; each cloud's own event starts a function", told)


def _overwrite(clouds: "Clouds") -> Step:
    clouds.write("photos", "2026/café 1+1.jpg", "a better photo")
    return _step(clouds, "The photo in S3 is overwritten", (clouds.run_lambda(),), "photos")


def _delete(clouds: "Clouds") -> Step:
    clouds.store("scans").delete("in/page 1.tif")
    return _step(clouds, "The scan in OBS is deleted", (clouds.run_functiongraph(),), "scans")


def _one_target_down(clouds: "Clouds") -> Step:
    clouds.switch_off()
    clouds.write("photos", "2026/last.jpg", "the last photo")
    told = (clouds.run_lambda(),)
    step = _step(clouds, "OBS is switched off, and a photo is written in S3: OCI gets its copy", told, "photos")
    off, up = step.sides
    return Step(step.title, step.told, step.sides, well=not off.same and up.same)


def _comes_again(clouds: "Clouds") -> Step:
    clouds.switch_on()
    told = (clouds.run_lambda(),)
    return _step(clouds, "OBS is back, and SQS delivers the message again", told)


STEPS: tuple[Callable[["Clouds"], Step], ...] = (_create, _overwrite, _delete, _one_target_down, _comes_again)


def _step(clouds: "Clouds", title: str, told: tuple[str, ...], *only: str) -> Step:
    from bucketrelay.commands.demo_world import ROUTES, STORES  # as above

    sides = tuple(
        Side(STORES[source], clouds.contents(source), STORES[target], clouds.contents(target))
        for source in only or ROUTES
        for target in ROUTES[source]
    )
    return Step(title, told, sides, well=all(side.same for side in sides))


# What is shown: nothing is wider than 80 columns, and every name is whole


def _show(
    steps: Sequence[Step], results: Sequence[tuple[str, Result]], *, well: bool, seconds: float, quiet: bool
) -> None:
    count = sum(step.well for step in steps)
    word = "every target equals its source" if well else "something is not as it has to be, see below"
    _say(f"{word}: {count} of {len(steps)} steps as promised, in {seconds:.1f} s", _GREEN if well else _RED, bold=True)
    if quiet:
        return
    _say("S3 is played by moto, OBS and OCI by bucketrelay's emulators, all on 127.0.0.1.", _DIM)
    for number, step in enumerate(steps, start=1):
        _say("")
        _say(f"{number}  {step.title}", bold=True)
        for line in _sides(step.sides):
            _say(*line)
        for words in step.told:
            _say(f"   {words}", _DIM)
    _say("")
    _say("The lists in s3://relay-logs, one line for each task", bold=True)
    for line in _lists(results):
        _say(*line)
    _say("")
    _say("Next: `bucketrelay init` writes a configuration to start from, and `bucketrelay")
    _say("replicate EVENT.json --dry-run` says what an event would do with it.")


def _sides(sides: Sequence[Side]) -> Iterator[tuple[str, str]]:
    for number, side in enumerate(sides):
        if number == 0 or sides[number - 1].source != side.source:
            yield f"   {side.source} holds{_holds(side.holds)}", ""
        if side.same:
            yield f"     {side.target:26}same", _GREEN
        else:
            yield f"     {side.target:26}differs: {_difference(side)}", _RED


def _holds(objects: dict[str, str]) -> str:
    """On lines of their own where there are several."""
    lines = [f"{key}: {text}" for key, text in objects.items()]
    return f" {lines[0]}" if len(lines) == 1 else "".join(f"\n       {line}" for line in lines) or " nothing"


def _difference(side: Side) -> str:
    lacks = [key for key in side.holds if key not in side.target_holds]
    more = [key for key in side.target_holds if key not in side.holds]
    old = [key for key in side.holds if key in side.target_holds and side.holds[key] != side.target_holds[key]]
    differences = {"lacks": lacks, "still holds": more, "has an older": old}
    return "; ".join(f"{word} {', '.join(keys)}" for word, keys in differences.items() if keys)


def _lists(results: Sequence[tuple[str, Result]]) -> Iterator[tuple[str, str]]:
    for folder, result in results:
        colour = _RED if result.outcome is Outcome.FAILED else _GREEN
        yield f"   {folder:14}  {result.outcome.value:9}  {result.target}", colour
        for line in wrap(_error(result), 72, break_long_words=False) if result.error else ():
            yield f"       {line}", _DIM


def _error(result: Result) -> str:
    """What failed, without the name that stands in the line above."""
    words = result.error.removeprefix(f"{result.target}: ")
    return f"{words}; it comes again" if result.retryable else words


def _say(text: str, colour: str = "", *, bold: bool = False) -> None:
    lines = [line.translate(CONTROL) for line in text.split("\n")]
    click.secho("\n".join(lines), fg=colour or None, bold=bold)
