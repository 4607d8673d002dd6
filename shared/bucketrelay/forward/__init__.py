"""Telling somebody else that a key has changed: what the core asks of a forward.

Promises that every implementation makes:

* a verdict for each notice, in their order; one key's refusal is never another key's;
* None means that the other side took the notice, not that it has copied anything;
* certificates are verified, redirects are not followed, requests and answers are bounded in bytes and in time;
* one instance may be used by many threads.
"""

from collections.abc import Sequence
from typing import Protocol

from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.model import Address, Task
from bucketrelay.values import dataclass

Verdict = RelayError | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One task, and where its source store is."""

    task: Task
    source: Address

    @property
    def key(self) -> str:
        """The whole key in the source's bucket: others do not know of our prefix."""
        return self.source.prefix + self.task.key


class Forward(Protocol):
    """Somebody else who moves objects, or wants to hear of them."""

    @property
    def together(self) -> int:
        """How many keys one request takes. More than one: it is told of keys alone, and of each key once."""

    def tell(self, notices: Sequence[Notice], deadline: Deadline) -> Sequence[Verdict]:
        """Tell of all *notices*, with repetitions where they may help and while there is time.

        Returns:
            For each None, or why it was not taken: `StoreRefused`, `StoreUnavailable`, or `OutOfTime` where there was
            no time left to try.
        """

    def close(self) -> None:
        """Close the connections; the next notice opens new ones."""
