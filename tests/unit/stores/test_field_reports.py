"""What other people's servers do not tell, refuse and store, from public reports: nothing of it is lost unseen.

Through the whole core: from a scripted S3 server, or an emulator, to another store.
"""

import http.client
from datetime import datetime, timezone
from unittest import mock

import pytest

from bucketrelay.clouds.aws import requests as s3_requests
from bucketrelay.clouds.aws.access import access_of
from bucketrelay.clouds.aws.bucket import S3Cloud
from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.clouds.undeclared import TagCounts, withheld
from bucketrelay.core.budget import Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.deadline import Deadline
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.forward import Notice
from bucketrelay.forward.webhook import WebhookForward
from bucketrelay.http.outcome import Effect
from bucketrelay.http.post import Retry
from bucketrelay.model import Address, Meta, ObjectInfo, Outcome, Task
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from fakes import at_once
from unit.http.peers import Peer, request
from unit.stores.scripted import Answer, Scripted, said

_CREATE = {"CreateBucket": ("PUT", "s3:CreateBucket")}  # which the product does not do
NOW = datetime(2026, 11, 21, 9, 15, tzinfo=timezone.utc)
HEADERS = {"ETag": '"etag"', "Last-Modified": "Sat, 21 Nov 2026 09:15:00 GMT"}
KEYS = {"access_key": "AK", "secret_key": "SK"}
WRITTEN = Answer(200, {"ETag": '"there"'})
ABSENT = said(404, "NoSuchKey")
TAG = b"<Tagging><TagSet><Tag><Key>kind</Key><Value>photo</Value></Tag></TagSet></Tagging>"


def one(**headers):
    """An object of one byte, as a GET of its beginning or of all of it tells it."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, {**HEADERS, **told}, b"1")


def head(answer):
    """What HEAD tells of the same object."""
    return Answer(answer.status, {**answer.headers, "Content-Length": str(len(answer.body))})


def converged(source, target, key="k", **how):
    """The result of one task between two stores, by the real core."""
    stores = {"source": source, "target": target, "log": MemoryStore(Address("s3", "log"))}
    resources = Resources(1024, Budget(1 << 20, 2), LogCheckpoints(lambda: stores["log"]), lambda _: None)

    def urls(task):
        return source.address.of(task.key), target.address.of(task.target_key)

    core = Converge(stores.__getitem__, resources, Fuse(lambda route, most, wanted: wanted), Results(urls, lambda: NOW))
    return core.one(Task("r", "source", key, "target", key, **how), Deadline())


@pytest.fixture
def server():
    with Scripted() as server:
        yield server
        assert server.answers == [], "the script was not played to its end"


@pytest.fixture
def opened():
    """Makes S3 stores on servers that are not AWS's, and closes them."""
    made = []

    def make(endpoint, **options):
        usual = {"access_key": "AK", "secret_key": "SK", "region": "us-east-1", "timeout": 5, "pace": at_once()}
        made.append(s3_store(Address("s3", "bucket"), endpoint=endpoint, **{**usual, **options}))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def target():
    """Holds whatever an object may have, tags too."""
    return MemoryStore(Address("obs", "target"), abilities=Abilities(tags=10))


class TestWhatASourceDoesNotTell:
    @pytest.mark.parametrize(
        ("header", "value", "name"),
        [
            ("x-amz-missing-meta", "2", "user metadata that the source does not show"),
            ("x-amz-website-redirect-location", "/new.html", "website redirect"),
            ("x-amz-object-lock-mode", "GOVERNANCE", "retention"),
            ("x-amz-object-lock-legal-hold", "ON", "legal hold"),
        ],
    )
    def test_is_degraded_and_fails_a_strict_route(self, server, opened, target, header, value, name):
        answer = one(**{header: value, "x-amz-tagging-count": "0"})
        server.will(answer, head(answer), answer)
        source = opened(server.url)

        done = converged(source, target)
        assert (done.outcome, done.degraded) == (Outcome.COPIED, (name,))

        target.remove("k")
        strict = converged(source, target, strict=True)
        assert (strict.outcome, strict.retryable) == (Outcome.FAILED, False)
        assert name in strict.error
        assert target.keys() == []

    def test_by_obs_is_named_alike(self):
        told = {"x-obs-website-redirect-location": "/a", "x-obs-object-lock-mode": "COMPLIANCE"}
        assert withheld(told) == ("website redirect", "retention")
        assert withheld({"x-obs-object-lock-legal-hold": "OFF", "x-amz-missing-meta": "0"}) == ()


