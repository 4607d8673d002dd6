"""Walking a world, and noting how much of it there was; and the servers that faults come between."""

import pytest

from faults.explore import Found, Walked, every
from faults.stepping import Deliver
from faults.walk import Walk


@pytest.fixture
def walk_to_the_end(record_property):
    """Walks a world to its end, and notes how much that was."""

    def walked(walk) -> Walked | Found:
        result = every(walk)
        record_property("walked", str(result) if isinstance(result, Walked) else f"goes wrong as expected:{result}")
        print(result)
        return result

    return walked


@pytest.fixture
def explore(walk_to_the_end):
    """Walks a small world to its end. Returns the walk and what was found."""

    def walked(small, deliver: Deliver, *, merge: bool = True) -> tuple[Walk, Walked | Found]:
        walk = Walk(small, deliver, merge=merge)
        return walk, walk_to_the_end(walk)

    return walked


@pytest.fixture(scope="session")
def servers():
    """The real servers of all clouds, started once."""
    from faults.matrix.clouds import clouds

    with clouds() as found:
        yield found
