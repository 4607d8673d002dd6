"""Which keys a filter means: the glob patterns of the configuration, compiled to a small automaton. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from bucketrelay.values import dataclass

MAX_ALTERNATIVES = 100
MAX_STEPS = 2000
MAX_LENGTH = 20_000  # a class is one step, however many characters it names
_MAX_KNOWN = 4096
# Texts: `re` compiles at first use, and keeps it: most functions have routes without globs.
_PIECE = r"(?s:\\(?P<literal>.)|\[(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\]\\])*)\]|\*\*+|.)"
_ALTERNATIVES = r"\{([^,}]*)[^}]*\}"
_RANGE = r"(?s:\\?(?P<low>.)(?:-\\?(?P<high>.))?)"
_Takes = Callable[[str], bool]


class BadGlob(ValueError):
    """The pattern has a mistake; the text says which and never quotes the pattern."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One state of the automaton: which character it takes, whether it stays, where it goes without a character."""

    takes: _Takes = lambda _: False
    stays: bool = False
    jumps: tuple[int, ...] = ()  # relative, forward only
    everything: bool = False


def _not_slash(char: str) -> bool:
    return char != "/"


_SEPARATOR = _Step("/".__eq__)
_SPECIAL = {
    "?": _Step(_not_slash),
    "*": _Step(_not_slash, stays=True, jumps=(1,)),
    "**": _Step(lambda _: True, stays=True, jumps=(1,), everything=True),
}
_Token = _Step | str  # str: the "{", "," and "}" of alternatives


class Glob:
    r"""A pattern for whole keys, case-sensitive.

    `*` and `?` stay inside a path segment, `**` does not; `**/x` also matches `x`, and `in/` is short for `in/**`;
    `[a-z]` `[!a]` are classes, which never match `/`; `{jpg,png}` are alternatives; `\\` takes the next character
    literally. As in gitignore and rclone, except that a pattern without `/` is not looked for at every depth:
    that is `**/x`.

    An automaton whose states are found when a key first needs them, not a regular expression: time is at most
    length of key times length of pattern, where backtracking over `*a*a*a*b` takes longer than the function lives.
    """

    __slots__ = ("_accept", "_closures", "_known", "_start", "_steps")

    def __init__(self, pattern: str) -> None:
        self._steps: list[_Step] = []
        self._known: dict[tuple[int, str], int] = {}
        if len(pattern) > MAX_LENGTH:
            raise BadGlob(f"is too long: {MAX_LENGTH:,} characters are the limit")
        starts, ends = [], []
        for tokens in _alternatives(_tokens(pattern)):
            starts.append(len(self._steps))
            self._steps.extend([*_with_folders(tokens), _Step()])
            ends.append(len(self._steps) - 1)
            if len(self._steps) > MAX_STEPS:
                raise BadGlob(f"is too long: with its alternatives written out, {MAX_STEPS} characters are the limit")
        self._closures = self._close()
        self._start = _union(self._closures[start] for start in starts)
        self._accept = _union(1 << end for end in ends)

    def matches(self, key: str) -> bool:
        """Whether the whole *key* matches."""
        return bool(self._after(key) & self._accept)

    def covers(self, prefix: str) -> bool:
        """Whether every key that begins with *prefix* surely matches."""
        state = self._after(prefix)
        return any(self._steps[i].everything and self._closures[i] & self._accept for i in _bits(state))

    def reaches(self, prefix: str) -> bool:
        """Whether some key that begins with *prefix* may match."""
        return bool(self._after(prefix))

    def _after(self, text: str) -> int:
        state = self._start
        for char in text:
            after = self._known.get((state, char))
            state = self._advance(state, char) if after is None else after
            if not state:
                break
        return state

    def _advance(self, state: int, char: str) -> int:
        after = 0
        for i in _bits(state):
            step = self._steps[i]
            if step.takes(char):
                after |= self._closures[i if step.stays else i + 1]
        if len(self._known) >= _MAX_KNOWN:  # hostile keys must not fill the memory
            self._known.clear()
        self._known[state, char] = after
        return after

    def _close(self) -> list[int]:
        closures = [0] * len(self._steps)
        for i in reversed(range(len(self._steps))):
            closures[i] = 1 << i | _union(closures[i + jump] for jump in self._steps[i].jumps)
        return closures


@lru_cache(maxsize=1024)
def glob(pattern: str) -> Glob:
    """The compiled pattern. Raises BadGlob."""
    return Glob(pattern)