class TestTagsWithoutACount:
    def test_are_asked_for_and_travel(self, server, opened, target):
        server.will(one(), Answer(200, body=TAG), head(one()))
        done = converged(opened(server.url), target)
        assert (done.outcome, done.degraded) == (Outcome.COPIED, ())
        assert target.tags(target.look("k")) == {"kind": "photo"}

    def test_are_asked_for_even_where_the_target_has_no_place_for_them(self, server, opened):
        server.will(one(), Answer(200, body=TAG), head(one()))
        target = MemoryStore(Address("obs", "target"), abilities=Abilities())
        assert converged(opened(server.url), target).degraded == ("tags",)

    def test_that_may_not_be_read_are_degraded_and_name_the_permission_under_strict(self, server, opened, target):
        server.will(one(), said(403, "AccessDenied"), head(one()), one(), said(403, "AccessDenied"))
        source = opened(server.url)
        assert converged(source, target).degraded == ("tags",)

        target.remove("k")
        strict = converged(source, target, strict=True)
        assert (strict.outcome, strict.retryable) == (Outcome.FAILED, False)
        assert "s3:GetObjectTagging" in strict.error

    def test_that_are_counted_and_may_not_be_read_are_degraded(self, server, opened, target):
        counted = one(x_amz_tagging_count="1")
        server.will(counted, said(403, "AccessDenied"), head(counted))
        done = converged(opened(server.url), target)
        assert (done.outcome, done.degraded) == (Outcome.COPIED, ("tags",))

    @pytest.mark.parametrize(
        "no", [said(501, "NotImplemented"), said(404, "NoSuchTagSet"), Answer(200, HEADERS, b"the object itself")]
    )
    def test_at_a_server_that_has_none_are_not_asked_for_again(self, server, opened, target, no):
        server.will(one(), no, head(one()), one(), head(one()))
        source = opened(server.url, retries=0)
        for _ in range(2):
            done = converged(source, target)
            assert (done.outcome, done.degraded) == (Outcome.COPIED, ()), done.error
            target.remove("k")

    def test_at_obs_are_asked_for_once_as_it_counts_them_for_whoever_may_read_them(self, target):
        with ObsEmulator() as cloud:
            cloud.create_bucket("b")
            keys = {"access_key": cloud.access_key, "secret_key": cloud.secret_key}
            source = obs_store(Address("obs", "b"), endpoint=cloud.endpoint, path_style=True, **keys)
            source._counts = TagCounts(documented=True)  # as at OBS's own address
            for key in ("a", "b", "c"):
                source.put(key, b"1", Meta())
                assert converged(source, target, key).outcome is Outcome.COPIED
            assert cloud.requests.count("GetObjectTagging") == 1
            source.close()

    def test_where_they_are_documented_to_be_counted_one_permission_tells_for_all(self):
        asked = []
        counts = TagCounts(documented=True)
        silent = ObjectInfo("k", 1, "e", meta=Meta(tags_told=False))
        for _ in range(3):
            assert counts.tags(silent, lambda: asked.append(1) or {}) == {}
        assert len(asked) == 1

    def test_an_outage_is_not_taken_for_none(self):
        def down():
            raise StoreUnavailable("no answer in time")

        counts = TagCounts(documented=False)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                counts.tags(ObjectInfo("k", 1, "e", meta=Meta(tags_told=False)), down)


class TestTagsThatTheTargetRefuses:
    @pytest.fixture
    def source(self):
        source = MemoryStore(Address("obs", "source"), abilities=Abilities(tags=10))
        for key in ("k", "next"):
            source.write(key, b"1", Meta(tags={"kind": "photo"}, tag_count=1))
        return source

    NO = pytest.mark.parametrize("no", [said(501, "NotImplemented"), said(400, "InvalidArgument")], ids=["R2", "B2"])

    @NO
    def test_are_left_out_and_declared_and_never_tried_again(self, server, opened, source, no):
        target = opened(server.url)
        target._conditions._found["put"] = False  # what is found out of conditions is another test's
        server.will(ABSENT, no, ABSENT, WRITTEN, ABSENT, WRITTEN)
        for key in ("k", "next"):
            done = converged(source, target, key)
            assert (done.outcome, done.degraded) == (Outcome.COPIED, ("tags",))
        tagged = ["x-amz-tagging" in asked.headers for asked in server.asked if asked.method == "PUT"]
        assert tagged == [True, False, False]

    @NO
    def test_fail_a_strict_route_for_good(self, server, opened, source, no):
        target = opened(server.url)
        target._conditions._found["put"] = False
        server.will(ABSENT, no, ABSENT)
        strict = converged(source, target, strict=True)
        assert (strict.outcome, strict.retryable) == (Outcome.FAILED, False)
        assert "tags" in strict.error


