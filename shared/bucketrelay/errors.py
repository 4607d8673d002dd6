"""The errors a caller may branch on, named by what the caller can do.

RelayError
├── ConfigError        mend the configuration
├── BadEvent           the payload is no event: tell the platform, nothing to replicate
├── ObjectGone         the version that was looked at is no longer there: look again
├── SourceChanged      the source is no longer the version that was looked at: look again
├── TargetChanged      the target is no longer what was looked at: look again
├── StoreUnavailable   the same call may work later
│   └── OutcomeUnknown     … and a write may or may not have happened
├── Damaged            the bytes that arrived are not the bytes that were sent: start over
├── StoreRefused       the same call will be refused again until somebody changes something
│   └── CannotCopy     the server will not copy by itself: read and write
├── NotOurs            the target holds what the route may not replace: a person has to say what is right
├── DeletesHeld        the route's delete fuse has blown
└── OutOfTime          this invocation is over; the task goes on in another
    └── CopyGoesOn         … and the server may still do what it was asked to
"""

from collections.abc import Sequence
from typing import ClassVar


class RelayError(Exception):
    """Everything that bucketrelay raises on purpose. The text names the thing and the remedy."""

    retryable: ClassVar[bool] = False
    by_hand: ClassVar[bool] = False  # a person has to say go: the platform need not bring it again
    lingers: ClassVar[bool] = False  # a write may take effect even now: the key is verified later


class ConfigError(RelayError):
    """The configuration has mistakes; `mistakes` holds every one, each with its path in the file."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(self.mistakes))


class BadEvent(RelayError):
    """The payload is not an event of this cloud: check which service calls the function."""


class ObjectGone(RelayError):
    """The object that was looked at has been deleted since: look again."""

    retryable = True


class SourceChanged(RelayError):
    """The source was overwritten since it was looked at: look again."""

    retryable = True


class TargetChanged(RelayError):
    """Somebody wrote the target since it was looked at: look again."""

    retryable = True


class StoreUnavailable(RelayError):
    """Throttling, a timeout, a 5xx, a broken connection: the same call may work later.

    Args:
        text: as of every error.
        busy: the server said that it is asked too often: 429 or 503.
        after: seconds after which it wants to be asked again (`Retry-After`); None where it said nothing.
    """

    retryable = True

    def __init__(self, text: str = "", *, busy: bool = False, after: float | None = None) -> None:
        self.busy, self.after = busy, after
        super().__init__(text)


class OutcomeUnknown(StoreUnavailable):
    """A write was sent and no answer came: it may take effect even now. Look before believing either."""

    lingers = True


class Damaged(RelayError):
    """Bytes were cut or changed on the way, and nothing was published: start over."""

    retryable = True


class StoreRefused(RelayError):
    """403, a missing bucket, an invalid request: grant the permission or mend the configuration, then replay."""


class CannotCopy(StoreRefused):
    """The store's server will not copy this object by itself: read it and write it."""


class NotOurs(RelayError):
    """The target holds an object that the route may not replace: remove it, or change the route, then replay."""

    by_hand = True


class DeletesHeld(RelayError):
    """More deletes in an hour than `max_deletes` allows: check the source, then `replay --route ROUTE --go`."""

    by_hand = True


class OutOfTime(RelayError):
    """The platform's deadline is near: what is done is kept, the same task goes on in the next invocation."""

    retryable = True


class CopyGoesOn(OutOfTime):
    """The platform's deadline is near, and a copy by the server, called off or not, may take effect even now."""

    lingers = True
