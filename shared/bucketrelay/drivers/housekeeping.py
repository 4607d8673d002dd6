"""What a schedule without a text asks for: what was left lying about by invocations that could not go on.

Keys that are to be verified, uploads that nobody goes on with, claims of delete fuses that count no more, the
retryable failures of the last day once more, and the heartbeats of routes that have any. Each is for itself: what is
wrong with one costs the others nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial

from bucketrelay import routes
from bucketrelay.core.verify import Marker
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ObjectGone, RelayError
from bucketrelay.model import Address, Deletes, Result, Task
from bucketrelay.reports import lists
from bucketrelay.reports.rerun import Line, Rerun, Selection
from bucketrelay.routes import NotPlanned
from bucketrelay.routes.meeting import sharing
from bucketrelay.system import System
from bucketrelay.values import dataclass, field

FAILURES = timedelta(days=1)  # so old may a failed list be
# Platforms deliver an event again within minutes, and a function that calls itself may still be at work.
YOUNG = timedelta(minutes=15)


@dataclass(slots=True)
class HousekeepingReport:
    """What was done, and what a person should know."""

    verified: int = 0
    abandoned: int = 0  # uploads
    again: int = 0  # failures
    results: list[Result] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def keep_house(system: System, deadline: Deadline, invocation: str) -> HousekeepingReport:
    """Do all that is due, as far as the time goes; the rest is due the next time.

    Never raises but for a defect: what could not be done is in the problems.
    """
    house = HousekeepingReport()
    for step in (_verify, _sweep, _tidy, _again, _probe, _tell):
        try:
            deadline.check()
            step(house, system, deadline, invocation)
        except RelayError as error:
            house.problems.append(str(error))
    return house


def _verify(house: HousekeepingReport, system: System, deadline: Deadline, invocation: str) -> None:
    """Run the tasks of the markers that are due, each once; a marker goes once all of its own have ended for good."""
    verify = system.verify
    due = list(verify.due())
    house.problems += [each for each in due if isinstance(each, str)]
    places = _shared_places(system, house) if due else {}
    wanted = {each.name: list(_tasks(each, system, house, places)) for each in due if isinstance(each, Marker)}
    tasks = list({_what(task): task for each in wanted.values() for task in each}.values())
    results = system.runner.run(tasks, deadline)
    if results:
        lists.write(system.log(), results, invocation=f"{invocation}-verified", now=system.now())
    house.results += results
    house.verified += len(results)
    again = {_what(task) for task, result in zip(tasks, results, strict=True) if not result.ok and result.retryable}
    for name, own in wanted.items():
        if own and again.isdisjoint(map(_what, own)):
            _quietly(house, partial(verify.forget, name))


def _what(task: Task) -> tuple[str, str, str, str]:
    return task.route, task.source, task.key, task.target


def _shared_places(system: System, house: HousekeepingReport) -> dict[str, Address]:
    """The targets that routes share; one that cannot even be made is a problem, and its own alone."""
    places = {}
    for name in sorted({name for route in system.routes if route.shared for name in route.targets}):
        try:
            places[name] = system.store(name).address
        except RelayError as error:
            house.problems.append(str(error))
    return places


def _tasks(marker: Marker, system: System, house: HousekeepingReport, places: Mapping[str, Address]) -> Iterator[Task]:
    """The marker's own, and where others share its key theirs: any of them may hold what has been overwritten."""
    try:
        task = routes.replan(
            marker.route, marker.key, marker.target, system.routes, change=marker.change, source=marker.source
        )
    except NotPlanned:  # nobody wants the key there any more, and nothing of it may be touched
        _quietly(house, partial(system.verify.forget, marker.name))
        return
    yield task
    if task.shared and task.target in places:
        yield from (each for each in sharing(task, system.routes, places) if _what(each) != _what(task))


def _sweep(house: HousekeepingReport, system: System, deadline: Deadline, invocation: str) -> None:
    del deadline, invocation
    if system.sweep:
        house.abandoned, problems = system.sweep()
        house.problems += problems


def _tidy(house: HousekeepingReport, system: System, deadline: Deadline, invocation: str) -> None:
    del deadline, invocation
    for route in system.routes:
        if route.deletes is Deletes.FOLLOW and route.targets:
            _quietly(house, partial(system.fuses.tidy, route.name))


def _again(house: HousekeepingReport, system: System, deadline: Deadline, invocation: str) -> None:
    """Each list by itself, and its new one under the old one's time: so a failure is tried for a day, and no longer."""
    again, now = Rerun(system.log(), system.routes, system.runner, system.now), system.now()
    wanted = Selection(_once_more, deadline=deadline)
    for number, name in enumerate(list(again.names(now - FAILURES)), start=1):
        time = lists.time_of(name, lists.FAILED)
        if time is None or time > now - YOUNG:
            continue
        deadline.check()
        try:
            failures = again.read(name)
            ended = again.run([failures], wanted, f"{invocation}-again-{number}", time=time)
        except ObjectGone:
            continue  # somebody replays it
        except RelayError as error:
            house.problems.append(str(error))
            continue
        house.again += len(ended.results)
        house.results += ended.results
        house.problems += ended.problems


def _probe(house: HousekeepingReport, system: System, deadline: Deadline, invocation: str) -> None:
    del invocation
    if any(route.probe for route in system.routes):
        from bucketrelay.drivers.heartbeat import PATIENCE, heartbeats  # few routes have any

        house.problems += heartbeats(system, deadline, patience=min(PATIENCE, deadline.remaining() / 3))


def _tell(house: HousekeepingReport, system: System, deadline: Deadline, invocation: str) -> None:
    del house, deadline, invocation
    system.alarms()


def _once_more(line: Line) -> bool:
    return line.result.retryable and line.task is not None


def _quietly(house: HousekeepingReport, step: Callable[[], object]) -> None:
    try:
        step()
    except RelayError as error:
        house.problems.append(str(error))
