"""A parser under fuzzing: what goes in, what may come out, and how much of memory and time it may take."""

import random
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy

from bucketrelay.errors import RelayError
from fuzz.mutate import Mutator

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = str(ROOT / "shared" / "bucketrelay")  # and bucketrelay_emulators
MiB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    `call` takes one input, returns anything, and asserts for itself what must hold of it; it may raise `allowed` and
    nothing else. An input is made of dicts, lists, tuples, texts, bytes, numbers, so that it can be printed, changed
    and made smaller without knowing what it means.
    """

    name: str
    call: Callable[[Any], object]
    samples: Callable[[], Sequence[Any]]  # real ones
    strategy: Callable[[], SearchStrategy[Any]]
    allowed: tuple[type[BaseException], ...] = (RelayError,)
    words: tuple[str, ...] = ()  # that open the parser's doors
    typed: bool = True  # the caller sees to it that a text is a text: a change keeps the type of what it changes
    hostile: Callable[[int], Iterable[Any]] = lambda _size: ()  # inputs of about *size* bytes that would cost most
    memory: int = (
        60  # bytes that may be held for each byte of a hostile input, beside 10 MiB, which expat lets entities take
    )
    quick: int = 60  # changed samples in `make test`
    watch: int = 1  # of so many inputs one has its lines noted: through an SDK that takes ten times as long

    def verdict(self, given: Any) -> BaseException | None:
        """What it raised that it must not."""
        try:
            self.call(given)
        except self.allowed:
            return None
        except Exception as error:  # noqa: BLE001  that is what is looked for
            return error
        return None

    def mutator(self, seed: object) -> Mutator:
        """Changed samples, the same for the same seed."""
        return Mutator(random.Random(f"{self.name} {seed}"), list(self.samples()), self.words, typed=self.typed)


def place_of(error: BaseException) -> str:
    """What went wrong and the last line of the product where it did: the same for the same defect."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(PRODUCT)]
    where = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}" if frames else "the target's own check"
    return f"{type(error).__name__} at {where}"


def one_line(error: BaseException) -> None:
    """A message that can be logged, and shown to a person."""
    text = str(error)
    assert text, "an error without a message"
    assert "\n" not in text, "a message of more than one line"
    assert text.encode(), "a message that no UTF-8 can say"
    assert len(text) < 5000, f"a message of {len(text)} characters"


def nested(open_: str, close: str, size: int, core: str = "") -> Iterator[str]:
    """Texts nested as deep as *size* allows, closed and left open."""
    depth = max(1, size // (len(open_) + len(close)))
    yield open_ * depth + core + close * depth
    yield open_ * (size // len(open_))
