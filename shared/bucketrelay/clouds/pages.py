"""Listings come in pages, and each must be whole. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager

from bucketrelay.errors import StoreUnavailable


@contextmanager
def whole(url: str) -> Iterator[None]:
    """Read a page: what lacks a member that every page has is no page, but a proxy's word or another server's.

    Raises:
        StoreUnavailable: instead of what reading raised.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        words = f"{type(error).__name__} {error}"[:200]
        raise StoreUnavailable(
            f"{url}: the answer is not a whole listing ({words}): check endpoint and proxy"
        ) from error
