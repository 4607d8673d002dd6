"""Reconciling and adopting on the servers of every cloud: the stamp, the books, and listings that are none."""

from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.core import stamp as stamps
from bucketrelay.errors import RelayError
from bucketrelay.model import Address, Deletes, Meta
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.local_clouds import local_s3
from contracts.rig_obs import obs_rig
from contracts.rig_oci import oci_rig
from reconcile_world import World

KEYS = ["a b", "a+b", "ä/文字", "plain"]


def _moto(held):
    s3 = held.enter_context(local_s3())
    stores = []
    for name in ("reconcile-source", "reconcile-target"):
        s3.create(name)
        stores.append(s3_store(Address("s3", name), **s3.options))
        held.callback(stores[-1].close)
    return stores


def _local(held, folder):
    for name in ("source", "target"):
        (folder / name).mkdir()
    return [LocalStore(Address("file", str(folder / name))) for name in ("source", "target")]


@pytest.fixture(params=["s3", "obs", "oci", "file"])
def world(request, tmp_path):
    with ExitStack() as held:
        if request.param in ("obs", "oci"):
            rig = held.enter_context({"obs": obs_rig, "oci": oci_rig}[request.param]())
            stores = [rig.store(), rig.beside()]
        else:
            stores = _moto(held) if request.param == "s3" else _local(held, tmp_path)
        world = World()
        world.stores |= dict(zip(("source", "target"), stores, strict=True))
        yield world.route_with(source=stores[0].address, deletes=Deletes.FOLLOW)


def test_a_difference_is_repaired_and_the_books_close_on_every_cloud(world):
    for key in KEYS:
        world.source.put(key, key.encode(), Meta(content_type="text/plain"))
    world.target.put("somebody's", b"1", Meta())
    book = world.book()
    assert (book["missing"], book["repaired"], book["kept"], book["complete"]) == (4, 4, 1, True)
    world.source.put("plain", b"other", Meta())
    world.source.delete("a b")
    book = world.book()
    assert (book["right"], book["different"], book["surplus"], book["repaired"]) == (2, 1, 1, 2)
    assert (book["failed"], book["complete"]) == (0, True)
    book = world.counts(check=True)
    assert (book["right"], book["kept"], book["source_objects"]) == (3, 1, 3)


def test_equal_objects_of_nobodys_become_ours_on_every_cloud(world):
    for key in KEYS:
        world.source.put(key, key.encode(), Meta(content_type="text/plain", user={"mine": "1"}))
        world.target.put(key, key.encode(), Meta(content_type="application/octet-stream", user={"theirs": "2"}))
    book = world.counts(adopt=True)
    assert (book["right"], book["adopted"], book.get("unstamped", 0), book.get("repaired", 0)) == (4, 4, 0, 0)
    for key in KEYS:
        info = world.target.look(key)
        assert info.meta.content_type == "text/plain"
        assert stamps.NAME in info.meta.user
        assert "theirs" not in info.meta.user
        assert bytes(world.target.fetch(key, 100).body) == key.encode()
    again = world.counts(adopt=True)
    assert (again["right"], again.get("adopted", 0), again.get("unstamped", 0)) == (4, 0, 0)
    world.source.delete("plain")
    assert world.counts()["surplus"] == 1
    assert world.target.look("plain") is None


@pytest.mark.parametrize("cloud", ["obs", "oci"])
@pytest.mark.parametrize("kind", ["refuse", "cut", "error_in_200"])
def test_a_listing_that_goes_wrong_on_the_way_is_no_absence(cloud, kind):
    with {"obs": obs_rig, "oci": oci_rig}[cloud]() as rig:
        world = World()
        world.stores |= {"source": rig.store(), "target": rig.beside()}
        world.route_with(source=world.source.address, deletes=Deletes.FOLLOW)
        for n in range(20):
            world.source.put(f"k{n:02}", b"1", Meta())
        assert world.book()["repaired"] == 20
        source = rig.store().address.bucket
        rig.faults.order(
            Fault(kind=kind, operation="List*", match=lambda r: r.bucket == source, times=ALWAYS, after_bytes=300)
        )
        with pytest.raises(RelayError):
            world.run()
        rig.faults.clear()
        assert len(list(world.target.list())) == 20
        assert world.book()["right"] == 20


class _Portal(BaseHTTPRequestHandler):
    """Answers whatever it is asked with a page, as a portal or a proxy does that wants somebody to sign in."""

    body = b"<html><body>Please sign in</body></html>"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *_):
        """Nothing."""


@pytest.mark.parametrize("body", [_Portal.body, b""], ids=["page", "empty"])
def test_a_page_where_a_listing_was_asked_for_is_no_listing(body, monkeypatch):
    monkeypatch.setattr(_Portal, "body", body)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Portal)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        world = World().route_with(deletes=Deletes.FOLLOW)
        for key in KEYS:
            world.source.write(key, b"1")
        world.replicate(*KEYS)
        endpoint = f"http://127.0.0.1:{server.server_port}"
        options = {"endpoint": endpoint, "region": "us-east-1", "access_key": "a", "secret_key": "s", "retries": 0}
        portal = s3_store(Address("s3", "source-bucket"), **options)
        world.stores["source"] = portal
        with pytest.raises(RelayError):
            world.run()
        with pytest.raises(RelayError):
            world.run(check=True)
        portal.close()
        assert world.target.keys() == sorted(KEYS)
        assert not world.written()
    finally:
        server.shutdown()
        server.server_close()
