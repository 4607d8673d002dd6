"""Typed access to one table of a configuration: what is wrong is noted with its path, and counts as missing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from pathlib import Path

from bucketrelay import durations
from bucketrelay.config.reading import Reading, Text, did_you_mean, in_quotes
from bucketrelay.config.values import Secret
from bucketrelay.store import GiB, MiB

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")  # longer ones are shortened in quotes
_SIZE = re.compile(r"(?P<number>[0-9]{1,15}) ?(?P<unit>B|KiB|MiB|GiB)?")
_UNITS = {None: 1, "B": 1, "KiB": 1024, "MiB": MiB, "GiB": GiB}
UNSET = "not set"  # in place of a secret where none is needed
_FLAGS = {"true": True, "false": False}
_KINDS: dict[type, str] = {  # in this order: a bool is an int, too
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a table",
    date: "a date",
    time: "a time",
}


class Table:
    """One table. What is asked for is known; `close` reports what nobody asked for.

    Args:
        texts: all values are texts, as in a URL's query, and numbers and true/false are read out of them.
    """

    def __init__(self, reading: Reading, values: Mapping[str, object], path: str = "", *, texts: bool = False) -> None:
        self.reading = reading
        self.path = path
        self._values = values
        self._texts = texts
        self._asked: dict[str, None] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def at(self, key: str) -> str:
        """The path of *key*, as people find it in the file."""
        shown = key if _BARE_KEY.fullmatch(key) else in_quotes(key)
        if not self.path:
            return shown
        return f"{self.path}?{shown}" if self._texts else f"{self.path}.{shown}"

    def mistake(self, key: str, text: str) -> None:
        """Note that the value of *key* is wrong."""
        self.reading.mistake(self.at(key), text)

    def close(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Report every key that nobody asked for; *elsewhere* says of known words where they belong."""
        for key in self._values:
            if key in self._asked:
                continue
            if self._texts:  # not quoted: in a query it may be the rest of a secret that has a & in it
                self.reading.mistake(self.path, f"has an unknown option{did_you_mean(key, self._asked)}")
            else:
                self.mistake(key, (elsewhere or {}).get(key) or f"is an unknown key{did_you_mean(key, self._asked)}")

    def text(self, key: str, *, need: str = "", empty: bool = False) -> Text | None:
        """A text; with *need*, its absence is a mistake that says so."""
        value = self._ask(key, need)
        if isinstance(value, str):
            return self.reading.fill(value, self.at(key), empty=empty)
        self._wrong(key, value, "a text in quotes")
        return None

    def url(self, key: str, *, need: str = "") -> Text | None:
        """A URL that may hold secrets: values of `${NAME}` in it are percent-encoded; nothing of it is for messages."""
        value = self._ask(key, need)
        if isinstance(value, str):
            return self.reading.fill(value, self.at(key), url=True)
        self._wrong(key, value, "a URL in quotes")
        return None

    def file(self, key: str) -> Path | None:
        """The path of a file, relative to the configuration file."""
        text = self.text(key)
        return self.reading.folder / text.value if text else None

    def secret(self, key: str) -> Secret | None:
        """A text that nobody is to see."""
        if self.lacks(key):
            return Secret(UNSET)
        text = self.text(key)
        return Secret(text.value) if text else None

    def lacks(self, key: str) -> bool:
        """Whether the value is a secret that need not be known, and is not."""
        self._asked[key] = None
        return self.reading.lacks(self._values.get(key))

    def value(self, key: str) -> object:
        """The value as it is written, whatever it is."""
        return self._ask(key)

    def choice(self, key: str, options: Iterable[str], *, need: str = "") -> str | None:
        """One of a few words."""
        text, words = self.text(key, need=need), list(options)
        if text is not None and text.value not in words:
            hint = did_you_mean(text.written, words)
            # What is near to no word is not quoted: it may be a secret that slipped into the wrong line.
            shown = f"{in_quotes(text.written)} " if "did you mean" in hint else ""
            self.mistake(key, f"{shown}is not a choice{hint}")
            return None
        return text.value if text else None

    def flag(self, key: str) -> bool | None:
        """True or false."""
        value = self._scalar(key)
        if isinstance(value, Text):
            value = _FLAGS.get(value.value, value)
        if isinstance(value, bool):
            return value
        self._wrong(key, value, "true or false")
        return None

    def number(self, key: str, low: float, high: float) -> float | None:
        """A number from *low* to *high*, both included."""
        value = self._scalar(key)
        if isinstance(value, Text):
            value = _number(value.value)
        # `low <= value` before anything else is done with it: nan is outside of every range, and so are huge integers
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self._wrong(key, value, f"a number from {low:g} to {high:g}")
        return None

    def whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number from *low* to *high*, both included."""
        value = self._scalar(key)
        if isinstance(value, Text):
            value = _number(value.value)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._wrong(key, value, f"a number from {low} to {high}, without a fraction")
        return None

    def size(self, key: str, low: int, high: int) -> int | None:
        """A number of bytes, written as a number or as a text with B, KiB, MiB or GiB."""
        value = self._ask(key)
        wanted = f'a size from {shown_size(low)} to {shown_size(high)}, such as "8MiB"'
        if isinstance(value, str):
            text = self.reading.fill(value, self.at(key))
            match = _SIZE.fullmatch(text.value) if text else None
            if text and not match:
                self.mistake(key, f"must be {wanted}: the units are B, KiB, MiB and GiB")
            value = int(match["number"]) * _UNITS[match["unit"]] if match else None
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._wrong(key, value, wanted)
        return None

    def duration(self, key: str, low: float, high: float) -> float | None:
        """A length of time in seconds, written as a text such as `15m`, or as a number of seconds."""
        value = self._ask(key)
        wanted = f'a length of time from {durations.as_text(low)} to {durations.as_text(high)}, such as "15m"'
        if isinstance(value, str):
            text = self.reading.fill(value, self.at(key))
            value = None
            if text:
                value = _seconds(text.value)
                if value is None:
                    self.mistake(key, f"must be {wanted}: the units are s, m, h and d")
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self._wrong(key, value, wanted)
        return None

    def texts(self, key: str, *, need: str = "") -> list[tuple[str, Text]]:
        """A list of texts, each with its path; with *need*, a list that is there and empty is a mistake."""
        value = self._ask(key)
        if not isinstance(value, list):
            self._wrong(key, value, 'a list of texts such as ["…"]')
            return []
        if need and not value:
            self.mistake(key, f"is empty: {need}")
        texts = []
        for i, item in enumerate(value):
            path = f"{self.at(key)}[{i}]"
            if not isinstance(item, str):
                self.reading.mistake(path, f"must be a text in quotes, not {_kind(item)}")
            elif text := self.reading.fill(item, path):
                texts.append((path, text))
        return texts

    def table(self, key: str) -> "Table":
        """The table below *key*; an empty one where there is none."""
        value = self._ask(key)
        if not isinstance(value, dict):
            self._wrong(key, value, "a table")
            value = {}
        return Table(self.reading, value, self.at(key))

    def tables(self, key: str) -> dict[str, "Table"]:
        """The named tables below *key*, `[key.name]`."""
        below = self.table(key)
        return {name: below.table(name) for name in below}

    def rows(self, key: str, *, need: str) -> list["Table"]:
        """The tables of a list of tables, `[[key]]`; that there is none is a mistake with *need*."""
        value = self._ask(key, need)
        if need and value == []:
            self.mistake(key, f"is empty: {need}")
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return [Table(self.reading, row, f"{self.at(key)}[{i}]") for i, row in enumerate(value)]
        self._wrong(key, value, f"a list of tables, [[{key}]]")
        return []

    def _ask(self, key: str, need: str = "") -> object:
        self._asked[key] = None
        if need and key not in self._values:
            self.mistake(key, f"is missing: {need}")
        return self._values.get(key)

    def _scalar(self, key: str) -> object:
        """The value; as a Text where a query or a variable leaves no other way to write a number."""
        value = self._ask(key)
        if isinstance(value, str) and (self._texts or "${" in value):
            return self.reading.fill(value, self.at(key))
        return value

    def _wrong(self, key: str, value: object, wanted: str) -> None:
        """Note that *value* is not what it must be; None is a value that is missing, or whose mistake is noted."""
        if value is not None:
            kind = _kind(value)
            self.mistake(key, f"must be {wanted}" if kind in wanted else f"must be {wanted}, not {kind}")


def shown_size(size: int) -> str:
    """A size as people write it."""
    for unit, factor in (("GiB", GiB), ("MiB", MiB), ("KiB", 1024)):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


def _seconds(text: str) -> object:
    try:
        return durations.seconds(text)
    except ValueError:
        return None


def _number(text: str) -> object:
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text) else text


def _kind(value: object) -> str:
    return next((kind for known, kind in _KINDS.items() if isinstance(value, known)), "a text")
