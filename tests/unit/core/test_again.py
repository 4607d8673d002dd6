"""What another invocation is told of a task is all that it takes to go on as this one would have."""

from datetime import datetime, timezone

from bucketrelay.drivers.handover import Attempt, hand_over
from bucketrelay.events import parse
from bucketrelay.events.payload import Deferral
from bucketrelay.model import Change, Outcome, Result, Task

NOW = datetime(2026, 11, 21, 9, tzinfo=timezone.utc)


def test_a_task_is_handed_over_with_all_that_its_result_will_say():
    task = Task("r", "photos", "a b", "mirror", "2026/a b", change=Change.REMOVED, cause="event-1", time=NOW, size=7)
    late = Result("r", "event-1", "removed", "s3://photos/a b", "", "a b", Outcome.UNFINISHED, NOW)
    sent = []
    handed, stuck = hand_over([(Attempt(task, 4), late)], sent.append)

    assert (handed, stuck) == (frozenset({late}), "")
    (told,) = [each for payload in sent for each in parse(payload).deferrals]
    assert told == Deferral("r", "a b", "mirror", "", Change.REMOVED, "event-1", NOW, 7, attempt=5)
