"""Threads that are kept for the next work: who does it, and what becomes of one that hangs or fails."""

import os
import threading
import warnings

import pytest

from bucketrelay.core import crew


def begun(until: threading.Event | None = None) -> tuple[list[crew.Hand], list[threading.Thread]]:
    """One piece of work, which waits for *until* if it is given; and the thread that does it, once it does."""
    threads: list[threading.Thread] = []

    def do() -> None:
        threads.append(threading.current_thread())
        if until:
            until.wait()

    return crew.begin(do, 1), threads


def test_a_thread_that_has_done_its_work_does_the_next() -> None:
    first, one = begun()
    assert crew.wait(first)
    second, other = begun()
    assert crew.wait(second)
    assert one == other


def test_a_thread_that_hangs_is_left_behind_and_the_next_work_waits_for_nobody() -> None:
    go_on = threading.Event()
    hanging, one = begun(go_on)
    assert not crew.wait(hanging, 0)
    second, other = begun()
    assert crew.wait(second)
    assert one != other
    go_on.set()
    assert crew.wait(hanging)


def test_a_thread_whose_work_has_raised_goes_on_and_keeps_nothing_of_it() -> None:
    def fail() -> None:
        raise LookupError("a defect")

    hands = crew.begin(fail, 1)
    assert crew.wait(hands)
    with pytest.raises(LookupError, match="a defect"):
        crew.raise_defects(hands)
    again, _ = begun()
    assert crew.wait(again)
    crew.raise_defects(again)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system that cannot fork")
def test_a_child_that_was_forked_has_threads_of_its_own() -> None:
    hands, _ = begun()
    assert crew.wait(hands)  # one idles now, and is not in the child
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12 warns of forks with threads: that is what this is about
        child = os.fork()
    if not child:
        hands, _ = begun()
        os._exit(0 if crew.wait(hands, 30) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
