"""The order of the modules names modules that are there, each once, and is the same for all of a module's tests."""

from pathlib import Path

import pytest

import order

TESTS = Path(__file__).parents[1]
MODULES = [path.relative_to(TESTS.parent).as_posix() for path in sorted(TESTS.rglob("test_*.py"))]


def test_the_lists_name_modules_that_are_there_each_once():
    assert order.unknown(MODULES) == []
    names = [*order.WAITING, *order.COMPUTING]
    assert sorted(names) == sorted(set(names))


def test_one_that_waits_and_one_that_computes_go_out_in_turn_and_the_rest_after_them():
    inorder = sorted(MODULES, key=order.place)
    first = [f"tests/{name}.py" for pair in zip(order.WAITING, order.COMPUTING, strict=False) for name in pair]
    assert inorder[: len(first)] == first
    assert set(inorder) == set(MODULES)


@pytest.mark.parametrize(
    ("cores", "gigabytes", "marks", "number"),
    [
        (2, 16, "not slow and not deep", 6),
        (2, 16, "slow", 2),
        (8, 4, "not slow and not deep", 4),
        (1, 0.5, "slow", 1),
    ],
)
def test_three_processes_run_for_each_core_and_one_where_all_compute_as_memory_allows(
    monkeypatch, cores, gigabytes, marks, number
):
    sizes = {"SC_PHYS_PAGES": int(gigabytes * (1 << 18)), "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(order.os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    monkeypatch.setattr(order.os, "sysconf", sizes.get)
    assert order.processes(marks) == number
