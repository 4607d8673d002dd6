"""What is written down about an invocation: log lines, and the lists in the log store."""

import math
from collections.abc import Iterator, Sequence

from bucketrelay.deadline import current
from bucketrelay.drivers.answers import Report
from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import lists, log_line
from bucketrelay.system import System


class ListsLost(RelayError):
    """The lists could not be written, so everything comes again; `results` are what was done all the same."""

    retryable = True

    def __init__(self, words: str, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        super().__init__(words)


def record(report: Report, system: System, invocation: str) -> None:
    """The lists, and log lines for all that happened, as far as the time goes: the lists hold everything.

    Raises:
        ListsLost: the lists cannot be written; the lines are.
    """
    try:
        if report.results:
            _write(report.results, system, invocation)
    finally:
        _tell(report, system, invocation)


def _tell(report: Report, system: System, invocation: str) -> None:
    left = current().remaining()
    kept = left / 2 if left < math.inf else -1.0  # for handing over what is unfinished
    lines = _lines(report, system, invocation)
    for line in lines:
        system.emit(line)
        if current().remaining() <= kept:
            break
    if more := sum(1 for _ in lines):
        system.emit(log_line.refusal(f"no time was left for {more:,} more lines: the lists have them all", invocation))


def _lines(report: Report, system: System, invocation: str) -> Iterator[str]:
    for message, _ in report.outcomes:
        if message.error:
            yield log_line.refusal(message.error, message.id or invocation)
    for result in report.results:
        yield log_line.log_line(result, metrics=system.metrics)
    for each in report.passed:
        yield log_line.pass_line(each.source, each.name, each.cause, each.why, invocation)


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
