"""One reading of a configuration: variables are filled in, and every mistake is noted while reading goes on.

No message quotes a value that came out of the environment (but for the names of routes, which every list holds), nor
anything of a secret or a URL.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from bucketrelay.errors import ConfigError
from bucketrelay.values import dataclass, field

_VARIABLE = re.compile(r"\$(?P<quoted>\$?)\{(?P<name>[^}]*)(?P<end>\}?)")
_WHOLE = re.compile(r"\$\{[^}]*\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FEW = 50  # known words among which a hint is looked for: 200 routes with a wrong one of 200 stores each took a minute


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its variables filled in, and as it was written: only that may be quoted in a message."""

    value: str
    written: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Where `${NAME}` is looked up, and the mistakes so far. *connects*: whether those of secrets must be set."""

    environ: Mapping[str, str]
    mistakes: list[str] = field(default_factory=list)
    connects: bool = True
    folder: Path = Path()  # of the configuration file, which the paths in it are relative to

    def mistake(self, path: str, text: str) -> None:
        """Note that what stands at *path* is wrong; *text* says how, and what to write instead."""
        self.mistakes.append(f"{path}: {text}")

    def check(self) -> None:
        """Raise ConfigError with all mistakes, if there are any."""
        if self.mistakes:
            raise ConfigError(list(dict.fromkeys(self.mistakes)))

    def fill(self, written: str, path: str, *, empty: bool = False, url: bool = False) -> Text | None:
        """*written* with each `${NAME}` from the environment (`$${` stands for `${`); None after a mistake.

        Args:
            empty: whether nothing, and blanks at the ends, are meant as they are: in a part of a key they are.
            url: the text is a URL, in which a password may have a `/` or an `@`: what comes out of the environment is
                percent-encoded, unless it is the whole URL.
        """
        before = len(self.mistakes)
        encode = url and not _WHOLE.fullmatch(written)
        value = _VARIABLE.sub(lambda match: self._variable(match, path, encode=encode), written)
        sound = len(self.mistakes) == before and self.sound(value, path, empty=empty)
        return Text(value, written) if sound else None

    def lacks(self, written: object) -> bool:
        """Whether variables of a secret are not set where they need not be: what connects to nothing."""
        names = [match["name"] for match in _VARIABLE.finditer(written)] if isinstance(written, str) else []
        return not self.connects and any(not self.environ.get(name) for name in names)

    def sound(self, value: str, path: str, *, empty: bool = False) -> bool:
        """Whether the text is one that somebody can have meant; if not, that is a mistake."""
        if any(ord(char) < 32 or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in value):
            self.mistake(path, "has a control character, perhaps a line break, or is not UTF-8: remove it")
        elif value != value.strip() and not empty:
            self.mistake(path, "begins or ends with white space: remove it")
        elif not value and not empty:
            self.mistake(path, "is empty: give it a value, or remove it")
        else:
            return True
        return False

    def _variable(self, match: re.Match[str], path: str, *, encode: bool) -> str:
        if match["quoted"]:
            return match[0][1:]
        if not match["end"] or not _NAME.fullmatch(match["name"]):
            self.mistake(path, "has ${ that begins no variable: write ${NAME}, or $${ for the characters themselves")
            return ""
        value = self.environ.get(match["name"])
        if value is None:
            self.mistake(path, f"${{{match['name']}}} is not set in the environment: set it, or write a value here")
        return quote(value or "", safe="") if encode else str(value or "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to a message: the known word that is nearest, or all where none is; nothing of very many."""
    words = list(known)
    if len(words) > _FEW:
        return ""
    from difflib import get_close_matches  # only for mistakes

    near = get_close_matches(word, words, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known: {', '.join(words)}" if words else ""


def in_quotes(text: str) -> str:
    """The text in quotes on one line, whatever is in it."""
    shown = text if len(text) <= 100 else text[:100] + "…"
    return '"' + shown.encode("unicode_escape").decode().replace('"', '\\"') + '"'
