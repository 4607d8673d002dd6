"""Jobs are shared out the same, in whatever order a database names the queues: none starves, none is given too much."""

from collections import Counter

from hypothesis import example, given
from hypothesis import strategies as st

from bucketrelay.jobs.share import Head, Share

QUEUES = st.sampled_from("abcde")
CHANCES = st.randoms(use_true_random=False)
JOBS = st.dictionaries(st.tuples(QUEUES, st.integers(0, 2)), st.integers(1, 12), max_size=8)


def given_out(waiting, heads, limit, room):
    left = Counter(waiting)

    def claim(head, most):
        assert most > 0
        count = min(most, left[head.queue, head.priority])
        left[head.queue, head.priority] -= count
        return [(head.queue, head.priority)] * count

    return Counter(Share(limit, lambda queue: room.get(queue, 99), claim).among(heads))


@given(JOBS, st.integers(1, 20), st.dictionaries(QUEUES, st.integers(0, 9)), CHANCES)
@example({("a", 0): 9, ("b", 0): 1, ("b", 2): 9}, 6, {"b": 3}, None)
def test_as_many_are_given_out_as_there_are_and_the_order_of_the_queues_is_all_the_same(waiting, limit, room, chance):
    heads = [Head(queue, priority, float(place)) for place, (queue, priority) in enumerate(waiting)]
    found = given_out(waiting, heads, limit, room)
    mixed = chance.sample(heads, len(heads)) if chance else heads[::-1]

    assert given_out(waiting, mixed, limit, room) == found
    by_queue = Counter({queue: sum(n for (name, _), n in waiting.items() if name == queue) for queue in "abcde"})
    possible = {queue: min(count, room.get(queue, 99)) for queue, count in by_queue.items()}
    assert found.total() == min(limit, sum(possible.values()))
    for queue, most in possible.items():
        assert sum(count for (name, _), count in found.items() if name == queue) <= most


@given(JOBS, st.integers(1, 20))
def test_no_lower_priority_is_given_out_while_a_higher_one_waits_and_no_queue_goes_without_its_share(waiting, limit):
    heads = [Head(queue, priority, float(place)) for place, (queue, priority) in enumerate(waiting)]
    found = given_out(waiting, heads, limit, {})

    left = limit
    for level in (2, 1, 0):
        queues = [queue for queue, priority in waiting if priority == level]
        wanted = sum(waiting[queue, level] for queue in queues)
        assert sum(found[queue, level] for queue in queues) == min(left, wanted)
        share = left // len(queues) if queues else 0
        # What cannot be divided evenly goes to those that have waited longest: the last ones may lack so much.
        lacking = sum(max(0, min(share, waiting[queue, level]) - found[queue, level]) for queue in queues)
        assert lacking < max(1, len(queues))
        left -= min(left, wanted)
