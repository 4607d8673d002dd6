"""What the page says, as plain values for its templates. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from bucketrelay.drivers.serve.page.drawing import books_bar, lag_over_time
from bucketrelay.drivers.serve.page.filter import Filter
from bucketrelay.drivers.status import Line, Watch
from bucketrelay.model import Result
from bucketrelay.reports.estimates import KeptEstimate
from bucketrelay.reports.printable import printable
from bucketrelay.reports.sums import cause_of

MOST_OBJECTS = 200  # on one page; the rest is counted
_MOST_TEXT = 60_000  # characters of keys, targets and errors: a page is at most 150 KB, however long the keys are
_MOST_CAUSES = 40
_COUNTED = ("redo", "retry")
_LONGEST = 300  # characters of an error of a dead job; `queue dead` says all
_BOOKS = ("right", "missing", "different", "surplus", "kept", "unclear", "failed")


def overview(watch: Watch, lines: Sequence[Line], shown: Filter, now: datetime) -> dict[str, Any]:
    """Routes, failures and what is held, as far as the filter lets them through."""
    failures = sorted(shown.failures(watch.tally), key=lambda each: (each.time, each.key))
    mine = [line for line in lines if shown.route in ("", line.standing.route)]
    return {
        "now": clock(now),
        "filter": shown,
        "rows": [row(watch, line, now) for line in mine],
        "waiting": sum(line.waiting for line in lines),
        "causes": (rows := causes(failures))[:_MOST_CAUSES],
        "more_causes": max(0, len(rows) - _MOST_CAUSES),
        "open": len(failures),
        "failures": _fitting(failures) if shown.members else [],
        "redo_all": act("redo", shown),
        "forget_all": act("forget", Filter(shown.route)),
        "blown": [
            {"name": name, "go": act("go", Filter(name))}
            for name in dict.fromkeys(line.standing.route for line in mine if line.blown)
        ],
    }


def _fitting(failures: Sequence[Result]) -> list[dict[str, str]]:
    """As many as a page has room for."""
    rows, room = [], _MOST_TEXT
    for each in failures[:MOST_OBJECTS]:
        rows.append(failure(each))
        room -= sum(map(len, rows[-1].values()))
        if room < 0:
            break
    return rows


def row(watch: Watch, line: Line, now: datetime) -> dict[str, Any]:
    """One route and target."""
    standing, lag = line.standing, line.standing.lag
    slices = watch.tally.slices((standing.route, standing.target))
    words = (
        "no lag measured" if lag.max is None else f"median {lag.p50:g} s, 99 % {lag.p99:g} s, greatest {lag.max:g} s"
    )
    title = f"Greatest lag of {standing.route} to {standing.target} in each five minutes of the last day"
    return {
        "route": standing.route,
        "target": standing.target,
        "query": Filter(standing.route).query,
        "state": state(line),
        "level": "bad" if line.alarms or line.blown else "warn" if line.waiting or line.rests else "good",
        "lag_picture": _draw(lag_over_time(slices, now.timestamp(), title)),
        "lag_words": words,
        "copied": f"{standing.copied:,}",
        "deleted": f"{standing.deleted:,}",
        "failed": f"{standing.failed:,}",
        "waiting": f"{line.waiting:,}",
        **_books(line),
    }


def state(line: Line) -> str:
    """In words: up to date, or what is not."""
    words = [f"{line.waiting:,} waiting, {ago(line.behind)} behind"] if line.waiting else []
    words += ["deletes are held"] if line.blown else []
    words += [line.rests] if line.rests else []
    words += [f"alarm: {alarm}" for alarm in line.alarms]
    return "; ".join(words) or "up to date"


def ago(seconds: float) -> str:
    """`3 d`, `5 h`, `12 min`, `40 s`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def clock(moment: datetime) -> str:
    """`2026-11-21 09:15:00 UTC`."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def causes(failures: Sequence[Result]) -> list[dict[str, Any]]:
    """The failures by cause, the most frequent first."""
    alike: dict[str, list[Result]] = {}
    for each in failures:
        alike.setdefault(cause_of(each), []).append(each)
    rows = []
    for cause, same in sorted(alike.items(), key=lambda item: -len(item[1])):
        routes = sorted({each.route for each in same})
        chosen = Filter(routes[0] if len(routes) == 1 else "", cause)
        rows.append(
            {
                "cause": cause or "no reason given",
                "count": len(same),
                "routes": ", ".join(routes),
                "example": printable(same[0].key),
                "query": chosen.query,
                "redo": act("redo", chosen),
            }
        )
    return rows


def failure(result: Result) -> dict[str, str]:
    """One object that is not right."""
    time = clock(result.time)
    error = result.error.removeprefix(f"{result.target}: ")
    texts = {"key": result.key, "route": result.route, "target": result.target, "error": error}
    return {**{name: printable(text) for name, text in texts.items()}, "time": time}


def act(what: str, chosen: Filter) -> str:
    """The query of the address `confirm?…`, which asks whether to do it."""
    return f"?{urlencode({'what': what, **chosen.members})}"


def _books(line: Line) -> dict[str, Any]:
    if line.books is None:
        return {"books_words": ""}
    counts = {kind: count for kind in _BOOKS if isinstance(count := line.books.get(kind), int)}
    began = line.books_time
    wrong = ", ".join(f"{counts[kind]:,} {kind}" for kind in _BOOKS[1:] if counts.get(kind))
    words = f"{clock(began) if began else 'some time'}: {counts.get('right', 0):,} right{', ' + wrong if wrong else ''}"
    if not line.books.get("complete"):
        words += ", not complete"
    return {"books_words": words, "books_picture": _draw(books_bar(counts, words))}


def _draw(svg: str) -> Markup:
    """A picture of ours: every text in it is escaped where it is drawn."""
    return Markup(svg)  # noqa: S704 — see above


def estimate(kept: KeptEstimate | None) -> dict[str, Any]:
    """What a backfill takes, in words for each target."""
    if kept is None:
        return {"time": "", "rows": []}
    return {"time": clock(kept.time), "rows": [_estimate_row(row) for row in kept.rows]}


def _estimate_row(row: Mapping[str, Any]) -> dict[str, str]:
    unknown = ", ".join(row["unknown_prices"])
    return {
        "target": row["target"],
        "copies": f"{row['copies']:,}",
        "deletes": f"{row['deletes']:,}",
        "bytes": f"{row['bytes']:,}",
        "requests": f"{row['total']:,}",
        "time": f"{timedelta(seconds=row['seconds'])}",
        "dollars": f"{row['dollars']:,.2f}" + (f" and what {unknown} asks" if unknown else ""),
    }


def jobs_words(counts: Any, dead: Sequence[Any]) -> Mapping[str, Any]:
    """The job queue."""
    return {
        "jobs": counts,
        "dead": [_dead(job) for job in dead],
    }


def _dead(job: Any) -> dict[str, Any]:
    error = printable(job.error)
    shortened = error if len(error) <= _LONGEST else f"{error[:_LONGEST]}…"
    return {"key": printable(job.key), "queue": printable(job.queue), "attempts": job.attempts, "error": shortened}


def acts(told: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Who did what, in words; how many it was about, where that says something."""
    return [
        {
            **{name: printable(str(each.get(name, ""))) for name in ("time", "who", "what")},
            "count": count if isinstance(count := each.get("count"), int) and each.get("what") in _COUNTED else "",
            "filter": {str(name): printable(str(value)) for name, value in dict(each.get("filter") or {}).items()},
        }
        for each in told
    ]
