"""What the walks have covered is said at the end of a run: a number that shrinks is worth a question."""

import pytest

from faults.explore import Found, Walked, every
from faults.stepping import Deliver
from faults.walk import Walk


@pytest.fixture
def explore(record_property):
    """Walks a world to its end, and notes how much that was. Returns the walk and what was found."""

    def walked(small, deliver: Deliver, *, merge: bool = True) -> tuple[Walk, Walked | Found]:
        walk = Walk(small, deliver, merge=merge)
        result = every(walk)
        text = str(result) if isinstance(result, Walked) else f"goes wrong as expected:{result}"
        record_property("walked", text)
        print(result)
        return walk, result

    return walked


def pytest_terminal_summary(terminalreporter):
    """What each test has walked. Under xdist the controller does not load this file, and nothing is said."""
    reports = [r for r in terminalreporter.stats.get("passed", []) if getattr(r, "when", "") == "call"]
    lines = [
        (r.nodeid.partition("::")[2], text) for r in reports for name, text in r.user_properties if name == "walked"
    ]
    if lines:
        terminalreporter.section("schedules walked")
    for name, text in lines:
        terminalreporter.line(f"{name}: {text}")