def beginning(pattern: str) -> str:
    """What every key that matches begins with, as far as it is written out: `in/` of `in/**/*.jpg`."""
    fixed = ""
    for match in re.finditer(_PIECE, pattern):
        text = match["literal"] or match[0]
        if match["literal"] is None and (match["set"] is not None or text[0] in "*?[{"):
            break
        fixed += text
    return fixed


def example(pattern: str, name: str, *, last: bool) -> str:
    """A key that may match: *name* stands in place of the last star (else of the first), nothing of the others."""
    whole = f"{pattern}**" if pattern.endswith("/") else pattern
    tokens = list(re.finditer(_PIECE, re.sub(_ALTERNATIVES, r"\1", whole)))
    stars = [number for number, match in enumerate(tokens) if match[0][0] == "*"]
    chosen = stars[-1 if last else 0] if stars else -1
    made = ""
    for number, match in enumerate(tokens):
        if number == chosen:
            made += name
        elif match["literal"] or match["set"]:
            made += match["literal"] or ("x" if match["not"] else match["set"].lstrip("\\")[0])
        elif number - 1 in stars and number - 1 != chosen and match[0] == "/" and made[-1:] in ("", "/"):
            continue  # of `**/`, which may be nothing at all
        else:
            made += {"*": "", "?": "x"}.get(match[0][0], match[0])
    return made


def _bits(state: int) -> Iterator[int]:
    while state:
        low = state & -state
        yield low.bit_length() - 1
        state ^= low


def _union(states: Iterable[int]) -> int:
    union = 0
    for state in states:
        union |= state
    return union


def _tokens(pattern: str) -> Iterator[_Token]:
    if not pattern:
        raise BadGlob("is empty: write ** for every key")
    for match in re.finditer(_PIECE, pattern):
        text = match[0]
        if match["literal"] is not None:
            yield _Step(match["literal"].__eq__)
        elif match["set"] is not None:
            yield _Step(_class(match["set"], negated=bool(match["not"])))
        elif text in ("[", "\\"):
            raise BadGlob("has a [ without its ]" if text == "[" else "ends in a \\ that has nothing to quote")
        elif text in ("{", ",", "}"):
            yield text
        else:
            yield _SEPARATOR if text == "/" else _SPECIAL.get(text[:2]) or _Step(text.__eq__)


def _class(content: str, *, negated: bool) -> _Takes:
    ranges = [(match["low"], match["high"] or match["low"]) for match in re.finditer(_RANGE, content)]
    if not ranges or any(low > high for low, high in ranges):
        raise BadGlob("has an empty class or a range from high to low in [ ]")
    return lambda char: char != "/" and any(low <= char <= high for low, high in ranges) is not negated


def _alternatives(tokens: Iterable[_Token]) -> list[list[_Step]]:
    """The pattern once for each way through its `{a,b}`."""
    done: list[list[_Step]] = [[]]
    inside: list[list[_Step]] = []  # the alternatives so far, between { and }
    for token in tokens:
        match token:
            case "{" if not inside:
                inside = [[]]
            case "}" if inside:
                done, inside = _combine(done, inside), []
            case "," if inside:
                inside.append([])
            case "{" | "}":
                raise BadGlob(f"has a {token} too many: alternatives do not nest; \\{token} is the character itself")
            case _:
                step = token if isinstance(token, _Step) else _Step(token.__eq__)
                for way in inside[-1:] or done:
                    way.append(step)
    if inside:
        raise BadGlob("has a { without its }; \\{ is the character itself")
    return done


def _combine(before: list[list[_Step]], choices: list[list[_Step]]) -> list[list[_Step]]:
    if len(before) * len(choices) > MAX_ALTERNATIVES:
        raise BadGlob(f"has more than {MAX_ALTERNATIVES} combinations of {{ }}: write several patterns")
    return [way + chosen for way in before for chosen in choices]


def _with_folders(steps: list[_Step]) -> Iterator[_Step]:
    """`**/` at the start of a segment may be nothing at all, and a `/` at the end means all that is below."""
    for i, step in enumerate(steps):
        begins, ends = i == 0 or steps[i - 1] is _SEPARATOR, steps[i + 1 : i + 2]
        if step.everything and begins and ends and ends[0] is _SEPARATOR:  # not equal: `\/` is a mere character
            yield _Step(jumps=(1, 3))
        yield step
    if steps and steps[-1] is _SEPARATOR:
        yield _SPECIAL["**"]
