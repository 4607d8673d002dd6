"""Strategies without the look after the write: the harness has to find out each of them, or it proves nothing."""

import pytest

from bucketrelay.model import Deletes
from faults import naive
from faults.explore import Found
from faults.small import Small


@pytest.mark.parametrize(
    ("strategy", "deletes"),
    [
        pytest.param(
            strategy,
            deletes,
            id=f"{strategy.__name__}-{deletes.value}",
            marks=pytest.mark.slow if (strategy, deletes) == (naive.lease, Deletes.KEEP) else (),  # seconds
        )
        for strategy in (naive.act_on_the_event, naive.sequencer_row, naive.look_and_act, naive.if_match, naive.lease)
        for deletes in Deletes
    ],
)
def test_it_can_end_wrong_without_any_fault(explore, strategy, deletes):
    acts = {Deletes.FOLLOW: "wd", Deletes.KEEP: "wt"}[deletes]
    ticks = 1 if strategy is naive.lease else 0
    small = Small(deletes, acts=acts, faults=frozenset(), sees_events=True, ticks=ticks)
    _, result = explore(small, strategy)

    assert isinstance(result, Found)
    assert result.complaint.startswith("at rest")


def test_if_match_alone_is_right_while_the_target_never_looks_the_same_twice(explore):
    _, result = explore(Small(Deletes.KEEP, acts="wo", sees_events=True), naive.if_match)

    assert not isinstance(result, Found), str(result)
