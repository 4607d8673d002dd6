"""The delete fuse by itself."""

import pytest

from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.errors import DeletesHeld


def test_a_routes_deletes_are_counted_apart_from_anothers():
    fuse = Fuse(lambda: 0.0)
    for route in ("photos", "invoices"):
        with fuse.counted(route, 1):
            pass

    with pytest.raises(DeletesHeld, match="route photos"), fuse.counted("photos", 1):
        pass


def test_a_fuse_of_none_lets_none_through():
    with pytest.raises(DeletesHeld), Fuse(lambda: 0.0).counted("photos", 0):
        pytest.fail("deleted")
