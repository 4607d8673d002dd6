"""One function payload: parse → plan → run → record → answer.

The three entrypoints differ in how they are called and how they fail; everything between is here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bucketrelay import events
from bucketrelay.deadline import Deadline, under
from bucketrelay.drivers.handover import Asked, given_up, hand_over
from bucketrelay.drivers.housekeeping import keep_house
from bucketrelay.drivers.planning import Passed, planned
from bucketrelay.errors import BadEvent, OutOfTime, RelayError
from bucketrelay.events.payload import Message, Payload
from bucketrelay.model import Cloud, Outcome, Result, Task
from bucketrelay.reports import lists
from bucketrelay.reports import log_line as observe
from bucketrelay.system import Defer, System


class TasksFailed(RelayError):
    """At least one task of the invocation has to come again; the failed list says which and why."""

    retryable = True


class ListsLost(RelayError):
    """The lists could not be written, so everything comes again; `results` are what was done all the same."""

    retryable = True

    def __init__(self, words: str, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What `handle` would do with a payload."""

    tasks: tuple[Task, ...]
    refused: tuple[Result, ...]  # events of buckets that are no route's source
    unread: tuple[str, ...]  # messages in which something could not be read
    passed: tuple[Passed, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a payload, message by message."""

    payload: Payload
    outcomes: tuple[tuple[Message, tuple[Result, ...]], ...]
    deferred: frozenset[Result] = frozenset()  # unfinished, and another invocation has the task now
    stuck: str = ""  # why what is unfinished could not be handed over
    passed: tuple[Passed, ...] = ()

    @property
    def results(self) -> tuple[Result, ...]:
        """All results, in the order of the messages."""
        return tuple(result for _, results in self.outcomes for result in results)

    def answer(self) -> dict[str, object] | None:
        """What the platform wants to be returned; raises where it wants to be told by an exception.

        Raises:
            OutOfTime: nothing failed, but some tasks are unfinished, and could not be deferred.
            TasksFailed: everything else that must come again.
        """
        if self.payload.kind == "sqs":
            return {"batchItemFailures": [{"itemIdentifier": message.id} for message, _ in self._bad()]}
        if self.payload.kind == "batch":
            return self._batch()
        bad = self._bad()
        if bad:
            raise _failure(bad, self.stuck)
        return _http(observe.summary(self.results)) if self.payload.http else observe.summary(self.results)

    def _bad(self) -> list[tuple[Message, tuple[Result, ...]]]:
        """The messages that have to come again, each with the results that ask for it."""
        found = [(m, tuple(r for r in rs if _again(r) and r not in self.deferred)) for m, rs in self.outcomes]
        return [(message, again) for message, again in found if message.error or again]

    def _batch(self) -> dict[str, object]:
        """S3 Batch Operations: docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html."""
        return {
            "invocationSchemaVersion": self.payload.schema_version,
            "treatMissingKeysAs": "PermanentFailure",
            "invocationId": self.payload.invocation_id,
            "results": [
                {"taskId": message.id, "resultCode": _code(message, results), "resultString": _words(message, results)}
                for message, results in self.outcomes
            ],
        }


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
    with under(Deadline(seconds, margin=system.margin / 5)):
        return _handled(payload, system, cloud, Deadline(seconds, margin=system.margin), invocation)


def _handled(payload: object, system: System, cloud: Cloud | None, deadline: Deadline, invocation: str) -> Report:
    try:
        parsed = events.parse(payload, cloud=cloud, event_keys=system.event_keys)
    except BadEvent as error:
        system.emit(observe.refusal(str(error), invocation))
        raise
    if parsed.kind == "schedule":
        _scheduled(parsed.note, system, deadline, invocation)
    plans = [planned(message, system) for message in parsed.messages]
    asked = [each for plan in plans for each in plan.asked]
    defer = _defer(parsed, system, deadline)  # asked before the time is used up
    rest = iter(given_up(asked, system.runner.run([each.task for each in asked], deadline)))
    outcomes = tuple(
        (message, (*(next(rest) for _ in plan.asked), *plan.refused))
        for message, plan in zip(parsed.messages, plans, strict=True)
    )
    report = Report(parsed, outcomes, passed=tuple(each for plan in plans for each in plan.passed))
    _record(report, system, invocation)
    if any(result.lingers for result in report.results):
        system.close()  # nothing that was left behind is to land in the next invocation of this process
    report = _deferred(report, [plan.asked for plan in plans], defer)
    if report.stuck:
        system.emit(observe.refusal(report.stuck, invocation))
    return report


def _scheduled(note: str, system: System, deadline: Deadline, invocation: str) -> None:
    """What a schedule asks for: `reconcile ROUTE`, or the housekeeping.

    Raises:
        BadEvent: no such reconciliation is to be had.
        RelayError: a reconciliation could not go on, or has repairs that may do later.
    """
    word, _, route = note.partition(" ")
    if word != "reconcile":
        _kept_house(system, deadline, invocation)
        return
    try:
        if not system.reconcile:
            raise BadEvent(f"the schedule says {note[:100]!r}, and nothing is here that could")
        system.reconcile(route.strip(), deadline, invocation)
    except RelayError as error:
        system.emit(observe.refusal(str(error), invocation))
        raise


def _kept_house(system: System, deadline: Deadline, invocation: str) -> None:
    """The housekeeping, said in the log; what of it could not be done is due the next time."""
    house = keep_house(system, deadline, invocation)
    for result in house.results:
        system.emit(observe.log_line(result, metrics=system.metrics))
    counts = house.verified, house.abandoned, house.again
    system.emit(observe.kept_house(*counts, house.problems, invocation))
    if any(result.lingers for result in house.results):
        system.close()


def _deferred(report: Report, plans: Sequence[Sequence[Asked]], defer: Defer | None) -> Report:
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
    return any(result.outcome is Outcome.FAILED and _again(result) for result in results)


def _again(result: Result) -> bool:
    """Whether the platform is to bring it again: not where only a person can mend it, by `replay --go`."""
    return not result.ok and not result.by_hand


def foresee(payload: object, system: System, *, cloud: Cloud | None) -> Foreseen:
    """What `handle` would do with the payload; touches nothing (`--dry-run`). Raises BadEvent as `handle` does."""
    parsed = events.parse(payload, cloud=cloud, event_keys=system.event_keys)
    plans = [planned(message, system) for message in parsed.messages]
    return Foreseen(
        tasks=tuple(each.task for plan in plans for each in plan.asked),
        refused=tuple(result for plan in plans for result in plan.refused),
        unread=parsed.errors,
        passed=tuple(each for plan in plans for each in plan.passed),
    )


def _defer(parsed: Payload, system: System, deadline: Deadline) -> Defer | None:
    """How this invocation defers, if it may.

    Batch Operations wait for an answer and ask again themselves. And where the margin leaves no time at all, another
    invocation would get no further: it would call the next, and that one another, as fast as the platform can.
    """
    return system.defer if parsed.kind != "batch" and deadline.left() > 0 else None


def _record(report: Report, system: System, invocation: str) -> None:
    for result in report.results:
        system.emit(observe.log_line(result, metrics=system.metrics))
    for message, _ in report.outcomes:
        if message.error:
            system.emit(observe.refusal(message.error, message.id or invocation))
    for each in report.passed:
        system.emit(observe.passed(each.source, each.name, each.cause, each.why, invocation))
    if report.results:
        _write(report.results, system, invocation)


def _write(results: Sequence[Result], system: System, invocation: str) -> None:
    """The lists. Raises ListsLost with what was done: it is not lost for the lists' sake, and may be another fault."""
    try:
        lists.write(system.log(), results, invocation=invocation, now=system.now())
    except OutOfTime:
        raise
    except RelayError as error:
        failed = [result.error for result in results if result.outcome is Outcome.FAILED]
        also = f"; and {len(failed)} of {len(results)} tasks failed, the first: {failed[0]}" if failed else ""
        raise ListsLost(f"the lists: {error}{also}", results) from error


def _failure(bad: Iterable[tuple[Message, tuple[Result, ...]]], stuck: str) -> RelayError:
    errors = [message.error for message, _ in bad if message.error]
    results = [result for _, results in bad for result in results if _again(result)]
    if not errors and all(result.outcome is Outcome.UNFINISHED for result in results):
        words = f"{len(results)} tasks are unfinished; they go on when the event comes again"
        return OutOfTime(_on_one_line("; ".join(filter(None, [words, f"the first: {results[0].error}", stuck]))))
    failed = [*errors, *(result.error for result in results if result.outcome is Outcome.FAILED)]
    said = f"{len(failed)} failed, see failed_object/ in the log store; the first: {failed[0]}"
    return TasksFailed(_on_one_line(said))


def _on_one_line(text: str) -> str:
    """*text* without what a key could forge a line of the platform's log by: it prints the exception as it is."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _http(summary: Mapping[str, object]) -> dict[str, object]:
    """API Gateway and FunctionGraph's APIG take nothing else for an answer; 200 tells a webhook not to come again."""
    body, headers = json.dumps(summary), {"content-type": "application/json"}
    return {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": False}


def _code(message: Message, results: Sequence[Result]) -> str:
    bad = [result for result in results if not result.ok]
    if not bad and not message.error:
        return "Succeeded"
    return "TemporaryFailure" if bad and all(result.retryable for result in bad) else "PermanentFailure"


def _words(message: Message, results: Sequence[Result]) -> str:
    said: Mapping[str, None] = dict.fromkeys(r.error or r.outcome.value for r in results)
    return message.error or "; ".join(said) or "nothing to do"
