"""A barrier never proves what is not so, whatever the storm; and in the calm after it, it proves."""

import pytest

from bucketrelay.drivers.reconcile import barrier, compare
from observed.storm import Seen, Storm, in_one_time


@pytest.fixture(autouse=True)
def _one_time(monkeypatch):
    """The world has one time."""
    monkeypatch.setattr(compare, "prefetch", in_one_time)


def run(storms):
    """What all barriers of these storms said; and the names of those that were not proven in the calm after them."""
    total, restless = Seen(), []
    for storm in storms:
        seen = storm.run()
        if storm.can_rest and not storm.rest():
            restless.append(storm.name)
        total = Seen(*(getattr(total, name) + getattr(seen, name) for name in Seen.__dataclass_fields__))
    return total, restless


def test_no_barrier_of_twenty_small_storms_proves_what_is_not_so():
    total, restless = run(Storm(seed, acts=12, barriers=4) for seed in range(20))

    assert total.false == []
    assert restless == []
    assert min(total.proven, total.named, total.refused) > 0


def test_a_barrier_that_believed_the_listings_alone_would_be_found_out(monkeypatch):
    monkeypatch.setattr(barrier.Barrier, "_is_old", lambda *_: True)

    total, _ = run([Storm(93)])

    assert total.false


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_barrier_of_a_thousand_storms_proves_what_is_not_so():
    total, restless = run(Storm(seed) for seed in range(1000))
    print(
        f"\n1,000 storms: {total.proven:,} proofs ({total.late:,} after a wait), {len(total.false)} false; "
        f"{total.named:,} barriers named what was missing, {total.refused:,} were refused; "
        f"{len(restless)} storms not proven in the calm after them"
    )

    assert total.false == []
    assert restless == []
