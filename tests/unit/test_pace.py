"""How fast a server may be asked, learnt from its refusals. No test waits: time is a number here."""

import heapq
import random
import threading
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.deadline import Deadline, current, under
from bucketrelay.errors import Damaged, ObjectGone, OutcomeUnknown, StoreRefused, StoreUnavailable
from bucketrelay.http.pace import _CUT, SELDOM, Pace, Rate, seconds

URL = "s3://photos/a"


@dataclass
class Server:
    """Accepts *most* requests a second, and *burst* at once after a rest; all times are given."""

    most: float
    burst: float
    spare: float = field(init=False)
    last: float = 0.0
    answers: list[tuple[float, bool]] = field(default_factory=list)

    def __post_init__(self):
        self.spare = self.burst

    def accepts(self, at):
        self.spare = min(self.burst, self.spare + max(0.0, at - self.last) * self.most)
        self.last = max(self.last, at)
        accepted = self.spare >= 1
        self.spare -= accepted
        self.answers.append((at, accepted))
        return accepted

    def share(self, since, until):
        """Of what it would have accepted, how much it was asked for and accepted."""
        return sum(ok for at, ok in self.answers if since <= at < until) / ((until - since) * self.most)

    def refused(self):
        return sum(not ok for _, ok in self.answers) / len(self.answers)


def siege(server, workers, trip, end, seed, after=None, late=0.0):
    """*workers* ask *server* as fast as a Rate lets them.

    Args:
        trip: seconds from a request to its answer, on average.
        late: seconds by which who waits for a slot wakes up too late, on average.
    """
    chance = random.Random(seed)
    rate, now, under_way, waiting = Rate(chance.random), 0.0, [], workers
    slot = wakes = 0.0
    while now < end:
        free = rate.free(now) if waiting else float("inf")
        if waiting and late and free > now:
            slot, wakes = (slot, wakes) if free == slot else (free, free + chance.expovariate(1 / late))
            free = max(now, wakes)
        if under_way and under_way[0][0] <= free:
            now, _, accepted, sent = heapq.heappop(under_way)
            waiting += 1
            if accepted:
                rate.note_success(now)
            else:
                rate.note_refusal(sent, now, after)
            continue
        now, waiting = free, waiting - 1
        rate.take(now)
        arrival = now + trip * chance.uniform(0.25, 0.75)
        back = arrival + trip * chance.uniform(0.25, 0.75)
        heapq.heappush(under_way, (back, len(server.answers), server.accepts(arrival), now))
    return rate


def test_a_server_that_refuses_nothing_is_never_waited_for():
    rate = siege(Server(most=1e9, burst=1e9), workers=64, trip=0.02, end=1.0, seed=1)  # 3,200 requests
    assert rate.limit == 0


@pytest.mark.parametrize(
    ("most", "burst", "workers", "trip"),
    [
        (50, 50, 16, 0.02),
        (50, 5, 16, 0.02),
        (20, 20, 64, 0.2),
        (300, 30, 16, 0.02),
        (500, 50, 64, 0.03),
        (1000, 1000, 64, 0.01),
        pytest.param(3500, 3500, 64, 0.01, marks=pytest.mark.slow),  # writes a second to a prefix of Amazon S3
        (5, 5, 16, 0.02),
        (10, 10, 16, 0.5),
    ],
)
@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def test_behind_a_limit_four_fifths_of_it_are_used_and_few_requests_are_in_vain(most, burst, workers, trip, seed):
    server = Server(most, burst)
    siege(server, workers, trip, end=35.0, seed=seed)

    assert server.share(5.0, 35.0) >= 0.8
    assert server.refused() <= 0.2 if most <= 20 else server.refused() <= 0.05


@pytest.mark.parametrize("most", [30, 100, 300])
@pytest.mark.parametrize("seed", [1, 2])
def test_threads_that_wake_up_late_use_as_much_of_a_limit(most, seed):
    """At 2 ms that were 0.84 of 300 a second: the slots after a late one were late as well."""
    server = Server(most, burst=most / 10)
    siege(server, workers=16, trip=0.02, end=35.0, seed=seed, late=0.002)
    assert server.share(5.0, 35.0) >= 0.93
    assert server.refused() <= 0.05


