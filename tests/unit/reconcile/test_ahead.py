"""What is read ahead is what would have been read, and nothing goes on that nobody wants any more."""

import threading

import pytest

from bucketrelay.deadline import Deadline, current, under
from bucketrelay.drivers.reconcile.prefetch import in_chunks, prefetch


def _threads():
    return [thread for thread in threading.enumerate() if thread.name == "relay-ahead"]


def test_the_items_come_in_their_order():
    assert list(prefetch(iter(range(12_345)))) == list(range(12_345))


def test_an_error_comes_at_its_place():
    def broken():
        yield from range(700)
        raise ValueError("cut")

    found = []
    with pytest.raises(ValueError, match="cut"):
        found.extend(iter_into(found, prefetch(broken())))
    assert found == list(range(700))


def iter_into(found, items):
    for item in items:
        found.append(item)
    return []


def test_chunks_hold_every_item_and_an_error_comes_behind_what_came_before_it():
    def broken():
        yield from range(1234)
        raise ValueError("cut")

    assert [item for chunk in in_chunks(iter(range(1234))) for item in chunk] == list(range(1234))
    found = []
    with pytest.raises(ValueError, match="cut"):
        found.extend(iter_into(found, in_chunks(broken())))
    assert [item for chunk in found for item in chunk] == list(range(1234))


def test_nothing_is_asked_for_before_somebody_reads():
    asked = []
    items = prefetch(iter(lambda: asked.append(1), None))
    assert not asked
    items.close()


def test_the_thread_ends_with_its_reader():
    read = []

    def endless():
        while True:
            read.append(1)
            yield 1

    items = prefetch(endless())
    next(items)
    threads = _threads()
    items.close()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert len(read) <= 5  # what waits, what was taken, what was being read


def test_the_thread_works_under_its_readers_deadline():
    seen = []

    def items():
        seen.append(current())
        yield 1

    deadline = Deadline(60)
    with under(deadline):
        list(prefetch(items()))
    assert seen == [deadline]
