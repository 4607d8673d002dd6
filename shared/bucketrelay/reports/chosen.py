"""Which failures are meant: what the page, the API and the commands say alike. Pure."""

from collections.abc import Mapping

from bucketrelay.model import Result
from bucketrelay.reports.sums import cause_of
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Chosen:
    """Failures of a route, of a cause, of some keys.

    Attributes:
        route: "" for all.
        cause: why they failed, in the words of `status`, the page and the metrics; or the id of an event or message,
            as the lists have it; "" for all.
        keys: None for all.
    """

    route: str = ""
    cause: str = ""
    keys: frozenset[str] | None = None

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "Chosen":
        """From the filter of a request, or of a job; what it does not know is no part of it."""
        keys = members.get("keys")
        chosen = frozenset(str(key) for key in keys) if isinstance(keys, list) else None
        return cls(str(members.get("route") or ""), str(members.get("cause") or ""), chosen)

    def takes(self, result: Result) -> bool:
        """Whether *result* is meant."""
        if self.route not in ("", result.route) or not (self.keys is None or result.key in self.keys):
            return False
        return self.cause in ("", result.cause) or self.cause == cause_of(result)
