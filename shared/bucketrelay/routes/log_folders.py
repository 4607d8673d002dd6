"""The log store's own folders: whatever lies in them, and whoever says so, is nobody's business. Pure."""

from bucketrelay.model import Address
from bucketrelay.routes.places import root, same_bucket

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


def log_folders(log: Address) -> tuple[Address, ...]:
    """The folders, each as the address of a store."""
    return tuple(
        Address(log.scheme, log.bucket, log.namespace, f"{log.prefix}{folder}", log.endpoint) for folder in FOLDERS
    )


def log_folder_prefixes(log: Address, target: Address) -> tuple[str, ...]:
    """Beginnings of keys, relative to *target*, that lie in the folders; "" where the whole store does."""
    if not same_bucket(log, target):
        return ()
    target_root, log_root = root(target)[1], root(log)[1]
    places = [f"{log_root}{folder}" for folder in FOLDERS]
    inside = [""] if target_root.startswith(tuple(places)) else []
    return (*inside, *(place[len(target_root) :] for place in places if place.startswith(target_root)))
