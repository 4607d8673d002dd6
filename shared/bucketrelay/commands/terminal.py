"""What the commands have in common: options, the configuration, words for people."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.markup import escape

from bucketrelay import config
from bucketrelay.config import Config
from bucketrelay.errors import ConfigError

OK, FAILED, USAGE = 0, 1, 2
# No key may steer a terminal, break a line (U+2028), turn what follows around (U+202E), hide, or be no text at all.
_HIDDEN = (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
CONTROL = {n: f"\\x{n:02x}" for n in (*range(32), 127, *range(128, 160))}
CONTROL |= {n: f"\\u{n:04x}" for n in (*_HIDDEN, *range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000))}


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that these commands share: `--config`, `--json`, `-q`, `-v`."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="More to standard error: what is asked and what is sent."),
        click.option("-q", "--quiet", is_flag=True, help="Nothing but what is wrong or changes."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output."),
        click.option("--config", "config_file", type=click.Path(path_type=Path), help="The configuration file."),
    ):
        command = option(command)
    return command


def configuration(config_file: Path | None) -> Config:
    """The configuration; a wrong one ends the program with every mistake on a line."""
    environ = dict(os.environ)
    if config_file:
        environ["BUCKETRELAY_CONFIG"] = str(config_file)
        environ.pop("BUCKETRELAY_TOML", None)  # what is said on the command line wins
    try:
        return config.find(environ, None, Path.cwd())
    except ConfigError as error:
        usage(*error.mistakes)


def complain(text: str) -> None:
    """One line to standard error."""
    click.echo(f"bucketrelay: {text.translate(CONTROL)}", err=True)


def usage(*lines: str) -> NoReturn:
    """End the program: it was called wrongly."""
    for line in lines:
        complain(line)
    raise SystemExit(USAGE)


def shown(text: str) -> str:
    """For a cell of a table: nothing in it steers the terminal, or is taken for markup."""
    said = escape(text.translate(CONTROL))
    # Of an odd number of backslashes at the end the last would quote the markup behind it; `escape` sees to one alone.
    return said + "\\" if (len(said) - len(said.rstrip("\\"))) % 2 else said
