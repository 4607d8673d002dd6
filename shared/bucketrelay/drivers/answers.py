"""What became of a payload, and the answer that its platform waits for.

Lambda's SQS trigger and S3 Batch Operations read an answer for each message; whoever calls over HTTP takes a response;
all others are told by an exception, and deliver the event again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence

from bucketrelay.drivers.planning import SkippedEvent
from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.events.payload import Message, Payload
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import log_line
from bucketrelay.values import dataclass, field


class TasksFailed(RelayError):
    """At least one task of the invocation has to come again; the failed list says which and why."""

    retryable = True


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a payload, message by message."""

    payload: Payload
    outcomes: tuple[tuple[Message, tuple[Result, ...]], ...]
    deferred: frozenset[Result] = frozenset()  # unfinished, and another invocation has the task now
    stuck: str = ""  # why what is unfinished could not be handed over
    passed: tuple[SkippedEvent, ...] = ()
    results: tuple[Result, ...] = field(default=(), init=False, compare=False)  # all, in the order of the messages

    def __post_init__(self) -> None:
        """Once, as five ask for them."""
        together = tuple([result for _, results in self.outcomes for result in results])
        object.__setattr__(self, "results", together)

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
        return _http(log_line.summary(self.results)) if self.payload.http else log_line.summary(self.results)

    def _bad(self) -> list[tuple[Message, tuple[Result, ...]]]:
        """The messages that have to come again, each with the results that ask for it."""
        rows = [(m, tuple(r for r in rs if comes_again(r) and r not in self.deferred)) for m, rs in self.outcomes]
        return [(message, again) for message, again in rows if message.error or again]

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


def comes_again(result: Result) -> bool:
    """Whether the platform is to bring it again: not where only a person can mend it, by `replay --go`."""
    return not result.ok and not result.by_hand


def _failure(bad: Iterable[tuple[Message, tuple[Result, ...]]], stuck: str) -> RelayError:
    errors = [message.error for message, _ in bad if message.error]
    results = [result for _, results in bad for result in results if comes_again(result)]
    if not errors and all(result.outcome is Outcome.UNFINISHED for result in results):
        words = f"{len(results)} tasks are unfinished; they go on when the event comes again"
        return OutOfTime(_on_one_line("; ".join(filter(None, [words, f"the first: {results[0].error}", stuck]))))
    failed = [*errors, *(result.error for result in results if result.outcome is Outcome.FAILED)]
    text = f"{len(failed)} failed, see failed_object/ in the log store; the first: {failed[0]}"
    return TasksFailed(_on_one_line(text))


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
    distinct: Mapping[str, None] = dict.fromkeys(r.error or r.outcome.value for r in results)
    return message.error or "; ".join(distinct) or "nothing to do"
