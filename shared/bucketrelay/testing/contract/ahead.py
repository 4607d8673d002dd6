"""What stores promise of what is begun ahead: a look that nobody waits for yet, a connection before any request."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from bucketrelay.abilities import connects, looks_ahead
from bucketrelay.testing.contract.rig import TEXT


class TestLookAhead:
    @pytest.fixture(autouse=True)
    def _can(self, rig, store):
        if not looks_ahead(store):
            pytest.skip(f"{rig.name}: nothing is asked before it is waited for")

    @staticmethod
    def _begin(store, key):
        asking = store.begin_look(key)
        if asking is None:
            pytest.skip("a server that keeps no connection open")
        return asking

    def test_it_shows_what_a_look_shows(self, store):
        store.put("a", b"12345", TEXT)
        info = store.look("a", trust_bare_404=True)
        asking = self._begin(store, "a")
        assert asking.answer() == info
        asking.drop()
        assert self._begin(store, "no/such key").answer() is None

    def test_it_is_not_from_before_it_began(self, store):
        store.put("a", b"1", TEXT)
        store.look("a")
        store.put("a", b"22", TEXT)
        assert self._begin(store, "a").answer().size == 2

    def test_several_go_on_at_once_and_are_heard_in_any_order(self, store):
        store.put("a", b"1", TEXT)
        store.put("b", b"22", TEXT)
        with ThreadPoolExecutor(4) as pool:  # so many connections
            list(pool.map(store.look, "abab"))
        asking = {key: store.begin_look(key) for key in "ab"}
        sizes = {key: (each.answer() if each else store.look(key)).size for key, each in reversed(asking.items())}
        assert sizes == {"a": 1, "b": 2}

    def test_one_that_nobody_waits_for_leaves_the_others_alone(self, store):
        store.put("a", b"1", TEXT)
        store.put("b", b"22", TEXT)
        self._begin(store, "a").drop()
        assert store.look("b").size == 2
        assert store.fetch("b", 10).body == b"22"

    def test_the_connections_may_be_closed_meanwhile(self, store):
        store.put("a", b"1", TEXT)
        asking = self._begin(store, "a")
        store.close()
        assert asking.answer().size == 1


class TestHandshake:
    def test_a_connection_that_was_opened_ahead_serves_the_first_request(self, rig, store):
        if not connects(store):
            pytest.skip(f"{rig.name}: nothing connects to it before it is asked")
        store.close()
        work = store.handshake()
        assert work
        work()
        assert store.handshake() is None
        assert store.look("no") is None
        store.put("a", b"1", TEXT)
        assert store.look("a").size == 1

    def test_it_is_ready_while_a_connection_is_open(self, rig, store):
        if not connects(store):
            pytest.skip(f"{rig.name}: nothing connects to it before it is asked")
        store.close()
        assert not store.ready
        work = store.handshake()
        assert work
        work()
        assert store.ready
        store.close()
        assert not store.ready
