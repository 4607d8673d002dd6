"""How many examples a property has that says a number of its own, as its examples are dear, or cheap."""

from hypothesis import settings

_USUAL = 25  # of the profile of `make test`


def examples(count: int) -> int:
    """*count* in `make test`, and as many times more in another profile as others have there: twelve in `make slow`."""
    return max(1, count * settings.default.max_examples // _USUAL)
