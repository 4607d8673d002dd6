"""Changes to a sample: of its structure, its texts and its bytes, without knowing what they mean."""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Path = tuple[Any, ...]  # keys and indices; "{}" steps into JSON text
INSIDE = "{}"
NUMBERS = (0, -1, 1, 2**31, 2**63, 2**64 + 1, 10**18, 10**400, -(10**400), 1e308, 1e999, -1e999, 0.1, float("nan"))
VALUES = (None, True, False, "", "x", "\ud800", "\x00", "{", [], {}, [None], [{}], {"": ""}, *NUMBERS)
TEXTS = (
    *("", "\x00", "\n", "\r\n", "\x7f", "\x85", "\u2028", "\ud800", "\udfff", "\ufffd", "\ufeff", "😀", "é", "²", "٣"),
    *(
        "%",
        "%ff",
        "%00",
        "%ED%A0%80",
        "%2F",
        "%25",
        "+",
        "\\",
        '"',
        "'",
        "/",
        "//",
        "..",
        "*",
        "**",
        "?",
        "${X}",
        "$${",
        "${",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "&",
        ";",
        ",",
        ":",
        "=",
        "=?",
        "?=",
        "-",
        "--",
        "W/",
        "null",
        "true",
        "NaN",
        "Infinity",
    ),
    *("a" * 300, "[" * 300, "{" * 300, "é" * 600),
)
DIGITS = (
    *(
        "0",
        "-1",
        "00",
        "1e9",
        "1e999",
        "0x10",
        "1_0",
        " 1",
        "٣",
        "²",
        "12",
        "13",
        "24",
        "60",
        "99",
        "0000",
        "9999",
        "10000",
    ),
    *(str(2**31), str(2**63), str(2**64 + 1), "9" * 30, "9" * 5000),
)
DATES = (
    *("0000-00-00T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30T25:61:61Z"),
    *("2026-11-21T09:15:00.123456789Z", "2026-11-21", "20261121T091500", "2026-W47-6", "2026-11-21T09:15:00"),
    *("Fri, 31 Dec 9999 23:59:59 -2300", "Mon, 01 Jan 0001 00:00:00 +2300", "Sat, 21 Nov 2026 09:15:00 -0000"),
    *("Sat, 21 Nov 2026 09:15:00", "Sat, 21 Nov 2026 09:15:00 +9999", "Sat, 21 Nov 2026 09:15:00 +999999999999999"),
    *("Sat, 21-Nov-26 09:15:00 GMT", "Sat Nov 21 09:15:00 2026", "1 2 3 4 5", "21 Nov 99999 00:00:00 GMT", "yesterday"),
)
ENTITIES = ('<?xml version="1.0" encoding="foo"?>', "<![CDATA[", "]]>", "<!--", "&#0;", "&x;", "&lt;", "<a/>")
_RUN = re.compile(r"[0-9]+")
_WORD = re.compile(r"[A-Za-z][\w-]*")
_TAG = re.compile(r"<(/?)([\w:.-]+)[^<>]*?(/?)>")


