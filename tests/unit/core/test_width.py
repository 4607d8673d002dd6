"""How many threads move an object's parts: what a look at the bytes a second makes of it."""

import pytest

from bucketrelay.core.width import FIRST, Width


def moved(most: int, rate, parts: int = 200) -> list[int]:
    """How many threads there were for each part of 8 bytes; *rate* says bytes a second by the number of threads."""
    clock = [0.0]
    width, seen = Width(most, lambda: clock[0]), []
    for _ in range(parts):
        seen.append(width.threads)
        clock[0] += 8 / rate(width.threads)
        width.note(8)
    return seen


def test_where_each_thread_waits_for_its_server_there_are_as_many_as_may_be():
    assert moved(16, lambda threads: threads)[28:] == [16] * 172


def test_where_more_make_nothing_faster_it_stays_with_the_first():
    seen = moved(16, lambda _: 100)

    assert seen[:4] == [FIRST] * 4
    assert seen[4:12] == [8] * 8, "that was tried once"
    assert seen[12:] == [FIRST] * 188


def test_half_of_what_brought_nothing_is_kept():
    seen = moved(64, lambda threads: min(threads, 8))

    assert max(seen) == 16
    assert seen[-1] == 8


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 7, 12])
def test_there_are_never_more_than_there_may_be(most):
    seen = moved(most, lambda threads: threads)

    assert seen[0] == min(FIRST, most)
    assert seen[-1] == max(seen) == most
