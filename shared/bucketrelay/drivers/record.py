"""What is written down about an invocation: log lines, and the lists in the log store."""

from collections.abc import Sequence

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
    """Log lines for all that happened, then the lists. Raises ListsLost where these cannot be written."""
    for result in report.results:
        system.emit(log_line.log_line(result, metrics=system.metrics))
    for message, _ in report.outcomes:
        if message.error:
            system.emit(log_line.refusal(message.error, message.id or invocation))
    for each in report.passed:
        system.emit(log_line.passed(each.source, each.name, each.cause, each.why, invocation))
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
