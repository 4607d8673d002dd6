"""Rows of the queue's tables as values: what both databases have in common."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from bucketrelay.jobs.queue import Counts, Job, Payload, Record, State


def dumps(payload: Payload) -> str:
    """A payload as it stands in the table. Half a surrogate pair, which no database takes as text, stays escaped."""
    return json.dumps(dict(payload), separators=(",", ":")) if payload else "{}"


def job_of(row: Sequence[Any]) -> Job:
    """A row that `claim` returns."""
    number, queue, key, kind, payload, priority, attempts, generation, lease, since, unsettled = row[:11]
    return Job(number, queue, key, kind, json.loads(payload), priority, attempts, generation, lease, since, unsettled)


def record_of(row: Sequence[Any]) -> Record:
    """A row that `get` or `dead` returns."""
    number, queue, key, kind, attempts, error, result, state = row
    return Record(number, queue, key, kind, State(state), attempts, error, json.loads(result))


def counts_of(row: Sequence[Any], *, paused: bool) -> Counts:
    """A row that `counts` returns."""
    _, pending, running, dead, oldest = row
    return Counts(int(pending), int(running), int(dead), paused, moment(oldest) if oldest is not None else None)


def total(some: Iterable[Counts], *, paused: bool) -> Counts:
    """All of them together."""
    every = list(some)
    return Counts(
        pending=sum(counts.pending for counts in every),
        running=sum(counts.running for counts in every),
        dead=sum(counts.dead for counts in every),
        paused=paused,
        oldest=min((counts.oldest for counts in every if counts.oldest), default=None),
    )


def moment(seconds: float) -> datetime:
    """The database's seconds since 1970 as a datetime."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def silent(attempts: int, lease: float, error: str) -> str:
    """The reason that is kept with a job that died because its workers fell silent, each time."""
    before = f"; before that: {error}" if error else ""
    words = f"the worker that had it was killed, or silent for {lease:g} s"
    return f"{words}, at the last of {attempts} attempts{before}"