class Mutator:
    """Changed samples, as many as are asked for; `keep` adds to what they are made from."""

    def __init__(self, rng: random.Random, pool: list[Any], words: Sequence[str], *, typed: bool) -> None:
        self.rng, self.pool, self.words, self.typed = rng, pool, words or ("x",), typed

    def keep(self, value: Any) -> None:
        """Another one to start from."""
        self.pool.append(value)

    def one(self) -> Any:
        """One of the pool, changed in a few places."""
        value = self.rng.choice(self.pool)
        for _ in range(self.rng.choice((1, 1, 1, 2, 2, 3, 6))):
            try:
                value = self._changed(value)
            except RecursionError:  # it has become too deep to be walked
                return value
        return value

    def _changed(self, value: Any) -> Any:
        paths = list(nodes(value))
        path = self.rng.choice(paths[1:] or paths)
        return replaced(value, path, self._node(at(value, path)))

    def _node(self, found: Any) -> Any:
        if isinstance(found, str):
            change: Callable[[Any], Any] = self._text
        elif isinstance(found, bytes):
            change = self._bytes
        elif isinstance(found, dict | list):
            change = self._tree
        elif self.typed:
            return self.rng.choice([n for n in NUMBERS if type(n) is type(found)] or [found])
        else:
            change = self._odd
        return change(found) if self.typed or self.rng.random() < 0.6 else self._odd(found)

    def _odd(self, found: Any) -> Any:
        """Something of another type, or from another sample, or the same wrapped many times."""
        kind = self.rng.randrange(4)
        if kind == 0:
            other = self.rng.choice(self.pool)
            return at(other, self.rng.choice(list(nodes(other))))
        if kind == 1:
            for _ in range(self.rng.choice((1, 2, 10, 200))):
                found = [found] if self.rng.random() < 0.5 else {self.rng.choice(self.words): found}
            return found
        return self.rng.choice(VALUES) if kind == 2 else self.rng.choice((*self.words, *TEXTS, *DATES))

    def _tree(self, found: Any) -> Any:
        """A member less, twice, or under another name."""
        made = copy.copy(found)
        if not made:
            return made if self.typed else self._odd(found)
        kind = self.rng.randrange(3)
        if isinstance(made, list):
            at_ = self.rng.randrange(len(made))
            made[at_ : at_ + 1] = [[], [made[at_]] * self.rng.choice((2, 3, 40)), [self.rng.choice(made)]][kind]
            return made
        name = self.rng.choice(list(made))
        member = made[name] if kind == 2 else made.pop(name)
        if kind:
            made[self.rng.choice((*self.words, self._text(name) if isinstance(name, str) else ""))] = member
        return made

    def _text(self, found: str) -> str:
        if "<" in found and self.rng.random() < 0.4:
            return self._markup(found)
        start = self.rng.randrange(len(found) + 1)
        end = min(len(found), start + self.rng.choice((0, 1, 1, 4, 30)))
        kind = self.rng.randrange(7)
        if kind == 0:
            return found[:start]
        if kind == 1:
            return found[:start] + found[end:]
        if kind == 2:
            return found[:start] + found[start:end] * self.rng.choice((2, 3, 50)) + found[end:]
        if kind == 3:
            return self._swapped(found, _RUN, DIGITS)
        if kind == 4:
            return self._swapped(found, _WORD, self.words)
        if kind == 5 and start < len(found):
            return found[:start] + chr(ord(found[start]) ^ 1 << self.rng.randrange(7)) + found[start + 1 :]
        token = self.rng.choice(self.rng.choice((TEXTS, TEXTS, DIGITS, self.words, self.words, DATES)))
        return token if kind == 6 and self.rng.random() < 0.3 else found[:start] + token + found[end:]

    def _swapped(self, found: str, pattern: re.Pattern[str], by: Sequence[str]) -> str:
        runs = list(pattern.finditer(found))
        if not runs:
            return found + self.rng.choice(by)
        run = self.rng.choice(runs)
        return found[: run.start()] + self.rng.choice(by) + found[run.end() :]

    def _markup(self, found: str) -> str:
        """An element less, twice, nested in itself, or under another name."""
        tags = list(_TAG.finditer(found))
        if not tags:
            return found + self.rng.choice(ENTITIES)
        tag = self.rng.choice(tags)
        closing = f"</{tag[2]}>"
        end = found.find(closing, tag.end())
        end = end + len(closing) if not tag[1] and not tag[3] and end >= 0 else tag.end()
        element = found[tag.start() : end]
        depth = self.rng.choice((1, 3, 100))
        instead = self.rng.choice(
            (
                "",
                element * self.rng.choice((2, 30)),
                f"<{tag[2]}>" * depth + element + closing * depth,
                element.replace(tag[2], self.rng.choice(self.words)),
                f"<{tag[2]}>{self.rng.choice((*TEXTS[:20], *DIGITS, *self.words))}{closing}",
                self.rng.choice(ENTITIES) + element,
            )
        )
        return found[: tag.start()] + instead + found[end:]

    def _bytes(self, found: bytes) -> bytes:
        if found and self.rng.random() < 0.2:
            flipped = bytearray(found)
            flipped[self.rng.randrange(len(found))] ^= 1 << self.rng.randrange(8)
            return bytes(flipped)
        try:
            return self._text(found.decode()).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return self._text(found.decode("latin-1")).encode("latin-1", "replace")


def nodes(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything in *value*, through JSON text in JSON."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from nodes(inner, (*path, name))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from nodes(inner, (*path, index))
    elif isinstance(value, str) and value.startswith("{"):
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return
        yield from nodes(inner, (*path, INSIDE))


def at(value: Any, path: Path) -> Any:
    """What is there."""
    for step in path:
        value = json.loads(value) if step == INSIDE and isinstance(value, str) else value[step]
    return value


def replaced(value: Any, path: Path, new: Any) -> Any:
    """A copy of *value* with *new* at *path*."""
    if not path:
        return new
    step, *rest = path
    if step == INSIDE and isinstance(value, str):
        try:
            return json.dumps(replaced(json.loads(value), tuple(rest), new))
        except (TypeError, ValueError, RecursionError):  # bytes in it, or too deep
            return value
    if isinstance(value, tuple):
        return (*value[:step], replaced(value[step], tuple(rest), new), *value[step + 1 :])
    value = copy.copy(value)
    value[step] = replaced(value[step], tuple(rest), new)
    return value


def dropped(value: Any, path: Path) -> Any:
    """A copy of *value* without what is at *path*, which is in a dict or a list."""
    holder = copy.copy(at(value, path[:-1]))
    if isinstance(holder, dict | list):
        del holder[path[-1]]
    return replaced(value, path[:-1], holder)
