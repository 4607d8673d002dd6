"""What the platform's timer asks for: a reconciliation by name, or else the housekeeping."""

from bucketrelay.deadline import Deadline
from bucketrelay.drivers.housekeeping import keep_house
from bucketrelay.errors import BadEvent, RelayError
from bucketrelay.reports import log_line
from bucketrelay.system import System


def run_schedule(note: str, system: System, deadline: Deadline, invocation: str) -> None:
    """What a schedule asks for: `reconcile ROUTE`, or the housekeeping.

    Raises:
        BadEvent: no such reconciliation is to be had.
        RelayError: a reconciliation could not go on, or has repairs that may do later.
    """
    word, _, route = note.partition(" ")
    if word != "reconcile":
        _keep_house(system, deadline, invocation)
        return
    try:
        if not system.reconcile:
            raise BadEvent(f"the schedule says {note[:100]!r}, and nothing is here that could")
        system.reconcile(route.strip(), deadline, invocation)
    except RelayError as error:
        system.emit(log_line.refusal(str(error), invocation))
        raise


def _keep_house(system: System, deadline: Deadline, invocation: str) -> None:
    """The housekeeping, said in the log; what of it could not be done is due the next time."""
    house = keep_house(system, deadline, invocation)
    for result in house.results:
        system.emit(log_line.log_line(result, metrics=system.metrics))
    counts = house.verified, house.abandoned, house.again
    system.emit(log_line.house_line(*counts, house.problems, invocation))
    if any(result.lingers for result in house.results):
        system.close()
