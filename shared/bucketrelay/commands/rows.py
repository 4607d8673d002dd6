"""Rows for standard output: a table on a terminal, whole lines with tabs elsewhere, or one JSON object a line.

What is too wide is folded and never cut: a key that is not whole is a key that cannot be found.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, final

import click

from bucketrelay.commands.terminal import CONTROL, plain
from bucketrelay.values import dataclass, field

if TYPE_CHECKING:
    from rich.table import Table


@final
@dataclass(slots=True)
class Rows:
    """Takes rows one by one; a context manager, whose end prints what is left.

    Off a terminal and in JSON each row is written as it comes, since nobody knows how many will: a table needs all of
    them to know its widths.

    Args:
        columns: what stands above each column of a table.
        as_json: one JSON object a line, wherever it goes.
        words: the columns that may be broken between words; the others only where they do not fit.
    """

    columns: Sequence[str]
    as_json: bool = False
    count: int = 0
    _waiting: list[tuple[Sequence[str], str]] = field(default_factory=list)

    def __enter__(self) -> "Rows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not isinstance(error, OSError):  # an OSError: the output is closed
            self.finish()

    def add(self, cells: Sequence[str], fields: Mapping[str, object] | str, colour: str = "") -> None:
        """One row.

        Args:
            cells: as many as there are columns; text of whatever origin.
            fields: the same as a JSON object, or as its line.
            colour: of the first cell, on a terminal.
        """
        self.count += 1
        if self.as_json:
            click.echo(fields if isinstance(fields, str) else json.dumps(fields))
        elif sys.stdout.isatty():
            self._waiting.append((cells, colour))
        else:
            click.echo("\t".join(cell.translate(CONTROL) for cell in cells))

    def finish(self) -> None:
        """Print what is to be printed as a table, if there is anything."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        from rich.console import Console  # a tenth of a second, for terminals alone

        console = Console(highlight=False, emoji=False)
        widest = [max(map(len, column)) for column in zip(*(cells for cells, _ in waiting), strict=True)]
        fits = sum(max(pair) + 2 for pair in zip(widest, map(len, self.columns), strict=True)) <= console.width + 2
        console.print(_table(self.columns, waiting) if fits else _blocks(self.columns, waiting))


def _table(columns: Sequence[str], rows: Sequence[tuple[Sequence[str], str]]) -> "Table":
    from rich.table import Table  # as above

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for cells, colour in rows:
        table.add_row(_colour(cells[0], colour), *(plain(cell) for cell in cells[1:]))
    return table


def _blocks(columns: Sequence[str], rows: Sequence[tuple[Sequence[str], str]]) -> "Table":
    """What is too wide for a table: a row's cells below each other, each with its name; folded, and whole."""
    from rich.table import Table  # as above

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for cells, colour in rows:
        first = _colour(cells[0], colour)
        for name, cell in zip(columns[1:], cells[1:], strict=True):
            if cell:
                table.add_row(first, name, plain(cell))
                first = ""
    return table


def _colour(text: str, colour: str) -> str:
    return f"[{colour}]{plain(text)}[/]" if colour else plain(text)


def size(count: int) -> str:
    """Bytes as people read them: `512 B`, `1.5 MiB`."""
    number, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{count} B" if unit == "B" else f"{number:.1f} {unit}"


def plural(count: int, one: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{count:,} {one if count == 1 else one + 's'}"
