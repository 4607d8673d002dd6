"""The delete fuse: what one process counts, what all of them claim, and the mark that only a person takes away."""

import threading
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.core.delete_claims import Claims
from bucketrelay.core.delete_fuse import BLOCK_SECONDS, LARGEST, UNLIMITED, Fuse
from bucketrelay.errors import DeletesHeld, OutcomeUnknown, StoreRefused, StoreUnavailable
from bucketrelay.model import Address
from bucketrelay.testing.memory import MemoryStore

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


class World:
    """A log store that several processes share, and one clock for all."""

    def __init__(self, numbered):
        self.passed = timedelta(0)
        self.log = MemoryStore(Address("s3", "logs"), conditional=numbered, now=self.now)

    def now(self):
        return NOON + self.passed

    def wait(self, **time):
        self.passed += timedelta(**time)

    def seconds(self):
        return self.passed.total_seconds()

    def sleep(self, seconds):
        self.wait(seconds=seconds)

    def claims(self):
        return Claims(lambda: self.log, self.now, self.sleep, lambda: 0.5)

    def process(self):
        return Fuse(self.claims().grant, self.seconds)

    def delete(self, fuse, most, times, route="photos"):
        """How many of *times* deletes are let through."""
        done = 0
        for _ in range(times):
            try:
                with fuse.count(route, most):
                    done += 1
            except DeletesHeld:
                pass
        return done


@pytest.fixture(params=[True, False], ids=["slots", "claims"])
def shared(request):
    return World(request.param)


def test_a_routes_deletes_are_counted_apart_from_anothers(shared):
    fuse = shared.process()

    assert [shared.delete(fuse, 1, 2, route) for route in ("photos", "invoices")] == [1, 1]
    with pytest.raises(DeletesHeld, match="route photos: its delete fuse has blown"):
        shared.process()._grant("photos", 1, 1)


def test_a_fuse_of_none_lets_none_through(shared):
    assert shared.delete(shared.process(), 0, 1) == 0


@pytest.mark.parametrize("most", [1, 10, 100, 1000])
def test_processes_one_after_another_delete_together_no_more_than_is_allowed(shared, most):
    done = sum(shared.delete(shared.process(), most, most + LARGEST) for _ in range(2))

    assert done == most


def test_fifty_deletes_cost_some_two_requests_once_they_are_many(shared):
    fuse = shared.process()
    shared.delete(fuse, 10_000, 100)
    before = len(shared.log.calls)
    shared.delete(fuse, 10_000, 10 * LARGEST)

    assert len(shared.log.calls) - before == 2 * 10


def test_a_delete_alone_costs_two_requests_and_claims_one(shared):
    shared.delete(shared.process(), 1000, 1)

    assert len(shared.log.calls) == 2
    assert [info.size for info in shared.log.list("fuse/")] == [1]


def test_what_a_process_does_not_use_of_a_block_is_given_up_after_a_minute(shared):
    fuse = shared.process()
    shared.delete(fuse, 1000, 2)  # one, and one of four
    shared.wait(seconds=BLOCK_SECONDS + 1)
    shared.delete(fuse, 1000, 1)

    assert sum(info.size for info in shared.log.list("fuse/")) == 1 + 4 + 1


def test_no_block_is_more_than_a_twentieth_of_what_all_share(shared):
    fuse = shared.process()
    shared.delete(fuse, 100, 100)

    assert max(info.size for info in shared.log.list("fuse/") if not info.key.endswith("mark.json")) == 5


def test_a_blown_fuse_stays_blown_however_long_it_takes(shared):
    shared.delete(shared.process(), 3, 4)
    shared.wait(days=30)

    assert shared.delete(shared.process(), 1000, 1) == 0
    assert shared.claims().blown("photos")


def test_after_an_hour_a_whole_fuse_lets_as_many_through_again(shared):
    fuse = shared.process()
    assert shared.delete(fuse, 5, 5) == 5
    shared.wait(hours=1, minutes=3)
    assert shared.delete(fuse, 5, 5) == 5


@given(st.booleans(), st.lists(st.integers(0, 900), min_size=12, max_size=40))
def test_in_no_hour_more_is_deleted_than_is_allowed(numbered, pauses):
    shared, done = World(numbered), []
    fuses = [shared.process() for _ in range(3)]
    for count, pause in enumerate(pauses):
        shared.wait(seconds=pause)
        if shared.delete(fuses[count % 3], 6, 1):
            done.append(shared.now())

    assert all(sum(start <= at <= start + timedelta(hours=1) for at in done) <= 6 for start in done)


