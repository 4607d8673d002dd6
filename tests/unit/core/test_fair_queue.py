"""Work for several destinations: each piece once, each destination's in order, and none beyond its share."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core.fair_queue import Fair


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(1, 8), st.randoms(use_true_random=False))
def test_each_piece_is_handed_out_once_in_its_order_whoever_ends_first(places, threads, chance):
    work = list(zip(places, range(len(places)), strict=True))
    fair, share = Fair(work, threads), max(1, -(-threads // max(1, len(set(places)))))
    left, running, given_out = Counter(places), Counter(), []

    def may_take():
        return sum(running.values()) < threads and any(left[place] and running[place] < share for place in left)

    while left.total() or running.total():
        if may_take() and (not running.total() or chance.random() < 0.6):
            place, piece = fair.take()
            least = min(running[other] for other in left if left[other])
            assert running[place] == least < share
            running[place] += 1
            left[place] -= 1
            given_out.append((place, piece))
        else:
            ended = chance.choice(sorted(running.elements()))
            fair.finish(ended)
            running[ended] -= 1

    assert fair.take() is None
    assert sorted(given_out, key=lambda each: each[1]) == work
    for place in set(places):
        assert [each for each in given_out if each[0] == place] == [each for each in work if each[0] == place]
