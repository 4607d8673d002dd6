"""CloudWatch is told the same numbers, by the function's log lines, as status and Prometheus are by the lists."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.drivers.metrics import samples
from bucketrelay.drivers.status import Line
from bucketrelay.model import Outcome, Result
from bucketrelay.reports import list_line
from bucketrelay.reports.log_line import log_line
from bucketrelay.reports.status import Tally

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
ONE = Result("photos", "e", "created", "s3://a/k", "obs://b/k", "k", Outcome.COPIED, NOW)


def result(number, outcome, size, lag):
    done = outcome is Outcome.COPIED
    error = "" if outcome is not Outcome.FAILED else "503: later"
    return replace(
        ONE,
        key=f"k{number}",
        outcome=outcome,
        time=NOW + timedelta(seconds=number),
        bytes=size if done else 0,
        lag=lag if done else None,
        error=error,
    )


SOME = st.lists(
    st.tuples(st.sampled_from(Outcome), st.integers(0, 2**40), st.none() | st.floats(0, 1e6)), min_size=1, max_size=30
)


@given(SOME)
def test_log_lines_status_and_metrics_add_up_to_the_same(rows):
    results = [result(number, *row) for number, row in enumerate(rows)]
    told = [json.loads(log_line(each, metrics=True)) for each in results]
    tally = Tally(lambda _: "mirror")
    for each in results:
        tally.add(list_line.parse_line(list_line.line(each)))  # by way of the lists
    (standing,) = tally.standings()
    line = Line(standing, 0.0, None, standing.waiting, 0, False, None, (), tally.total(("photos", "mirror")))
    members = line.members()
    scraped = {(name, *labels): value for name, labels, value in samples(line)}

    lags = [each["lag"] for each in told if "lag" in declared(each)]
    assert sum(each["failed"] for each in told) == members["failed"] == scraped["bucketrelay_tasks_total", "failed"]
    assert sum(each["bytes"] for each in told) == members["bytes"] == scraped["bucketrelay_copied_bytes_total",]
    greatest = round(max(lags), 3) if lags else None  # the lists keep milliseconds
    assert greatest == members["lag"]["max"] == scraped.get(("bucketrelay_lag_seconds", "1"))
    known = sum(members[name] for name in ("copied", "deleted", "unchanged", "forwarded", "failed"))
    assert len([each for each in told if each["outcome"] != "unfinished"]) == known


def declared(document):
    """The metrics that CloudWatch takes from the line."""
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    return {metric["Name"] for metric in directive["Metrics"]}