def test_slots_that_nobody_came_for_are_used_yet_but_for_those_of_long_ago():
    rate, now = limited_to(100), 50.0  # idle for most of a minute
    burst = 0
    while rate.free(now) <= now:
        rate.take(now)
        burst += 1
    assert 8 <= burst <= 13  # a tenth of a second's


def test_nothing_is_made_up_for_of_the_time_that_a_server_asked_for():
    rate = limited_to(100)
    rate.note_refusal(sent=0.0, now=30.0, after=10.0)
    assert rate.free(30.0) == 40.0
    rate.take(40.0)
    assert rate.free(40.0) > 40.0


def limited_to(most):
    """A rate that has found this limit."""
    rate = Rate(lambda: 0.5)
    for _ in range(round(most / _CUT)):
        rate.note_success(0.5)
    while not rate.limit:
        rate.note_refusal(sent=0.9, now=1.0)
    assert most * 0.9 <= rate.limit <= most * 1.1
    return rate


def test_what_retry_after_asks_for_is_kept_by_every_task():
    server = Server(most=50, burst=50)
    siege(server, workers=16, trip=0.02, end=35.0, seed=1, after=2.0)

    asked = sorted(at for at, _ in server.answers)
    refusals = [at for at, accepted in server.answers if not accepted]
    # what was on its way when the refusal came back is over after one round trip
    assert all(not any(at + 0.03 < other < at + 2.0 for other in asked) for at in refusals)
    assert server.share(5.0, 35.0) >= 0.5  # each pause costs


def test_a_limit_that_is_lifted_is_forgotten_after_a_while():
    rate = Rate(lambda: 0.5)
    rate.note_refusal(sent=0.0, now=0.1)
    assert rate.limit > 0
    rate.free(61.0)
    assert rate.limit == 0


def test_a_server_that_refuses_everything_is_asked_less_and_less():
    server = Server(most=0.0, burst=0.0)
    siege(server, workers=64, trip=0.02, end=120.0, seed=1)

    first = sum(1 for at, _ in server.answers if at < 10)
    last = sum(1 for at, _ in server.answers if at >= 110)
    assert last <= 5 < first < 200


def test_who_asks_seldom_is_not_made_to_wait_long_by_the_load_of_others():
    rate, now = Rate(lambda: 0.5, SELDOM), 0.0
    for _ in range(20):  # a list now and then, to a server that others keep busy
        now = rate.free(now + 1.5)
        rate.take(now)
        rate.note_refusal(sent=now, now=now + 0.01)
        assert rate.free(now + 0.01) - now < 0.5
    assert rate.limit == SELDOM


@given(st.lists(st.tuples(st.sampled_from(["accepted", "refused", "late"]), st.floats(0, 10)), max_size=50))
def test_a_rate_is_never_less_than_none(steps):
    rate, now = Rate(lambda: 0.5), 0.0
    for what, pause in steps:
        sent, now = now, rate.free(now + pause)
        rate.take(now)
        if what == "accepted":
            rate.note_success(now)
        else:
            rate.note_refusal(sent if what == "late" else now, now, pause)
        assert rate.limit >= 0
        assert rate.free(now) >= now


@pytest.mark.parametrize("after", [3600.0, 86400.0, 1e9])
def test_a_retry_after_of_hours_holds_for_minutes(after):
    rate = Rate(lambda: 0.5)
    rate.note_refusal(sent=0.0, now=1.0, after=after)
    assert 200 < rate.free(1.0) < 400


# --- requests ---------------------------------------------------------------------------------------------------------


class World:
    """A clock that sleeping moves on, and calls that answer as they are told, then with "done"."""

    def __init__(self):
        self.now = 0.0
        self.slept = []
        self.pace = Pace(now=lambda: self.now, sleep=self.sleep, jitter=lambda: 0.5)
        self.deadline = Deadline(now=lambda: self.now)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def send(self, *answers, retries=2, left=None):
        said = iter(answers)
        self.calls = 0

        def call():
            self.calls += 1
            if (answer := next(said, "done")) != "done":
                raise answer
            return answer

        with under(self.deadline if left is None else Deadline(left, now=lambda: self.now)):
            return self.pace.send(call, URL, retries=retries)


