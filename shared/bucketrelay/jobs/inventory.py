"""The job that brings one key of an inventory up to date."""

from bucketrelay.jobs.queue import NewJob, Priority

KIND = "inventory"
STORE_KIND = "inventory-store"  # a whole store, which enqueues nothing but works through it by itself
DEPTHS = ("object", "versions", "tags", "metadata", "full")
USUAL = "metadata"  # what COMS does: tags always, metadata where a version is new or has changed


def key_job(store: str, key: str, depth: str = USUAL, priority: int = Priority.BACKLOG) -> NewJob:
    """The job for one key of a store."""
    return NewJob(queue_of(store), key, KIND, {"store": store, "key": key, "depth": depth or USUAL}, priority)


def store_job(store: str, prefix: str = "", depth: str = USUAL, priority: int = Priority.BACKLOG) -> NewJob:
    """The job for all keys of a store, or those below a prefix. Its result is kept."""
    payload = {"store": store, "prefix": prefix, "depth": depth or USUAL}
    return NewJob("inventory", f"{store}/{prefix}" if prefix else store, STORE_KIND, payload, priority, keep=True)


def queue_of(store: str) -> str:
    """The name of the queue in which the keys of a store wait."""
    return f"inventory of {store}"
