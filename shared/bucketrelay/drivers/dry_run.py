"""What a payload would come to, without doing it."""

from bucketrelay import events
from bucketrelay.drivers.planning import SkippedEvent, plan_message
from bucketrelay.model import Cloud, Result, Task
from bucketrelay.system import System
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class DryRun:
    """What `function.handle` would do with a payload."""

    tasks: tuple[Task, ...]
    refused: tuple[Result, ...]  # events of buckets that are no route's source
    unread: tuple[str, ...]  # messages in which something could not be read
    passed: tuple[SkippedEvent, ...]


def dry_run(payload: object, system: System, *, cloud: Cloud | None) -> DryRun:
    """What `function.handle` would do with the payload; touches nothing (`--dry-run`). Raises BadEvent as it does."""
    parsed = events.parse(payload, cloud=cloud, event_keys=system.event_keys)
    plans = [plan_message(message, system) for message in parsed.messages]
    return DryRun(
        tasks=tuple(each.task for plan in plans for each in plan.asked),
        refused=tuple(result for plan in plans for result in plan.refused),
        unread=parsed.errors,
        passed=tuple(each for plan in plans for each in plan.passed),
    )
