"""One function payload: parse → plan → run → record → answer.

The three entrypoints differ in how they are called and how they fail; everything between is here.
"""

from collections.abc import Sequence

from bucketrelay import cores, events
from bucketrelay.deadline import Deadline, under
from bucketrelay.drivers.answers import Report, comes_again
from bucketrelay.drivers.handover import Attempt, give_up, hand_over
from bucketrelay.drivers.planning import plan_message
from bucketrelay.drivers.record import record
from bucketrelay.drivers.timer import run_schedule
from bucketrelay.errors import BadEvent
from bucketrelay.events.payload import Payload
from bucketrelay.model import Cloud, Outcome, Result
from bucketrelay.reports import log_line
from bucketrelay.system import Defer, System
from bucketrelay.values import replace


def handle(payload: object, system: System, *, cloud: Cloud | None, seconds: float, invocation: str) -> Report:
    """Do what an event payload asks for and write the lists.

    Args:
        payload: as the runtime hands it over, or its JSON text.
        system: the configured world.
        cloud: for which cloud the entrypoint speaks; None where the routes' sources shall tell.
        seconds: left of this invocation, `math.inf` without a limit.
        invocation: the platform's id of it; names the lists.

    Raises:
        BadEvent: the payload is no event; nothing was done.
        RelayError: the lists could not be written, so the platform must deliver the event again.
    """
    # What is asked of a store outside of a task, lists above all, has to end before the platform's own deadline, too.
    lists = Deadline(seconds, margin=system.margin / 5, now=system.clock)
    with under(lists), cores.together(), system.traced(system, invocation) as it:
        return _handle(payload, it, cloud, Deadline(seconds, margin=system.margin, now=system.clock), invocation)


def _handle(payload: object, system: System, cloud: Cloud | None, deadline: Deadline, invocation: str) -> Report:
    try:
        parsed = events.parse(payload, cloud=cloud, event_keys=system.event_keys)
    except BadEvent as error:
        system.emit(log_line.refusal(str(error), invocation))
        raise
    if parsed.kind == "schedule":
        run_schedule(parsed.note, system, deadline, invocation)
    plans = [plan_message(message, system) for message in parsed.messages]
    entries = [each for plan in plans for each in plan.asked]
    system.connect({name for each in entries for name in (each.task.source, each.task.target) if each.task.target})
    defer = _way_on(parsed, system, deadline)  # asked before the time is used up
    rest = iter(give_up(entries, system.runner.run([each.task for each in entries], deadline)))
    outcomes = tuple(
        (message, (*(next(rest) for _ in plan.asked), *plan.refused))
        for message, plan in zip(parsed.messages, plans, strict=True)
    )
    report = Report(parsed, outcomes, passed=tuple(each for plan in plans for each in plan.passed))
    record(report, system, invocation)
    if any(result.lingers for result in report.results):
        system.close()  # nothing that was left behind is to land in the next invocation of this process
    report = _hand_on(report, [plan.asked for plan in plans], defer)
    if report.stuck:
        system.emit(log_line.refusal(report.stuck, invocation))
    return report


def _hand_on(report: Report, plans: Sequence[Sequence[Attempt]], defer: Defer | None) -> Report:
    """Hand over what is unfinished, now that the lists are written; but nothing that the platform brings again anyway.

    Were the same task handed over and brought again, and that in each invocation, they would multiply.
    """
    if defer is None:
        return report
    rows = zip(report.outcomes, plans, strict=True)
    calm = [(mine, results) for (message, results), mine in rows if not message.error and not _failed(results)]
    if report.payload.kind != "sqs" and len(calm) < len(report.outcomes):
        return report  # one answer for the whole payload, and it will be that it must come again
    late = [
        (each, result)
        for mine, results in calm
        for each, result in zip(mine, results, strict=False)  # behind the tasks' are the results of what was refused
        if result.outcome is Outcome.UNFINISHED
    ]
    deferred, stuck = hand_over(late, defer)
    return replace(report, deferred=deferred, stuck=stuck)


def _failed(results: Sequence[Result]) -> bool:
    return any(result.outcome is Outcome.FAILED and comes_again(result) for result in results)


def _way_on(parsed: Payload, system: System, deadline: Deadline) -> Defer | None:
    """How this invocation defers, if it may.

    Batch Operations wait for an answer and ask again themselves. And where the margin leaves no time at all, another
    invocation would get no further: it would call the next, and that one another, as fast as the platform can.
    """
    return system.defer if parsed.kind != "batch" and deadline.remaining() > 0 else None
