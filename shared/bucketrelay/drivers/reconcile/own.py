"""Which keys of a store are the log store's own, and therefore nobody's business. Pure."""

from bucketrelay.model import Address

# What is written below the log store's prefix.
FOLDERS = (
    "success_object/",
    "failed_object/",
    "replayed_object/",
    "damaged_object/",
    "checkpoints/",
    "verify/",
    "fuse/",
    "reconcile/",
    "marks/",
)


def shut(log: Address, store: Address) -> tuple[str, ...]:
    """Beginnings of keys, relative to *store*, that lie in the folders; "" where the whole store does."""
    here, there = _place(store), _place(log)
    if here[0] != there[0]:
        return ()
    places = [f"{there[1]}{folder}" for folder in FOLDERS]
    inside = [""] if here[1].startswith(tuple(places)) else []
    return (*inside, *(place[len(here[1]) :] for place in places if place.startswith(here[1])))


def _place(address: Address) -> tuple[tuple[str, ...], str]:
    """The bucket, and how the store's keys begin in it; directories lie in one another."""
    if address.scheme == "file":
        return ("file",), f"{address.bucket}/{address.prefix}"
    return (address.scheme, address.endpoint, address.namespace, address.bucket), address.prefix
