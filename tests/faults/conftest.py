"""Walking a world, and noting how much of it there was; and the servers that faults come between."""

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


@pytest.fixture(scope="session")
def servers():
    """The real servers of all clouds, started once."""
    from faults.matrix.clouds import clouds

    with clouds() as found:
        yield found
