"""Looks that were begun: what code remembers that waits for them, so no part of the harness (see `memory.py`)."""

from dataclasses import dataclass

from bucketrelay.model import ObjectInfo
from bucketrelay.store import Store


@dataclass(frozen=True)
class Early:
    """A look that was answered when it began."""

    found: ObjectInfo | None

    def answer(self) -> ObjectInfo | None:
        return self.found

    def drop(self) -> None:
        pass


@dataclass(frozen=True)
class Late:
    """A look that is answered when somebody waits for it."""

    store: Store
    key: str

    def answer(self) -> ObjectInfo | None:
        return self.store.look(self.key, trust_bare_404=True)

    def drop(self) -> None:
        pass
