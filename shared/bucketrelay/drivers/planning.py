"""From a message to tasks: what it asks for, what is refused of it, and which of its events make no task, and why."""

from collections.abc import Sequence
from datetime import datetime

from bucketrelay import routes
from bucketrelay.core.results import refusal
from bucketrelay.drivers.handover import Attempt
from bucketrelay.errors import RelayError
from bucketrelay.events.payload import Deferral, Message
from bucketrelay.model import Change, ObjectEvent, Result, Task
from bucketrelay.routes import Route
from bucketrelay.system import System
from bucketrelay.values import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class SkippedEvent:
    """An event that made no task, and why."""

    source: str  # the URL of the object
    name: str  # of the event, as its sender calls it
    cause: str
    why: str

    def __str__(self) -> str:
        return f"{self.source}: {self.name or 'the event'} makes no task: {self.why}"


@dataclass(slots=True)
class Plan:
    """What one message asks for."""

    asked: list[Attempt] = field(default_factory=list)
    refused: list[Result] = field(default_factory=list)
    passed: list[SkippedEvent] = field(default_factory=list)


def plan_message(message: Message, system: System) -> Plan:
    """What is to be done for a message; nothing is touched."""
    plan = Plan()
    for event in message.events:
        if event.change is Change.IGNORED:  # may lack a bucket or a key: what asks for nothing is not refused for it
            plan.passed.append(_pass_over(event, ["it changes nothing that a copy could show"]))
            continue
        if routes.is_in_log_folders(event, system.routes, any_cloud=message.ambiguous):
            plan.passed.append(_pass_over(event, ["the log store's own folders are nobody's business"]))
            continue
        try:
            known = _whose(event, message, system.routes)
            tasks = routes.plan(known, system.routes)
        except RelayError as error:
            plan.refused.append(_refusal(event, error, system.now()))
            continue
        plan.asked.extend(Attempt(replace(task, again=True) if message.again else task) for task in tasks)
        if not tasks:
            plan.passed.append(_pass_over(known, routes.reasons_against(known, system.routes)))
    for deferral in message.deferrals:
        try:
            plan.asked.append(Attempt(_replan(deferral, system.routes), deferral.attempt))
        except RelayError as error:
            plan.refused.append(_refusal_of_deferral(deferral, error, system.now()))
    return plan


def _pass_over(event: ObjectEvent, why: Sequence[str]) -> SkippedEvent:
    return SkippedEvent(_url(event), event.name, event.cause, "; ".join(why))


def _url(event: ObjectEvent) -> str:
    place = f"{event.bucket}@{event.namespace}" if event.namespace else event.bucket
    return f"{event.cloud}://{place}/{event.key}"


def _replan(deferral: Deferral, known: Sequence[Route]) -> Task:
    task = routes.replan(
        deferral.route, deferral.key, deferral.target, known, change=deferral.change, source=deferral.source
    )
    return replace(task, cause=deferral.cause, time=deferral.time, size=deferral.size, differs=deferral.differs)


def _whose(event: ObjectEvent, message: Message, known: Sequence[Route]) -> ObjectEvent:
    return replace(event, cloud=routes.resolve(event, known)) if message.ambiguous else event


def _refusal(event: ObjectEvent, error: RelayError, now: datetime) -> Result:
    return refusal(event, str(error), now, source=_url(event), retryable=error.retryable)


def _refusal_of_deferral(deferral: Deferral, error: RelayError, now: datetime) -> Result:
    return refusal(deferral, str(error), now, route=deferral.route, retryable=error.retryable)
