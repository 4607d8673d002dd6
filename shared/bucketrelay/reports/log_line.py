"""What an invocation says of itself: one canonical JSON line for each task, and the counts for a summary.

Pure: the callers print. With metrics, a line is also a CloudWatch embedded metric format document, which CloudWatch
Logs turns into metrics without a single request of ours.
"""

import json
from collections.abc import Iterable, Mapping

from bucketrelay.model import Outcome, Result
from bucketrelay.routes.probes import is_probe

_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False)  # `json.dumps` would make one for each line
_OUTCOMES = tuple(Outcome)
NAMESPACE = "bucketrelay"

_LONGEST_ERROR = 2000  # characters; the lists keep all of it, a log event has a limit (256 KB, for some accounts 1 MB)
_LONGEST_DIMENSION = 1024  # characters of a dimension's value: CloudWatch API, type Dimension


def summary(results: Iterable[Result]) -> dict[str, object]:
    """How many tasks ended in which way, and the bytes that were written: `{"tasks": 3, "copied": 2, "failed": 1, …}`.

    Only the outcomes that occurred, in the order of `Outcome`. JSON takes it: it is what a function returns.
    """
    ended = list(results)
    outcomes = [result.outcome for result in ended]
    by_outcome = {outcome.value: count for outcome in _OUTCOMES if (count := outcomes.count(outcome))}
    return {"tasks": len(ended), **by_outcome, "bytes": sum([result.bytes for result in ended])}


def refusal(error: str, invocation: str) -> str:
    """One JSON line for a payload or a message that is no event of ours: there is no task to name."""
    return _one_line({"event": "event.refused", "invocation": invocation, "error": _shorten(error)})


def notice(words: str) -> str:
    """One JSON line about this process itself, which no event caused."""
    return _one_line({"event": "notice", "notice": _shorten(words)})


def pass_line(source: str, name: str, cause: str, why: str, invocation: str) -> str:
    """One JSON line for an event that made no task: silence would look like a loss."""
    fields = {"source": source, "name": name, "cause": cause, "why": _shorten(why)}
    return _one_line({"event": "event.passed", "invocation": invocation, **fields})


def house_line(verified: int, abandoned: int, again: int, problems: Iterable[str], invocation: str) -> str:
    """One JSON line for a schedule: keys verified, uploads abandoned, failures run again, and what went wrong."""
    fields = {"verified": verified, "abandoned": abandoned, "again": again}
    problems = [_shorten(problem) for problem in problems]
    return _one_line({"event": "housekeeping.done", "invocation": invocation, **fields, "problems": problems[:100]})


def book_line(book: Mapping[str, object], invocation: str) -> str:
    """One JSON line for the books of one target, as far as a reconciliation has come."""
    return _one_line({"event": "route.reconciled", "invocation": invocation, **book})


def log_line(result: Result, *, metrics: bool = False) -> str:
    r"""*result* as one line of JSON in ASCII, so that no key can forge a second line or steer a terminal.

    Args:
        result: of one task.
        metrics: also make it a CloudWatch embedded metric format document, with the metrics `bytes`, `seconds`, `lag`
            (where it is known) and `failed` (1 or 0) in the namespace `bucketrelay`, by route. The member `route` then
            is a dimension's value, so what CloudWatch does not take in one is escaped: `für` becomes `f\xfcr`.
            Source: CloudWatch user guide, "Specification: Embedded metric format".
            Not of a heartbeat, which is no object of anybody's.
    """
    members: dict[str, object] = {
        "event": "task.done",
        "outcome": result.outcome.value,
        "route": result.route,
        "cause": result.cause,
        "change": result.change,
        "source": result.source,
        "target": result.target,
        "key": result.key,
        "bytes": result.bytes,
        "seconds": result.seconds,
        "lag": result.lag,
        "degraded": list(result.degraded),
        "note": result.note,
        "error": _shorten(result.error),
        "retryable": result.retryable,
    }
    return _one_line(_embed(result, members) if metrics and not is_probe(result.key) else members)


def _embed(result: Result, members: dict[str, object]) -> dict[str, object]:
    """*members* as an embedded metric format document: metric values must be numbers, and must be there."""
    units = {"bytes": "Bytes", "seconds": "Seconds", "lag": "Seconds", "failed": "Count"}
    if result.lag is None:
        del units["lag"]
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["route"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    timestamp = int(result.time.timestamp() * 1000)  # milliseconds since 1970
    return {
        "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]},
        **members,
        "route": _dimension(result.route),
        "failed": int(result.outcome is Outcome.FAILED),
    }


def _dimension(value: str) -> str:
    """*value* as CloudWatch takes it in a dimension: printable ASCII, not blank, not too long."""
    printable = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode("ascii") for c in value)
    return printable[:_LONGEST_DIMENSION] if printable.strip() else "-"


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[: _LONGEST_ERROR - 1]}…"


def _one_line(members: Mapping[str, object]) -> str:
    # json.dumps leaves DEL alone, which is ASCII.
    return _JSON.encode(members).replace("\x7f", "\\u007f")
