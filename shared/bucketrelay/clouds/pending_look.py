"""A look at an object that was asked for, and whose answer nobody has waited for yet: what the clouds' stores give."""

from collections.abc import Callable

from bucketrelay.http.connections import Pending
from bucketrelay.model import ObjectInfo


class PendingLook:
    """See `abilities.PendingLook`.

    Args:
        pending: the request.
        look: what the store makes of its answer.
    """

    __slots__ = ("_asked", "_look")

    def __init__(self, pending: Pending, look: Callable[[Pending], ObjectInfo | None]) -> None:
        self._asked, self._look = pending, look

    def answer(self) -> ObjectInfo | None:
        """See `abilities.PendingLook`."""
        return self._look(self._asked)

    def drop(self) -> None:
        """See `abilities.PendingLook`."""
        self._asked.drop()
