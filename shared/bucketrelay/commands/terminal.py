"""What the commands have in common: options, the configuration, words for people."""

import functools
import inspect
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.http import trace

if TYPE_CHECKING:
    from bucketrelay.config import Config
    from bucketrelay.routes import Route

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
# No key may steer a terminal, break a line (U+2028), turn what follows around (U+202E), hide, or be no text at all.
_HIDDEN = (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
CONTROL = {n: f"\\x{n:02x}" for n in (*range(32), 127, *range(128, 160))}
CONTROL |= {n: f"\\u{n:04x}" for n in (*_HIDDEN, *range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000))}
_COMMON = ("config_file", "as_json", "quiet", "verbose")


class OutputClosed(Exception):
    """Whoever read standard output has closed it. Not an OSError, as click would end the program without a word."""


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config`, `--json`, `-q`, `-v`, for the program itself."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Every request and its answer, to standard error."),
        click.option("-q", "--quiet", is_flag=True, help="Only what failed or changed."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output."),
        click.option(
            "--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="The configuration file."
        ),
    ):
        command = option(command)
    return command


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that the commands share, which may as well stand before the command; errors end in a line each.

    A command has a parameter for each that it looks at.
    """
    looked_at = inspect.signature(command).parameters

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        before = click.get_current_context().find_root().params
        for name in _COMMON:
            given[name] = given[name] or before.get(name) or given[name]
        try:
            with trace.watch(complain) if given["verbose"] else nullcontext():
                return command(**{name: value for name, value in given.items() if name in looked_at})
        except BrokenPipeError as error:
            raise OutputClosed from error
        except ConfigError as error:
            usage(*error.mistakes)
        except RelayError as error:
            complain(str(error))
            raise SystemExit(FAILED) from error

    return options(run)


def of_route(command: Callable[..., Any]) -> Callable[..., Any]:
    """ROUTE, and which part of it: `--target`, `--prefix`."""
    for parameter in (
        click.option("--prefix", default="", metavar="P", help="Only the source's keys that begin with it."),
        click.option(
            "--target", "targets", multiple=True, metavar="STORE", help="Only this target; may be said again."
        ),
        click.argument("route"),
    ):
        command = parameter(command)
    return command


def configuration(config_file: Path | None, *, secrets: bool = True, quiet: bool = False) -> "Config":
    """The configuration; a wrong one ends the program with every mistake on a line.

    Args:
        secrets: whether variables that hold secrets must be set; for what touches nothing they need not be.
        quiet: do not say which settings of the environment the file has made void.
    """
    from bucketrelay import config  # completion and help need none, and are waited for

    try:
        place = config.locate(os.environ, None, Path.cwd(), config_file)
        if place.unused and not quiet:
            complain(f"{place.name} is what counts: {', '.join(place.unused)} in the environment is not looked at")
        return config.load_place(place, os.environ, secrets=secrets)
    except ConfigError as error:
        usage(*error.mistakes)


def known_route(name: str, routes: "Sequence[Route]") -> None:
    """End the program where no route is called so."""
    names = [route.name for route in routes]
    if name not in names:
        usage(f"{name}: no route has this name; there are: {', '.join(names)}")


def complain(text: str) -> None:
    """One line to standard error."""
    click.echo(f"bucketrelay: {text.translate(CONTROL)}", err=True)


def usage(*lines: str) -> NoReturn:
    """End the program: it was called wrongly."""
    for line in lines:
        complain(line)
    raise SystemExit(USAGE)


def plain(text: str) -> str:
    """For a cell of a table: nothing in it steers the terminal, or is taken for markup."""
    from rich.markup import escape  # a tenth of a second, for terminals alone

    safe = escape(text.translate(CONTROL))
    # Of an odd number of backslashes at the end the last would quote the markup behind it; `escape` sees to one alone.
    return safe + "\\" if (len(safe) - len(safe.rstrip("\\"))) % 2 else safe
