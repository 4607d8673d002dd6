"""The configuration of the other direction: one route of a file turned round, everything else as it was."""

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bucketrelay.config.toml import parse
from bucketrelay.errors import ConfigError

_ROUTE = re.compile(r"[ \t]*\[\[[ \t]*routes[ \t]*\]\]")
_HEADER = re.compile(r"[ \t]*\[")
_INSIDE = re.compile(r"[ \t]*\[+[ \t]*routes[ \t]*\.")
_VARIABLE = re.compile(r"\$\{\w+\}")
_SPECIAL = frozenset("*?[]{},\\!^")
_FIRST = ("name", "source", "targets", "include", "exclude", "strip_prefix", "add_prefix", "deletes")


def turn_route(text: str, name: str, target: str) -> str:
    """The text of a file in which the route's *target* is the source, and its source a target.

    Filters and prefixes are turned round, too; what names stores is swapped; the rest of the route stays. Comments in
    the route are lost, the rest of the text stays as it is. Turned twice, it means what it meant.

    Raises:
        ConfigError: something of it can only be turned round by hand; the text says what.
    """
    before = parse(text)
    rows = before.get("routes", [])
    number = next((n for n, row in enumerate(rows) if row.get("name") == name), None)
    if number is None:
        raise ConfigError([f"no route is named {name!r}"])
    row = _turn_row(rows[number], target)
    wanted = copy.deepcopy(before)
    wanted["routes"][number] = row
    start, end = _block(text, number)
    made = text[:start] + _write_row(row) + text[end:]
    if start < 0 or parse(made) != wanted:
        raise ConfigError([f"routes[{number}]: is not written as a [[routes]] table of its own: turn it round by hand"])
    return made


def _turn_row(row: Mapping[str, Any], target: str) -> dict[str, Any]:
    strip, add = row.get("strip_prefix", ""), row.get("add_prefix", "")
    made = dict(row)
    made["source"] = target
    made["targets"] = [row["source"] if each == target else each for each in row["targets"]]
    made["strip_prefix"], made["add_prefix"] = add, strip
    for key in ("include", "exclude", "first"):
        if key in row:
            made[key] = [_glob(each, strip, add, f"{key}[{n}]") for n, each in enumerate(row[key])]
    return {key: value for key, value in made.items() if key not in ("strip_prefix", "add_prefix") or value}


def _glob(pattern: str, strip: str, add: str, path: str) -> str:
    """The same keys by their names at the target."""
    if strip == add:
        return pattern
    if pattern.startswith(strip) and _is_plain(strip + add):
        return add + pattern[len(strip) :]
    below = all(not each or each.endswith("/") for each in (strip, add))
    if below and pattern.startswith("**/") and "/" not in pattern[3:]:
        return pattern  # of the last segment alone, wherever it is
    raise ConfigError([f"{path}: {pattern!r} does not begin with strip_prefix {strip!r}: turn it round by hand"])


def _is_plain(text: str) -> bool:
    """Whether nothing in it means something to a glob; variables are filled in before it is one."""
    return not _SPECIAL & {*_VARIABLE.sub("", text)}


def _block(text: str, number: int) -> tuple[int, int]:
    """Where the route's table begins and ends in the text; -1, -1 where it is not written so."""
    at, starts, end = 0, 0, -1
    start = -1
    for line in text.splitlines(keepends=True):
        if start >= 0 and _HEADER.match(line) and not _INSIDE.match(line):
            end = at
            break
        if start < 0 and _ROUTE.match(line):
            if starts == number:
                start = at
            starts += 1
        at += len(line)
    return start, at if end < 0 else end


def _write_row(row: Mapping[str, Any]) -> str:
    keys = [*(key for key in _FIRST if key in row), *(key for key in row if key not in _FIRST)]
    tables = [key for key in keys if isinstance(row[key], dict)]
    lines = ["[[routes]]", *(f"{key} = {_value(row[key])}" for key in keys if key not in tables)]
    for name in tables:
        lines += ["", f"[routes.{name}]", *(f"{key} = {_value(value)}" for key, value in row[name].items())]
    return "\n".join(lines) + "\n\n"


def _value(value: object) -> str:
    """As TOML: texts, numbers, true and false are written as in JSON."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