def test_a_person_takes_the_mark_away_and_a_new_hour_begins(shared):
    fuse = shared.process()
    shared.delete(fuse, 3, 9)
    shared.wait(seconds=2)
    shared.claims().renew("photos")
    shared.wait(seconds=2)

    assert not shared.claims().blown("photos")
    assert shared.delete(shared.process(), 3, 9) == 3


def test_a_process_that_knows_of_the_mark_asks_again_after_a_minute(shared):
    fuse = shared.process()
    shared.delete(fuse, 1, 2)
    asked = len(shared.log.calls)
    shared.delete(fuse, 1, 20)
    assert len(shared.log.calls) == asked
    shared.claims().renew("photos")
    shared.wait(seconds=BLOCK_SECONDS + 1)

    assert shared.delete(fuse, 1, 1) == 1


def test_where_somebody_said_go_nothing_is_counted(shared):
    assert shared.delete(shared.process(), UNLIMITED, 30) == 30
    assert shared.log.calls == []


@pytest.mark.parametrize("verb", ["list", "put"])
@pytest.mark.parametrize("error", [StoreUnavailable("503"), StoreRefused("403"), OutcomeUnknown("cut")])
def test_a_log_store_that_cannot_be_asked_holds_and_blows_nothing(shared, verb, error):
    shared.log.fail(verb, error)
    fuse = shared.process()
    with pytest.raises((StoreUnavailable, StoreRefused), match="the delete is held") as held, fuse.count("photos", 9):
        pytest.fail("deleted")

    assert held.value.retryable is error.retryable
    assert not isinstance(held.value, OutcomeUnknown)  # of the delete everything is known
    assert not shared.claims().blown("photos")
    assert shared.delete(fuse, 9, 1) == 1


def test_a_claim_that_is_not_in_the_listing_is_no_claim():
    shared = World(numbered=False)
    shared.log.arrange("put", lambda: [shared.log.remove(key) for key in shared.log.keys()], after=True)
    with pytest.raises(StoreUnavailable, match="not in the listing"), shared.process().count("photos", 9):
        pytest.fail("deleted")


def test_claims_that_meet_are_put_again_and_blow_nothing():
    shared = World(numbered=False)

    def somebody():  # who claims between our put and our listing, and withdraws as he meets ours
        other = "fuse/photos/claims/20261121T120000Z-other"
        shared.log.write(other, b".")
        shared.log.arrange("delete", lambda: shared.log.remove(other))

    shared.log.arrange("put", somebody, after=True)

    assert shared.delete(shared.process(), 1, 1) == 1
    assert not shared.claims().blown("photos")


def test_slots_that_somebody_else_took_meanwhile_are_counted():
    shared = World(numbered=True)

    def somebody():
        shared.log.write("fuse/photos/slots/000000000000", b"...")

    shared.log.arrange("put", somebody)

    assert shared.delete(shared.process(), 4, 9) == 1


def test_what_counts_no_more_is_tidied_away_and_the_numbers_go_on():
    shared = World(numbered=True)
    fuse = shared.process()
    shared.delete(fuse, 100, 6)
    shared.wait(days=1)
    shared.claims().tidy("photos")
    assert len(list(shared.log.list("fuse/"))) == 1
    shared.delete(fuse, 100, 1)

    assert [info.key[-1] for info in shared.log.list("fuse/")][-1] == "3"


def test_tidying_keeps_the_mark_and_what_counts(shared):
    shared.delete(shared.process(), 2, 3)
    shared.claims().tidy("photos")

    assert len(list(shared.log.list("fuse/"))) == 3
    assert shared.claims().blown("photos")


@pytest.mark.parametrize("numbered", [True, False])
def test_threads_of_many_processes_at_once_delete_no_more_than_is_allowed(numbered):
    log = MemoryStore(Address("s3", "logs"), conditional=numbered)
    done, start = [], threading.Barrier(20)

    def process():
        fuse = Fuse(Claims(lambda: log, lambda: datetime.now(timezone.utc), lambda _: None).grant)
        start.wait()
        for _ in range(10):
            try:
                with fuse.count("photos", 10):
                    done.append(1)
            except (DeletesHeld, StoreUnavailable):
                pass

    threads = [threading.Thread(target=process) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(done) <= 10
    assert len(done) == 10 or not numbered
