"""What a forward said of each notice is what the result of its task says."""

from datetime import datetime, timezone

import pytest

from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutOfTime, StoreRefused, StoreUnavailable
from bucketrelay.forward.deliver import Forwarding
from bucketrelay.model import Address, Outcome, Task

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


class Says:
    """A forward whose answers are given, by key; None: it has taken the notice."""

    together = 10

    def __init__(self, verdicts):
        self.verdicts = verdicts

    def tell(self, notices, deadline):
        return [self.verdicts[notice.task.key] for notice in notices]


def told(verdicts, source=lambda key: "photos"):
    def address(name):
        if name == "removed":
            raise ConfigError(["no store is named 'removed'"])
        return Address("s3", name)

    results = Results(lambda task: (task.key, "hook"), lambda: NOW)
    return Forwarding({"hook": Says(verdicts)}, address, results)(
        [Task("r", source(key), key, forward="hook") for key in verdicts], Deadline()
    )


@pytest.mark.parametrize(
    ("verdict", "outcome", "retryable"),
    [
        (None, Outcome.FORWARDED, False),
        (StoreUnavailable("503"), Outcome.FAILED, True),
        (StoreRefused("403"), Outcome.FAILED, False),
        (OutOfTime("no time"), Outcome.UNFINISHED, True),
    ],
    ids=["taken", "an outage", "refused", "late"],
)
def test_each_verdict_is_the_outcome_of_its_task(verdict, outcome, retryable):
    (result,) = told({"k": verdict})

    assert (result.outcome, result.retryable) == (outcome, retryable)
    assert result.error == str(verdict or "")


def test_a_task_whose_store_is_gone_costs_no_neighbour_its_own_verdict():
    results = told({"a": None, "b": None, "c": StoreRefused("403")}, lambda key: "removed" if key == "a" else "photos")

    assert [(result.key, result.outcome) for result in results] == [
        ("a", Outcome.FAILED),
        ("b", Outcome.FORWARDED),
        ("c", Outcome.FAILED),
    ]
    assert "removed" in results[0].error
    assert results[2].error == "403"
