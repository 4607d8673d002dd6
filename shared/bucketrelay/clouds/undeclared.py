"""What S3 and OBS say of an object beside what `Meta` has a place for: tags that may not be told, locks, redirects.

Sources: HeadObject and GetObject of the Amazon S3 API reference (`x-amz-tagging-count`: "when you have the relevant
permission to read object tags"; `x-amz-missing-meta`: "metadata entries that are not returned"), and of OBS's.
"""

from collections.abc import Callable, Mapping

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.faults import Malformed
from bucketrelay.http.outcome import Lacking, Refusal
from bucketrelay.model import NOTHING, ObjectInfo

# Headers without their prefix, and how `degraded` names what they tell of.
_ATTRIBUTES = {
    "missing-meta": "user metadata that the source does not show",
    "website-redirect-location": "website redirect",
    "object-lock-mode": "retention",
    "object-lock-legal-hold": "legal hold",
}
_HEADERS = {f"{prefix}{name}": words for name, words in _ATTRIBUTES.items() for prefix in ("x-amz-", "x-obs-")}
_NOTHING_SAID = frozenset({"", "0", "OFF"})
_NO_TAGS = frozenset({"NoSuchTagSet", "NoSuchTagSetError", "MethodNotAllowed", "NotImplemented"})


def withheld(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What an answer says that the object has, and that no copy of it will have, as `degraded` names it."""
    if _HEADERS.keys().isdisjoint(headers):  # as nearly always
        return ()
    hints = [words for name, words in _HEADERS.items() if headers.get(name, "").strip().upper() not in _NOTHING_SAID]
    return tuple(dict.fromkeys(hints))


class TagCounts:
    """What it means that a server says no number of tags; for many threads.

    Args:
        documented: it tells the number to everybody who may read tags, so that one who may read those of one object is
            not told of other objects' only where they have none. Others may never tell it.
    """

    def __init__(self, *, documented: bool) -> None:
        self._documented = documented
        self._none = False  # whether this server is known to leave the count out where there are no tags

    def tags(self, info: ObjectInfo, ask: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
        """The tags of *info*.

        Args:
            ask: requests them.

        Raises:
            StoreRefused: they may not be read, or the server does not say whether there are any.
            RelayError: what else *ask* raises.
        """
        if info.meta.tags_told:
            self._none = self._none or info.meta.tag_count > 0
            return ask()
        if self._none:
            return NOTHING
        try:
            answer = ask()
        except RelayError as error:
            if not self._has_none(error):
                raise
            self._none = True
            return NOTHING
        self._none = self._documented
        return answer

    def _has_none(self, error: RelayError) -> bool:
        """Whether it comes from a server whose objects have no tags. Raises StoreRefused where that stays open."""
        cause = error.__cause__
        if isinstance(error, Lacking) or (isinstance(cause, Refusal) and cause.code in _NO_TAGS):
            return True
        if self._documented:
            return False
        if isinstance(cause, Malformed):  # a server that does not know `?tagging` answers with the object
            return True
        if isinstance(error, StoreUnavailable) and isinstance(cause, Refusal) and cause.status == 500:
            raise StoreRefused(f"{error}: whether the object has tags is not known") from error
        return isinstance(error, StoreRefused) and isinstance(cause, Refusal) and cause.status in (400, 405)
