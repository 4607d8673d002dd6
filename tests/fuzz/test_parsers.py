"""Every parser, fed with some of what nobody would send; `make fuzz` goes on for as long as asked."""

import multiprocessing
import resource
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fuzz import answers
from fuzz.known import AWAITED
from fuzz.registry import TARGETS
from fuzz.target import MiB, Target, place_of

# The SDKs leave the sockets of answers that they could not read to the garbage collector.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)

_SIZE = 20_000  # bytes of a hostile input; a parser whose cost is the square of it needs far more than its time
_SMALL = 2_000
_CPU = 30  # seconds for all those of a target, which take one


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    answers.close()


def _fine(target: Target, given: Any) -> None:
    error = target.verdict(given)
    if error is not None and target.name not in AWAITED:
        raise AssertionError(f"({target.name!r}, {given!r}),  # {place_of(error)}"[:5000]) from error


@pytest.mark.parametrize("name", TARGETS)
def test_a_real_sample_and_a_changed_one_are_read_or_refused(name):
    target = TARGETS[name]
    mutator = target.mutator("make test")
    for sample in target.samples():
        _fine(target, sample)
    for _ in range(target.quick):
        _fine(target, mutator.one())


@pytest.mark.parametrize("name", TARGETS)
@settings(
    max_examples=10, derandomize=True, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_anything_made_of_a_parsers_words_is_read_or_refused(name, data):
    _fine(TARGETS[name], data.draw(TARGETS[name].strategy()))


def _hostile(name: str, size: int, wrong: Any) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU))
    target = TARGETS[name]
    for number, value in enumerate(target.hostile(size)):
        error = target.verdict(value)
        if error is not None and name not in AWAITED:
            wrong.send(f"hostile input {number}: {place_of(error)}")
    tracemalloc.start()  # which makes all of it several times slower
    for number, value in enumerate(target.hostile(size // 4)):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        target.verdict(value)
        held = tracemalloc.get_traced_memory()[1] - before
        if held > 10 * MiB + target.memory * len(repr(value)):
            wrong.send(f"hostile input {number}: {held:,} bytes were held")
    wrong.send("")


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if list(target.hostile(10))])
@pytest.mark.parametrize("size", [_SMALL, pytest.param(_SIZE, marks=pytest.mark.slow)])
def test_what_would_cost_most_costs_no_more_than_its_length(name, size):
    """In a child: the kernel ends it, should one of them take a minute of its own CPU."""
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)
    child = context.Process(target=_hostile, args=(name, size, its))
    child.start()
    its.close()
    wrong = []
    try:
        while said := mine.recv():
            wrong.append(said)
    except EOFError:
        wrong.append("the process was ended: too much time, or too deep")
    child.join()
    mine.close()
    assert wrong == []