@pytest.fixture
def world():
    return World()


def busy(after=None, kind=StoreUnavailable):
    return kind(f"{URL}: 503", busy=True, after=after)


def test_a_request_that_failed_without_an_effect_is_made_again_as_often_as_configured(world):
    assert world.send(StoreUnavailable("a"), Damaged("b")) == "done"
    with pytest.raises(StoreUnavailable, match="c"):
        world.send(StoreUnavailable("a"), StoreUnavailable("b"), StoreUnavailable("c"))
    assert world.calls == 3


@pytest.mark.parametrize("error", [OutcomeUnknown("u"), busy(kind=OutcomeUnknown), StoreRefused("r"), ObjectGone("g")])
def test_what_may_have_had_an_effect_or_is_an_answer_is_not(world, error):
    with pytest.raises(type(error)):
        world.send(error)
    assert world.calls == 1


def test_nothing_is_made_again_where_nothing_shall_be(world):
    with pytest.raises(StoreUnavailable):
        world.send(busy(), retries=0)
    assert world.calls == 1


def test_a_request_that_came_too_soon_is_made_again_more_often_than_one_that_failed(world):
    assert world.send(*[busy()] * 6) == "done"
    assert world.calls == 7


def test_pauses_grow_and_are_bounded(world):
    with pytest.raises(StoreUnavailable):
        world.send(*[StoreUnavailable("a")] * 9, retries=8)
    assert world.slept == sorted(world.slept)
    assert world.slept[0] == 0.2
    assert world.slept[-1] == 2.0


def test_a_retry_after_is_waited_for_by_the_next_request_too(world):
    with pytest.raises(StoreUnavailable):
        world.send(busy(after=30), retries=0)
    world.send()
    assert world.now >= 30


@pytest.mark.parametrize("error", [StoreUnavailable("a"), busy(), busy(after=7)])
def test_no_repetition_outlives_the_invocation(world, error):
    with pytest.raises(StoreUnavailable):
        world.send(*[error] * 100, retries=100, left=5)
    assert world.now < 5


def test_a_turn_that_would_come_after_the_end_is_refused_at_once_and_says_why(world):
    with pytest.raises(StoreUnavailable):
        world.send(busy(after=600), retries=0)
    with pytest.raises(StoreUnavailable, match="asked too often") as raised:
        world.send(left=60)
    assert raised.value.retryable
    assert world.calls == 0
    assert world.now == 0


def test_without_an_end_nobody_waits_for_years(world):
    with pytest.raises(StoreUnavailable):
        world.send(busy(after=1e9), retries=0)
    with pytest.raises(StoreUnavailable, match="asked too often"):
        world.send()
    assert world.now == 0


def test_a_server_that_is_down_is_not_asked_three_times_for_everything(world):
    calls = 0
    for _ in range(1000):
        with pytest.raises(StoreUnavailable):
            world.send(*[StoreUnavailable("down")] * 9)
        calls += world.calls
    assert 1000 < calls < 1100


def test_a_server_that_is_asked_too_often_at_first_costs_nobody_his_repetitions(world):
    for _ in range(200):  # more than are spared for a server that is down
        assert world.send(busy(), busy()) == "done"


def test_requests_that_are_accepted_earn_repetitions(world):
    for _ in range(100):
        with pytest.raises(StoreUnavailable):
            world.send(*[StoreUnavailable("down")] * 9)
    for _ in range(25):
        world.send()
    with pytest.raises(StoreUnavailable):
        world.send(*[StoreUnavailable("down")] * 9)
    assert world.calls == 3


def test_those_who_wait_go_one_after_the_other():
    pace, order, lock = Pace(jitter=lambda: 0.0), [], threading.Lock()
    pace.note_refusal(pace.turn(Deadline(), URL), None)

    def go():
        pace.turn(Deadline(), URL)
        with lock:
            order.append(pace.limit)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(order) == 4


