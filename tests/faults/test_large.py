"""A sample of larger worlds at random; `soak.py` goes on with other seeds for as long as one likes."""

import pytest

from bucketrelay.core import pair
from faults.large import LAYOUTS, Large, Wrong


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3, 4, 5))])
@pytest.mark.parametrize("name", LAYOUTS)
def test_stores_come_to_rest_and_hold_the_same(record_property, name, seed):
    steps = 0
    for number in range(seed * 4, seed * 4 + 4):
        world = Large(LAYOUTS[name], number)
        world.run()
        steps += world.steps
    record_property("walked", f"4 worlds at random, {steps} steps")


def test_a_core_that_never_looks_again_is_found_out_with_a_seed_to_see_it_again(monkeypatch):
    monkeypatch.setattr(pair, "same_version", lambda info, now: True)

    def run_all():
        for seed in range(26, 126):  # the seeds below take a second, and end well with this mistake, too
            Large(LAYOUTS["pair"], seed).run()

    with pytest.raises(Wrong, match=r"(?s)at rest.*python -m faults.soak --world pair --seed"):
        run_all()
