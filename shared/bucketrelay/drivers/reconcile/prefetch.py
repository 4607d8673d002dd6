"""An iterator that is read prefetch of its reader, in a thread: the next page comes while this one is compared."""

import contextvars
import threading
from collections.abc import Iterator
from itertools import islice
from queue import Empty, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
_CHUNK = 500  # items that change hands at once where a store does not list page by page
_WAIT = 2  # pages that wait for the reader


class _End(Generic[T]):
    """The last thing that the thread hands over: the end, or what went wrong."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def in_chunks(items: Iterator[T]) -> Iterator[list[T]]:
    """The items, some hundred at once; what *items* raises is raised at its place."""
    error: Exception | None = None
    while error is None:
        chunk: list[T] = []
        try:
            chunk.extend(islice(items, _CHUNK))
        except Exception as caught:  # noqa: BLE001 — it is raised as soon as what came before it is out
            error = caught
        if chunk:
            yield chunk
        elif error is None:
            return
    raise error


def prefetch(items: Iterator[T]) -> Iterator[T]:
    """The same items; what *items* raises is raised at its place. The thread ends with the reader's interest."""
    queue: Queue[list[T] | _End[T]] = Queue(_WAIT)  # in lists of one: an item may be anything
    over = threading.Event()
    context = contextvars.copy_context()  # the deadline that requests work under
    thread = threading.Thread(target=context.run, args=(_fill, items, queue, over), name="relay-prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item[0]
        if item.error:
            raise item.error
    finally:
        over.set()
        _empty(queue)  # so that a thread that waits for room sees that nobody reads any more


def _fill(items: Iterator[T], queue: "Queue[list[T] | _End[T]]", over: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            queue.put([item])
            if over.is_set():
                break
    except BaseException as caught:  # noqa: BLE001 — it is the reader's, whatever it is
        error = caught
    if not over.is_set():
        queue.put(_End(error))


def _empty(queue: "Queue[list[T] | _End[T]]") -> None:
    while True:
        try:
            queue.get_nowait()
        except Empty:
            return
