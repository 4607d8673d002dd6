"""Checksums of an object that passes in parts: of each part while it passes, joined and compared before the commit."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from bucketrelay.abilities import Part
from bucketrelay.core import digest
from bucketrelay.core.prepare import Copy
from bucketrelay.store import Write


class Passing:
    """The checksums of one part that is passing."""

    def __init__(self, number: int, crcs: Mapping[str, digest.Crc], whole: Any) -> None:
        self.number = number
        self._crcs, self._before = crcs, whole
        self.reset()

    def reset(self) -> None:
        """The part begins anew."""
        self.values = dict.fromkeys(self._crcs, 0)
        self.whole = self._before.copy() if self._before else None

    def add(self, block: memoryview) -> None:
        """A block passes."""
        for name, function in self._crcs.items():
            self.values[name] = function(block, self.values[name])
        if self.whole:
            self.whole.update(block)


class Sums:
    """Of one object.

    Args:
        whole: what the source's store says of it.
        known: CRCs of parts that went earlier, by number and name.
    """

    def __init__(self, whole: Mapping[str, str], known: Mapping[int, Mapping[str, int]]) -> None:
        self.known: dict[int, Mapping[str, int]] = dict(known)
        self._said = whole
        self._crcs = {name: function for name in whole if (function := digest.crc(name))}
        self._hash = next((name for name in whole if name in digest.HASHES), "")
        self._whole: Any = None

    def begin(self, numbers: Sequence[int], todo: Sequence[int]) -> bool:
        """Whether the parts *todo* of *numbers* have to pass in their order: CRCs can be joined, hashes cannot."""
        if not self._crcs and self._hash and list(todo) == list(numbers):
            self._whole = hashlib.new(self._hash, usedforsecurity=False)
        return self._whole is not None

    def passing(self, number: int) -> Passing:
        """The checksums of a part that is about to pass."""
        return Passing(number, self._crcs, self._whole)

    def finish(self, passing: Passing) -> None:
        """The part has arrived."""
        self.known[passing.number] = passing.values
        self._whole = passing.whole

    def check(self, parts: Sequence[Part], url: str) -> bool:
        """Whether the whole could be compared with what the source's store says; raises Damaged if it is another."""
        if self._whole:
            digest.compare(self._hash, self._whole.digest(), self._said[self._hash], url)
            return True
        names = [name for name in self._crcs if all(name in self.known.get(part.number, ()) for part in parts)]
        for name in names:
            joined = [(self.known[part.number][name], part.size) for part in parts]
            digest.check_parts(name, joined, self._said[name], url)
        return bool(names)


class Reading:
    """A part that is poured from its source; told apart from what its receiver raises."""

    def __init__(self, copy: Copy, start: int, length: int, passing: Passing) -> None:
        self._copy, self._start, self._length = copy, start, length
        self.passing = passing
        self._receivers: BaseException | None = None

    def pour(self, write: Write) -> None:
        """Hand the part over in blocks, from its first byte."""
        self.passing.reset()

        def pass_on(block: memoryview) -> None:
            self._copy.deadline.check()
            self.passing.add(block)
            try:
                write(block)
            except BaseException as error:
                self._receivers = error
                raise

        self._receivers = None
        try:
            self._copy.source.pour(self._copy.info, self._start, self._length, pass_on)
        except BaseException as error:
            self.broke = error is not self._receivers
            raise

    broke = False  # whether the source could not be read to the end of the part
