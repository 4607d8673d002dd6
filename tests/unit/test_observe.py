"""What an invocation says of itself: one line for each task that nothing in a key can break out of; metrics; counts."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.model import Outcome, Result
from bucketrelay.reports.log_line import log_line, refusal, summary

NOW = datetime(2026, 11, 21, 9, 15, 0, 123456, tzinfo=timezone.utc)
COPIED = Result(
    route="photos",
    cause="event-1",
    change="created",
    source="s3://photos-eu/in/a.jpg",
    target="oci://mirror@ns/a.jpg",
    key="in/a.jpg",
    outcome=Outcome.COPIED,
    time=NOW,
    bytes=1024,
    seconds=0.12,
    lag=1.9,
    degraded=("tags",),
)
FAILED = replace(COPIED, outcome=Outcome.FAILED, bytes=0, lag=None, error="403: grant it", retryable=True)


def test_a_task_is_one_canonical_line():
    assert json.loads(log_line(COPIED)) == {
        "event": "task.done",
        "outcome": "copied",
        "route": "photos",
        "cause": "event-1",
        "change": "created",
        "source": "s3://photos-eu/in/a.jpg",
        "target": "oci://mirror@ns/a.jpg",
        "key": "in/a.jpg",
        "bytes": 1024,
        "seconds": 0.12,
        "lag": 1.9,
        "degraded": ["tags"],
        "note": "",
        "error": "",
        "retryable": False,
    }
    assert log_line(COPIED).startswith('{"event":"task.done","outcome":"copied",')


@given(st.text(st.characters()), st.booleans())
def test_no_key_route_or_error_breaks_out_of_its_line(text, metrics):
    line = log_line(replace(COPIED, key=text, route=text, error=text, cause=text), metrics=metrics)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"] == "task.done"


def test_a_key_that_imitates_a_line_stays_a_key():
    forged = 'a"}\n{"event":"task.done","outcome":"copied","key":"b'
    assert json.loads(log_line(replace(FAILED, key=forged)))["key"] == forged


def test_a_very_long_error_is_shortened():
    said = json.loads(log_line(replace(FAILED, error="x" * 1_000_000)))["error"]
    assert len(said) == 2000
    assert said.endswith("x…")


def test_with_metrics_a_line_is_an_embedded_metric_format_document():
    line = json.loads(log_line(COPIED, metrics=True))
    assert line["_aws"] == {
        "Timestamp": 1795252500123,
        "CloudWatchMetrics": [
            {
                "Namespace": "bucketrelay",
                "Dimensions": [["route"]],
                "Metrics": [
                    {"Name": "bytes", "Unit": "Bytes"},
                    {"Name": "seconds", "Unit": "Seconds"},
                    {"Name": "lag", "Unit": "Seconds"},
                    {"Name": "failed", "Unit": "Count"},
                ],
            }
        ],
    }
    assert (line["bytes"], line["seconds"], line["lag"], line["failed"]) == (1024, 0.12, 1.9, 0)
    assert line.items() >= json.loads(log_line(COPIED)).items()


@pytest.mark.parametrize("result", [COPIED, FAILED, replace(COPIED, route=""), replace(COPIED, route="f\xfcr\n")])
def test_every_metric_is_there_as_a_number_and_every_dimension_as_printable_text(result):
    line = json.loads(log_line(result, metrics=True))
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert isinstance(line["_aws"]["Timestamp"], int)
    for metric in directive["Metrics"]:
        assert type(line[metric["Name"]]) in (int, float)
    for name in directive["Dimensions"][0]:
        assert line[name].strip()
        assert line[name].isascii()
        assert line[name].isprintable()


@pytest.mark.parametrize(("outcome", "failed"), [(Outcome.FAILED, 1), (Outcome.UNFINISHED, 0), (Outcome.UNCHANGED, 0)])
def test_only_a_failure_counts_as_failed(outcome, failed):
    assert json.loads(log_line(replace(COPIED, outcome=outcome), metrics=True))["failed"] == failed


def test_an_unknown_lag_is_no_metric():
    line = json.loads(log_line(FAILED, metrics=True))
    assert line["lag"] is None
    assert "lag" not in [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]


def test_the_summary_counts_outcomes_and_bytes():
    counted = summary(iter([FAILED, COPIED, COPIED]))
    assert json.dumps(counted) == '{"tasks": 3, "copied": 2, "failed": 1, "bytes": 2048}'


def test_the_summary_of_nothing_is_zero_tasks():
    assert summary([]) == {"tasks": 0, "bytes": 0}


@given(st.lists(st.sampled_from(Outcome)))
def test_the_summary_counts_every_task_once(outcomes):
    counted = summary(replace(COPIED, outcome=outcome, bytes=1) for outcome in outcomes)
    assert counted["tasks"] == counted["bytes"] == len(outcomes)
    assert {name: counted[name] for name in counted if name not in ("tasks", "bytes")} == Counter(
        outcome.value for outcome in outcomes
    )


@given(st.text(st.characters()))
def test_a_refusal_is_one_line_whatever_the_payload_held(text):
    line = refusal(text, text)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"] == "event.refused"


def test_a_refusal_names_the_invocation_and_the_error():
    assert refusal("not JSON", "7c30") == '{"event":"event.refused","invocation":"7c30","error":"not JSON"}'