def test_who_waits_behind_another_waits_no_longer_than_his_own_invocation_lasts():
    began, go_on = threading.Event(), threading.Event()

    def sleep(_):
        began.set()
        go_on.wait(10)

    pace = Pace(sleep=sleep)
    pace.note_refusal(pace.turn(Deadline(), URL), 0.2)
    first = threading.Thread(target=lambda: pace.turn(Deadline(), URL))
    first.start()
    assert began.wait(10)
    with pytest.raises(StoreUnavailable, match="asked too often"):
        pace.turn(Deadline(0.01), URL)
    go_on.set()
    first.join(10)


# --- the deadline of a thread -----------------------------------------------------------------------------------------


def test_a_thread_has_its_own_deadline_and_gets_the_old_one_back():
    mine, seen = Deadline(10), []
    with under(mine):
        other = threading.Thread(target=lambda: seen.append(current()))
        other.start()
        other.join()
        assert current() is mine
    assert seen[0] is not mine
    assert current() is not mine
    assert current().remaining() == float("inf")


# --- Retry-After ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "meant"), [("7", 7.0), (" 0 ", 0.0), ("", None), ("soon", None), ("-1", None)])
def test_retry_after_in_seconds(said, meant):
    assert seconds(said) == meant


def test_retry_after_as_a_date():
    assert seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert seconds("Wed, 21 Oct 2099 07:28:00 GMT") > 0


@given(st.text())
def test_any_retry_after_is_a_number_of_seconds_or_nothing(said):
    meant = seconds(said)
    assert meant is None or meant >= 0


@dataclass
class Moody(Server):
    """Refuses one in so many requests, at whatever rate it is asked."""

    chance: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def accepts(self, at):
        return super().accepts(at) and not self._moody()

    def _moody(self):
        refused = self.dice.random() < self.chance
        if refused:
            self.answers[-1] = (self.answers[-1][0], False)
        return refused


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("chance", [0.002, 0.005, 0.01, 0.02])
def test_sporadic_refusals_do_not_strangle(chance, seed):
    """16 workers at 40 ms make 400 requests a second; each refusal used to cost a cut, and 1 % left 55 of them."""
    server = Moody(most=1e9, burst=1e9, chance=chance, dice=random.Random(seed))
    siege(server, workers=16, trip=0.04, end=35.0, seed=seed)
    load = sum(at >= 5 for at, _ in server.answers) / 30
    assert load >= 0.9 * 400
    assert server.refused() <= 2 * chance


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("workers", [8, 16, 32])
def test_a_server_that_refuses_one_in_twenty_five_is_asked_nearly_as_much_as_it_takes(workers, seed):
    """What it refuses below any limit is no limit: that is learnt within some seconds."""
    server = Moody(most=1e9, burst=1e9, chance=0.04, dice=random.Random(seed))
    siege(server, workers=workers, trip=0.04, end=40.0, seed=seed)
    load = sum(ok for at, ok in server.answers if at >= 10) / 30
    assert load >= 0.8 * workers / 0.04


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("chance", "least"), [(0.01, 0.85), (0.04, 0.8)])
def test_behind_a_limit_sporadic_refusals_cost_little_more(chance, least, seed):
    server = Moody(most=200, burst=20, chance=chance, dice=random.Random(seed))
    siege(server, workers=16, trip=0.02, end=35.0, seed=seed)
    assert server.share(5.0, 35.0) >= least
    assert server.refused() <= chance + 0.03


def test_a_limit_teaches_no_patience():
    """Refusals of a limit come at it, and not in the second below it: so they go on being believed."""
    server = Server(most=200, burst=20)
    rate = siege(server, workers=16, trip=0.02, end=60.0, seed=1)
    assert rate.trouble < 0.01
    assert server.share(5.0, 60.0) >= 0.85


def test_one_refusal_among_few_requests_is_a_limit():
    rate = Rate(lambda: 0.5)
    for moment in range(5):
        rate.note_success(moment / 10)
    rate.note_refusal(0.4, 0.5)
    assert rate.limit > 0


def test_a_retry_after_holds_everybody_also_where_one_refusal_is_no_limit():
    rate = Rate(lambda: 0.5)
    for moment in range(200):
        rate.note_success(moment / 200)
    rate.note_refusal(0.99, 1.0, after=3.0)
    assert rate.limit == 0
    assert rate.free(1.1) == 4.0
