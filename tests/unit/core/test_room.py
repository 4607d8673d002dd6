"""How much room metadata takes where it takes most: in the header that it travels in."""

import pytest

from bucketrelay.core.metadata import fit
from bucketrelay.core.stamp import NAME, Stamp
from bucketrelay.model import Meta
from bucketrelay.store import Abilities

STAMP = Stamp("w" * 12, ("h" * 12,), 3, "v", "e")


@pytest.mark.parametrize(
    ("value", "cost"),
    [("plain", 5), ("%" * 100, 300), ("ü" * 50, 300), ("ü", 16)],
    ids=["as it is", "percent signs are escaped", "letters beyond ASCII are escaped", "or written in base64"],
)
def test_a_value_fits_if_and_only_if_its_longest_form_does(value, cost):
    room = len(NAME) + len(STAMP.text()) + len("n") + cost
    kept, lost = fit(Meta(user={"n": value}), Abilities(user_bytes=room), STAMP)
    dropped, named = fit(Meta(user={"n": value}), Abilities(user_bytes=room - 1), STAMP)

    assert (kept.user, lost) == ({"n": value, NAME: STAMP.text()}, ())
    assert (dropped.user, named) == ({NAME: STAMP.text()}, ("user:n",))


def test_the_stamp_stays_where_it_is_the_longest_of_all_values_and_the_room_ends():
    user = {f"name-{number:02}": "short" for number in range(20)}
    kept, lost = fit(Meta(user=user), Abilities(user_bytes=len(NAME) + len(STAMP.text()) + 100), STAMP)

    assert kept.user[NAME] == STAMP.text()
    assert len(kept.user) - 1 == 20 - len(lost) == 8