class TestManyHeaders:
    MANY = Meta(content_type="a/b", user={f"n{number:03}": "v" * 7 for number in range(130)})  # 1.4 KB in all

    @pytest.fixture(params=["s3", "obs", "oci"])
    def store(self, request, opened):
        """A store on a real server of each cloud."""
        if request.param == "s3":
            moto = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            moto.start()
            host, port = moto.get_host_and_port()
            store = opened(f"http://{host}:{port}")
            with mock.patch.object(s3_requests, "OPERATIONS", _CREATE):
                store._requests.send("CreateBucket", None, Effect.PUBLISHING_WRITE)
            yield store
            moto.stop()
        elif request.param == "obs":
            with ObsEmulator() as cloud:
                cloud.create_bucket("b")
                keys = {"access_key": cloud.access_key, "secret_key": cloud.secret_key}
                store = obs_store(Address("obs", "b"), endpoint=cloud.endpoint, path_style=True, **keys)
                yield store
                store.close()
        else:
            with OciEmulator() as cloud:
                cloud.create_bucket("b")
                access = {"endpoint": cloud.endpoint, "config_file": cloud.config_file}
                store = oci_store(Address("oci", "b", "mytenancy"), **access)
                yield store
                store.close()

    def test_travel_where_the_server_takes_them(self, store, monkeypatch):
        monkeypatch.setattr(http.client, "_MAXHEADERS", 1000)  # the servers' own limit: they run in this process
        store.put("a", b"1", self.MANY)
        assert store.look("a").meta.user == self.MANY.user
        assert store.fetch("a", 1).info.meta.user == self.MANY.user
        copied = MemoryStore(Address("obs", "target"), abilities=Abilities(user_bytes=4096))
        done = converged(store, copied, "a")
        assert (done.outcome, done.degraded) == (Outcome.COPIED, ())
        assert self.MANY.user.items() <= copied.look("a").meta.user.items()

    def test_that_the_server_refuses_are_refused_for_good_by_name(self, server, opened):
        store = opened(server.url)
        server.will(Answer(431))
        with pytest.raises(StoreRefused, match="metadata has more headers, or longer ones, than the server takes"):
            store.put("a", b"1", Meta())


class TestTracesOfATransfer:
    CODINGS = pytest.mark.parametrize(
        ("told", "kept"), [("aws-chunked", ""), ("aws-chunked,gzip", "gzip"), ("gzip, AWS-Chunked", "gzip")]
    )

    @CODINGS
    def test_are_no_encoding_of_the_object_on_the_way_in(self, server, opened, target, told, kept):
        answer = one(Content_Encoding=told, x_amz_tagging_count="0")
        server.will(answer, head(answer))
        assert converged(opened(server.url), target).outcome is Outcome.COPIED
        assert target.look("k").meta.content_encoding == kept

    @CODINGS
    def test_are_stored_by_no_cloud(self, told, kept):
        from bucketrelay.clouds.aws import fields as s3
        from bucketrelay.clouds.huawei import fields as obs
        from bucketrelay.clouds.oracle import fields as oci

        meta = Meta(content_encoding=told)
        for headers in (s3.headers_of(meta, "u"), obs.headers_for(meta, "x-obs-"), oci.headers_of(meta, "u")):
            assert headers.get("content-encoding", "") == kept
        length = {"etag": "e", "content-length": "1", "content-encoding": told}
        for info in (s3.info_of("k", length), obs.info_of("k", length, 1), oci.info_of("k", length)):
            assert info.meta.content_encoding == kept


class TestTheWrongScheme:
    def test_tls_to_a_plain_port_is_said_so_and_not_tried_again(self, server, opened):
        store = opened(server.url.replace("http:", "https:"))
        with pytest.raises(StoreRefused, match=r"address says https, and the server speaks plain HTTP: mend endpoint"):
            store.put("a", b"1", Meta())

    def test_plain_http_to_a_port_of_tls_is_said_so_where_the_server_answers_at_all(self, opened):
        def alert(sock):
            request(sock)
            sock.sendall(bytes.fromhex("15030100020246"))  # fatal: protocol_version

        with Peer(alert) as peer, pytest.raises(StoreRefused, match="address says http, and the server speaks TLS"):
            opened(peer.url).put("a", b"1", Meta())

    def test_the_doctor_says_so_too(self, server):
        at = server.url.replace("http:", "https:")
        cloud = S3Cloud(Address("s3", "b"), access_of({"endpoint": at, "retries": 0, **KEYS, "region": "r"}))
        with pytest.raises(StoreRefused, match="https, and the server speaks plain HTTP: mend endpoint"):
            cloud.greet()
        cloud.close()

    def test_a_forward_says_so_too(self, server):
        verdict = WebhookForward(f"https{server.url[4:]}/hook", shown="the receiver", retry=Retry(attempts=1)).tell(
            [Notice(Task("r", "photos", "k", forward="f"), Address("s3", "photos"))], Deadline()
        )[0]
        assert isinstance(verdict, StoreRefused)
        assert "the server speaks plain HTTP: mend the forward's url" in str(verdict)
