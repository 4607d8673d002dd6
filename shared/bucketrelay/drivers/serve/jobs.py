"""Jobs by order of a request: a reconciliation, a replay; and where they are."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Literal

from bucketrelay import durations
from bucketrelay.errors import BadEvent
from bucketrelay.jobs.queue import NewJob, Priority, Record
from bucketrelay.model import Result
from bucketrelay.reports.chosen import Chosen

_MEMBERS = ("route", "cause", "since", "keys")
_MOST_KEYS = 100_000


def reconcile_job(route: str) -> NewJob:
    """The job that reconciles a route; asked for twice while it waits, it is one."""
    return NewJob("reconcile", route, "reconcile", {"route": route}, Priority.ORDER, keep=True)


def estimate_job(route: str) -> NewJob:
    """The job that counts what a backfill of a route would take; asked for twice while it waits, it is one."""
    return NewJob("estimate", route, "estimate", {"route": route}, Priority.ORDER, keep=True)


def replay_job(fields: Mapping[str, object], routes: frozenset[str], also: Literal["", "forget", "go"] = "") -> NewJob:
    """The job that replays what a filter lets through. Raises BadEvent with what is wrong with the filter.

    Args:
        also: `forget` what no route wants any more, or `go`: do the deletes that the route's fuse holds. Not for the
            filter of a request: a person says so on the page.
    """
    since = _check(fields, routes)
    filtered: dict[str, object] = {
        "route": fields.get("route", ""),
        "cause": fields.get("cause", ""),
        "since": _moment(since).isoformat() if since else "",
        "keys": fields.get("keys"),
    }
    if also:
        filtered[also] = True
    digest = hashlib.sha256(json.dumps(filtered, sort_keys=True).encode()).hexdigest()
    return NewJob("replay", digest, "replay", filtered, Priority.ORDER, keep=True)


def failures_of(job: NewJob, failures: Iterable[Result]) -> Iterator[Result]:
    """Those of *failures* that a replay job is about."""
    chosen, since = Chosen.of(job.payload), str(job.payload.get("since") or "")
    start = datetime.fromisoformat(since) if since else None
    return (each for each in failures if chosen.takes(each) and (start is None or each.time >= start))


def _check(fields: Mapping[str, object], routes: frozenset[str]) -> str:
    """What a filter says since when, "" for ever. Raises BadEvent where anything in the filter is wrong."""
    for name in fields:
        if name not in _MEMBERS:
            raise BadEvent(f"{str(name)[:60]!a} is no member of the filter: it has {', '.join(_MEMBERS)}")
    for name in ("route", "cause", "since"):
        if not isinstance(fields.get(name, ""), str):
            raise BadEvent(f"{name} must be a text")
    route, keys = fields.get("route", ""), fields.get("keys")
    if route and route not in routes:
        raise BadEvent(f"no route is named {str(route)[:60]!a}")
    if keys is not None and not (isinstance(keys, list) and all(isinstance(key, str) for key in keys)):
        raise BadEvent("keys must be a list of texts")
    if isinstance(keys, list) and len(keys) > _MOST_KEYS:
        raise BadEvent(f"more than {_MOST_KEYS:,} keys: leave them out, and say route and since")
    return str(fields.get("since", ""))


def _moment(since: str) -> datetime:
    try:
        return durations.moment(since, datetime.now(timezone.utc))
    except ValueError as error:
        raise BadEvent(f"since: {str(error)[:200]}") from error


def members(record: Record) -> dict[str, object]:
    """A job as `GET /jobs/{id}` shows it."""
    return {
        "id": record.id,
        "state": record.state.value,
        "result": dict(record.result) or None,
        "kind": record.kind,
        "queue": record.queue,
        "key": record.key,
        "attempts": record.attempts,
        "error": record.error,
    }
