"""A job that is a task: planned anew by the configuration as it is now, run, and its result told."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bucketrelay import routes
from bucketrelay.core.results import refusal
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.errors import RelayError
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.queue import Dead, Done, Ending, Job, NewJob, Release, Retry
from bucketrelay.jobs.tasks import parse
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.routes import Route
from bucketrelay.system import System
from bucketrelay.values import replace


def task_kind(system: System, then: Callable[[Task], tuple[NewJob, ...]] = lambda _: ()) -> Kind:
    """The kind of jobs that `bucketrelay.jobs.tasks` makes; *then*: the jobs that follow where a target was changed."""
    forwards = {route.name: route.forward for route in system.routes if route.forward}

    def run(jobs: Sequence[Job], deadline: Deadline) -> Sequence[Ended]:
        plans = [_plan(job, system.routes) for job in jobs]
        with system.traced(system, f"job {jobs[0].id}") as traced:
            results = iter(traced.runner.run([plan for plan in plans if isinstance(plan, Task)], deadline))
        return [
            _end(plan, next(results), then) if isinstance(plan, Task) else _give_up(job, plan, system.now())
            for job, plan in zip(jobs, plans, strict=True)
        ]

    return Kind(run, lambda job: _together(job, forwards, system.runner))


def _together(job: Job, forwards: Mapping[str, str], runner: Runner) -> tuple[str, int]:
    """Tasks of a forward go into one request as far as it takes them."""
    forward = forwards.get(str(job.payload.get("route")), "")
    return (forward, runner.deliver.together(Task("", "", "", forward=forward))) if forward else ("", 1)


def _plan(job: Job, known: Sequence[Route]) -> Task | str:
    """The task; or why there is none (any more)."""
    try:
        wanted = parse(job)
        source = wanted.source if "://" in wanted.source else ""
        task = routes.replan(wanted.route, wanted.key, wanted.target, known, change=wanted.change, source=source)
    except RelayError as error:
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "the job says nothing that a task could be made of: was it put into the table by hand?"
    again = job.unsettled > 1
    return replace(task, cause=wanted.cause, time=wanted.time, size=wanted.size, differs=wanted.differs, again=again)


def _end(task: Task, result: Result, then: Callable[[Task], tuple[NewJob, ...]]) -> Ended:
    changed = result.outcome in (Outcome.COPIED, Outcome.DELETED)
    return Ended(_ending(result), (result,), then(task) if changed else ())


def _ending(result: Result) -> Ending:
    if result.ok or result.by_hand:  # what only a person can let go waits in the failed list, and nowhere else
        return Done()
    if result.outcome is Outcome.UNFINISHED:
        return Release()
    return Retry(result.error) if result.retryable else Dead(result.error)


def _give_up(job: Job, error: str, now: datetime) -> Ended:
    try:
        wanted = parse(job)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Ended(Dead(error))
    return Ended(Dead(error), (refusal(wanted, error, now, route=wanted.route),))
