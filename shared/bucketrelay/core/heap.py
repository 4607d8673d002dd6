"""What a large object is given: any core, and buffers outside of the C library's heap, so that freed memory is free."""

from contextlib import suppress
from functools import cache

from bucketrelay import cores

LARGE = 128 * 1024  # bytes; glibc's own first threshold
_M_MMAP_THRESHOLD = -3  # malloc.h; mallopt(3)


def make_room(size: int) -> None:
    """The calling thread is about to carry an object of *size* bytes."""
    if size > LARGE:
        cores.spread()
        keep_large_buffers_out()


@cache
def keep_large_buffers_out() -> None:
    """From now on every buffer of more than LARGE bytes is mapped by itself, and given back when it is freed.

    Left alone, glibc raises its threshold to the size of what is freed (mallopt(3), "M_MMAP_THRESHOLD"), and from then
    on parts of objects come from the heaps of the threads, which fragment: 100 objects of 20 MiB with
    `memory = "128MiB"` took 173 MiB, and take 104. Elsewhere than on glibc this does nothing.
    """
    with suppress(ImportError, OSError, AttributeError):
        import ctypes  # 2 ms, and only large objects need it

        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
