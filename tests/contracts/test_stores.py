"""The contract of bucketrelay.testing, for every store that we have; and what is known of single servers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy
from bucketrelay.testing.contract import *  # noqa: F403 — the suite is all that is in there
from bucketrelay.testing.contract.rig import TEXT, body_of, keys_of

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda key: "\ufffe" not in key and "\uffff" not in key
)


@pytest.mark.parametrize("rig", ["memory", "local", "moto"], indirect=True)
def test_any_key_makes_the_round_trip(rig):
    store = rig.store()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(KEYS)
    def round_trip(key: str) -> None:
        store.put(key, key.encode(), TEXT)
        assert body_of(store, key) == key.encode()
        assert keys_of(store, prefix=key)[0] == key
        store.delete(key)
        assert store.look(key) is None

    round_trip()


@pytest.mark.parametrize("rig", ["rclone"], indirect=True)
def test_a_server_that_only_seems_to_copy_is_found_out_before_anything_is_published(rig):
    source, store = rig.beside(), rig.store()
    source.put("a", b"12345", TEXT)
    with pytest.raises(CannotCopy, match=store.address.bucket):
        store.copy_from(source, source.look("a"), "b", TEXT, Deadline())
    assert keys_of(store) == []
    assert list(store.uploads()) == []
