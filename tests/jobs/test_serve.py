"""`bucketrelay serve`, by requests to the application, and as a process."""

import base64
import json
import signal
import socket
import sqlite3
import ssl
import threading
import urllib.request
from contextlib import closing

import httpx
import pytest
import uvicorn

from bucketrelay import wiring, wiring_jobs, wiring_serve, wiring_tables
from bucketrelay.jobs.queue import Done
from bucketrelay_emulators.server.tls import Authority
from jobs.world import BUCKET, World

TOKEN, READ = "a-token-that-may-change", "a-token-that-may-look"
SECRETS = f'[serve]\ntoken = "{TOKEN}"\nread_token = "{READ}"\nuser = "ann"\npassword = "p:w"\n'


@pytest.fixture
def world(tmp_path, s3, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path, s3)


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory, s3):
    """For what is refused: nothing of it may be seen in the world."""
    with Opened(World(tmp_path_factory.mktemp("open"), s3)) as made:
        yield made


@pytest.fixture
def client(world):
    with Opened(world) as made:
        yield made


class Opened:
    """A client of the application behind a real server, for the configuration as it is."""

    def __init__(self, world, host="localhost"):
        found = world.config
        self.system = wiring.system(found, emit=lambda _: None)
        self.queue, self.tables = wiring_jobs.queue(found.queue), wiring_tables.tables(found.queue)
        app = wiring_serve.application(found, self.system, self.queue, self.tables)
        self.socket = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()
        url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.client = httpx.Client(base_url=url, headers={"Host": host}, timeout=30, trust_env=False, verify=False)

    def __enter__(self):
        return self.client

    def __exit__(self, *exc):
        self.client.close()
        self.server.should_exit = True
        self.thread.join()
        for each in (self.socket, self.system, self.queue, self.tables):
            each.close()


def records(*keys, bucket=BUCKET, source="aws:s3", name="ObjectCreated:Put"):
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": source,
                "eventName": name,
                "s3": {"bucket": {"name": bucket}, "object": {"key": key}},
            }
            for key in keys
        ]
    }


def waiting(world):
    with world.queue() as queue:
        return sorted((job.queue, job.key, job.kind) for job in queue.claim(1000))


def test_events_are_accepted_once_their_jobs_are_in_the_queue(world, client):
    answer = client.post("/events", json=records("a.jpg", "b+c.jpg"))

    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "refused": []})
    assert waiting(world) == [("photos to mirror", "a.jpg", "task"), ("photos to mirror", "b c.jpg", "task")]


def test_a_worker_does_what_an_event_asked_for(world, client):
    world.write("a.jpg")
    client.post("/events", json=records("a.jpg"))

    assert world.run("worker", "--drain").returncode == 0
    assert world.mirrored() == {"a.jpg"}


@pytest.mark.parametrize("source", ["minio:s3", "ceph:s3", "rustfs:s3", "scality:s3"])
def test_webhooks_of_s3_servers_are_read(world, client, source):
    assert client.post("/events", json=records("a.jpg", source=source)).json() == {"accepted": 1, "refused": []}
    assert [key for _, key, _ in waiting(world)] == ["a.jpg"]


def test_seaweedfs_has_a_form_of_its_own(world, client):
    event = {"key": f"/buckets/{BUCKET}/in/a b.jpg", "event_type": "create", "message": {"new_entry": {"name": "a"}}}

    assert client.post("/events", json=event).status_code == 202
    assert [key for _, key, _ in waiting(world)] == ["in/a b.jpg"]


def test_cloudevents_come_in_both_modes(world, client):
    attributes = {"specversion": "1.0", "type": "s3.put", "source": "/minio", "id": "1"}
    structured = client.post("/events", json={**attributes, "data": records("a.jpg")})
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    binary = client.post("/events", json=records("b.jpg"), headers=headers)

    assert (structured.status_code, binary.status_code) == (202, 202)
    assert [key for _, key, _ in waiting(world)] == ["a.jpg", "b.jpg"]


def test_which_cloud_it_is_may_be_said(world, client):
    assert client.post("/events?cloud=s3", json=records("a.jpg")).status_code == 202
    assert client.post("/events?cloud=oci", json=records("a.jpg")).status_code == 400
    assert client.post("/events?cloud=gcs", json=records("a.jpg")).status_code == 400


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"hello": 1}', b"[" * 100_000, b"\xff\xfe", b"null", b"17"])
def test_what_is_no_event_is_a_400_with_the_reason_in_a_line(open_to_all, body):
    answer = open_to_all.post("/events", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert "\n" not in answer.json()["error"]


def test_an_event_of_a_bucket_that_nobody_configured_is_refused_and_listed(world, client):
    alone = client.post("/events", json=records("a.jpg", bucket="elsewhere"))
    both = {"Records": records("b.jpg")["Records"] + records("c.jpg", bucket="elsewhere")["Records"]}
    mixed = client.post("/events", json=both)

    assert alone.status_code == 400
    assert "elsewhere" in alone.json()["error"]
    assert (mixed.status_code, mixed.json()["accepted"]) == (202, 1)
    assert [refused["key"] for refused in mixed.json()["refused"]] == ["c.jpg"]
    assert sorted(line["key"] for line in world.lists("failed_object")) == ["a.jpg", "c.jpg"]


def test_the_address_of_a_subscription_is_never_fetched(client):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.2)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/?Action=ConfirmSubscription"
        body = {
            "Type": "SubscriptionConfirmation",
            "TopicArn": "arn:aws:sns:x:1:t",
            "Token": "tok",
            "SubscribeURL": address,
        }
        answer = client.post("/events", json=body)
        with pytest.raises(TimeoutError):
            trap.accept()

    assert answer.status_code == 202
    assert "aws sns confirm-subscription --topic-arn arn:aws:sns:x:1:t --token tok" in answer.json()["note"]


def test_a_body_that_is_too_long_is_a_413_whether_it_says_so_or_not(open_to_all):
    client = open_to_all

    assert client.post("/events", content=b" " * (16 * 2**20 + 1)).status_code == 413

    def pieces():
        for _ in range(17):
            yield b" " * 2**20

    assert client.post("/events", content=pieces()).status_code == 413
    assert client.post("/events", content=b" " * (16 * 2**20)).status_code == 400


@pytest.mark.parametrize("waits", [False, True], ids=["and sends on", "and waits for leave to send"])
def test_who_sends_too_much_can_read_the_answer(open_to_all, waits):
    """Closed at once, the connection would be reset under what still comes, and the answer lost with it."""
    url, much = open_to_all.base_url, 16 * 2**20 + 1
    expects = "Expect: 100-continue\r\n" if waits else ""
    with socket.create_connection((url.host, url.port), timeout=30) as connection, connection.makefile("rb") as answer:
        head = f"POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Length: {much}\r\n{expects}\r\n"
        connection.sendall(head.encode())
        status = answer.readline()
        if not waits:
            connection.sendall(b" " * much)
        rest = answer.read()

    assert status.startswith(b"HTTP/1.1 413 ")
    assert rest.endswith(b'{"error":"the body has more than 16 MiB"}')


def test_orders_become_jobs_that_can_be_asked_for(world, client):
    first = client.post("/reconcile/photos")
    number = first.json()["id"]

    assert first.status_code == 202
    assert client.get(f"/jobs/{number}").json()["state"] == "waiting"
    assert client.post("/reconcile/photos").json()["id"] == number  # while it waits, it is the same
    with world.queue() as queue:
        (job,) = queue.claim(10)
        assert (job.kind, job.payload) == ("reconcile", {"route": "photos"})
        assert client.get(f"/jobs/{number}").json()["state"] == "running"
        queue.settle([(job, Done({"right": 3}))])
    assert client.get(f"/jobs/{number}").json() | {"attempts": 1} == {
        "id": number,
        "state": "done",
        "result": {"right": 3},
        "kind": "reconcile",
        "queue": "reconcile",
        "key": "photos",
        "attempts": 1,
        "error": "",
    }
    assert client.post("/reconcile/nothing").status_code == 404
    for unknown in ("999999", "none", "-1", "9" * 40):
        assert client.get(f"/jobs/{unknown}").status_code == 404


def test_a_replay_takes_a_filter_and_runs_what_it_lets_through(world, client):
    world.write("a.jpg", "b.jpg")
    world.configure(bucket="no-such-bucket")
    world.enqueue("a.jpg", "b.jpg", bucket="no-such-bucket")
    assert world.run("worker", "--drain").returncode == 1
    world.configure()
    with world.queue() as queue:
        assert len(list(queue.dead())) == 2

    number = client.post("/replay", json={"route": "photos", "keys": ["a.jpg"], "since": "1h"}).json()["id"]
    assert world.run("worker", "--drain").returncode == 0

    assert client.get(f"/jobs/{number}").json()["result"] == {"tasks": 1, "copied": 1, "problems": []}
    assert world.mirrored() == {"a.jpg"}
    assert client.post("/replay").status_code == 202
    for wrong in ({"rout": "photos"}, {"route": "nowhere"}, {"since": "soon"}, {"keys": "a"}, {"keys": [1]}, [], 1):
        assert client.post("/replay", json=wrong).status_code == 400


def test_health_readiness_and_metrics(world, client):
    client.post("/events", json=records("a.jpg"))

    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    metrics = client.get("/metrics").text
    assert 'bucketrelay_jobs_pending{queue="photos to mirror"} 1.0' in metrics
    assert 'bucketrelay_events_total{outcome="accepted"} 1.0' in metrics


def test_a_database_that_is_gone_is_a_503_that_senders_repeat(world):
    (world.folder / "relay.db").write_text("no database " * 500)
    with Opened(world) as client:
        for answer in (client.post("/events", json=records("a.jpg")), client.get("/readyz")):
            assert answer.status_code == 503
            assert "relay.db" in answer.json()["error"]
        assert client.get("/healthz").status_code == 200


# Who may do what.


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, s3):
    world = World(tmp_path_factory.mktemp("guarded"), s3)
    world.configure(more=SECRETS)
    with Opened(world, "relay.example.org") as made:
        yield made


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


CHANGES = [
    ("POST", "/events"),
    ("POST", "/sync/photos"),
    ("POST", "/sync/photos/a"),
    ("POST", "/reconcile/photos"),
    ("POST", "/replay"),
    ("GET", "/api/v1/sync"),
    ("GET", "/api/v1/bucket/photos/sync"),
    ("GET", "/api/v1/object/x/sync"),
]
LOOKS = ["/sync/status", "/api/v1/sync/status", "/jobs/1", "/metrics"]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_only_who_may_change_changes(guarded, method, path):
    wrong = [
        {},
        bearer("wrong"),
        {"Authorization": "Bearer"},
        basic("ann", "wrong"),
        basic("bob", "p:w"),
        {"Authorization": "Basic !"},
    ]
    answers = [guarded.request(method, path, headers=headers).status_code for headers in wrong]

    assert answers == [401] * len(wrong)
    assert guarded.request(method, path, headers=bearer(READ)).status_code == 403
    assert guarded.request(method, path, headers=basic(READ, "")).status_code == 401
    for headers in (bearer(TOKEN), basic("ann", "p:w")):
        assert guarded.request(method, path, headers=headers).status_code not in (401, 403)


@pytest.mark.parametrize("path", LOOKS)
def test_who_may_look_looks(guarded, path):
    assert guarded.get(path).status_code == 401
    assert "Bearer" in guarded.get(path).headers["www-authenticate"]
    assert guarded.get(path, headers=bearer(READ)).status_code in (200, 404)


def test_health_needs_no_token(guarded):
    assert [guarded.get(path).status_code for path in ("/healthz", "/readyz", "/openapi.json")] == [200] * 3


def test_without_secrets_only_this_machine_is_served_under_its_own_name(world):
    for name, status in (("localhost", 202), ("127.0.0.1:8080", 202), ("[::1]:8080", 202), ("evil.example", 403)):
        with Opened(world, name) as client:
            assert client.post("/events", json=records("a")).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_gets_nothing_also_on_loopback(open_to_all, headers):
    for method, path in [*CHANGES, ("GET", "/metrics")]:
        assert open_to_all.request(method, path, headers=headers).status_code == 403


def test_a_page_of_ours_may(client):
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}

    assert client.post("/events", json=records("a"), headers=headers).status_code == 202


def test_no_answer_and_no_error_holds_a_secret(guarded):
    for headers in ({}, bearer("wrong"), bearer(TOKEN), bearer(READ)):
        for method, path in [*CHANGES, *(("GET", path) for path in LOOKS)]:
            text = guarded.request(method, path, headers=headers).text
            assert TOKEN not in text
            assert READ not in text


# As a process.


def start(world, *words):
    process = world.start("serve", "--listen", "127.0.0.1:0", *words)
    line = process.stderr.readline()
    assert "listening on" in line, line + process.stderr.read()
    return process, line.split()[-1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_body_of_an_answer_does_not_wait_until_its_head_is_acknowledged(host):
    """It did: 40 ms each, so that sixteen senders who wait for their answers sent 340 events a second."""
    from bucketrelay.commands.serve import _listening

    with _listening(host, 0, host) as listening, socket.create_connection(listening.getsockname()[:2]):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def post(url, body, **more):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=20, **more)


def test_a_202_and_then_a_kill_the_job_is_there(world):
    process, url = start(world)
    with closing(post(f"{url}/events", records("a.jpg"))) as answer:
        assert answer.status == 202
    process.kill()
    process.communicate(timeout=20)

    assert [key for _, key, _ in waiting(world)] == ["a.jpg"]


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_well(world, word):
    process, url = start(world)
    with closing(urllib.request.urlopen(f"{url}/healthz", timeout=20)) as answer:
        assert answer.status == 200

    process.send_signal(word)
    _, err = process.communicate(timeout=40)

    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_without_secrets_no_other_machine_is_served(world):
    done = world.run("serve", "--listen", "0.0.0.0:0")

    assert done.returncode == 2
    assert "only 127.0.0.1" in done.stderr


def test_a_port_that_is_taken_is_one_line(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = world.run("serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "in use" in done.stderr


def test_https_with_a_certificate(world):
    authority = Authority()
    try:
        chain = authority.chain("127.0.0.1")
        world.configure(more=f'[serve]\ncertificate = "{chain}"\nkey = "{chain}"\n')
        process, url = start(world)
        context = ssl.create_default_context(cafile=authority.ca_file)
        with closing(post(f"{url}/events", records("a.jpg"), context=context)) as answer:
            assert (url[:8], answer.status) == ("https://", 202)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=40)
    finally:
        authority.cleanup()


def test_a_certificate_that_is_none_is_one_line(world):
    (world.folder / "bad.pem").write_text("no certificate")
    world.configure(more='[serve]\ncertificate = "bad.pem"\nkey = "bad.pem"\n')
    done = world.run("serve", "--listen", "127.0.0.1:0")

    assert done.returncode == 2
    assert "serve.certificate" in done.stderr
    assert done.stderr.count("\n") == 1


# Synchronisation, ours and COMS's.


def place(world, key):
    with closing(sqlite3.connect(world.folder / "relay.db")) as connection:
        return connection.execute("SELECT id FROM object WHERE path = ?", (key,)).fetchone()


@pytest.fixture
def coms(tmp_path, s3):
    """A bucket of its own, known to COMS's clients by an id, and to them the default."""
    import uuid

    world = World(tmp_path, s3)
    world.bucket = f"coms-{uuid.uuid4().hex[:12]}"
    s3.create(world.bucket)
    for key in ("a.txt", "b.txt", "in/c.txt"):
        s3.write(world.bucket, key, b"1")
    world.configure(bucket=world.bucket, more='[serve]\ncoms_default = "photos"\n')
    text = (world.folder / "relay.toml").read_text()
    with_id = text.replace("[stores.photos]\n", '[stores.photos]\ncoms_bucket_id = "0199-coms"\n')
    (world.folder / "relay.toml").write_text(with_id)
    with Opened(world) as client:
        yield world, client


def test_a_store_a_key_and_how_many_wait(coms):
    world, client = coms

    first, second = client.post("/sync/photos"), client.post("/sync/photos")
    one = client.post("/sync/photos/in/d%20e.txt")

    assert (first.status_code, first.json()) == (202, {"enqueued": 3, "already": 0})
    assert second.json() == {"enqueued": 0, "already": 3}
    assert one.json() == {"enqueued": 1, "already": 0}
    assert client.get("/sync/status").json() == {"pending": 4, "running": 0, "dead": 0}
    assert client.get("/sync/status?store=photos").json()["pending"] == 4
    assert client.get("/sync/status?store=mirror").json()["pending"] == 0
    assert [key for _, key, _ in waiting(world)] == ["a.txt", "b.txt", "in/c.txt", "in/d e.txt"]


WRONG = ["/sync/nothing", "/sync/nothing/a", "/sync/photos?depth=deep", "/sync/photos/a?depth=x"]


@pytest.mark.parametrize("path", WRONG)
def test_what_is_asked_for_and_is_not_there_is_said(open_to_all, path):
    assert open_to_all.post(path).status_code in (400, 404)
    assert open_to_all.get("/sync/status?store=nothing").status_code == 404


def test_comss_clients_get_202_and_a_bare_integer(coms):
    """COMS's OpenAPI (app/src/docs/v1.api-spec.yaml): 202 with an integer; sync/status 200 with one."""
    _, client = coms

    answers = [
        client.get("/api/v1/sync/status"),
        client.get("/api/v1/bucket/0199-coms/sync"),
        client.get("/api/v1/bucket/photos/sync?recursive=true"),
        client.get("/api/v1/sync"),
        client.get("/api/v1/sync/status?bucketId=0199-coms"),
        client.get("/api/v1/sync/status?bucketId=mirror"),
    ]

    assert [(answer.status_code, answer.text) for answer in answers] == [
        (200, "0"),
        (202, "2"),  # directly in the bucket; in/c.txt is not
        (202, "1"),
        (202, "0"),
        (200, "3"),
        (200, "0"),
    ]
    for unknown in ("/api/v1/bucket/nothing/sync", "/api/v1/object/nothing/sync", "/api/v1/sync/status?bucketId=x"):
        assert client.get(unknown).status_code == 404


def test_comss_clients_name_an_object_by_its_id(coms):
    world, client = coms
    client.post("/sync/photos")
    assert world.run("worker", "--drain").returncode == 0
    (number,) = place(world, "in/c.txt")

    answer = client.get(f"/api/v1/object/{number}/sync")

    assert (answer.status_code, answer.text) == (202, "1")
    assert waiting(world) == [("inventory of photos", "in/c.txt", "inventory")]


def test_without_a_default_bucket_comss_clients_are_told_so(open_to_all):
    assert open_to_all.get("/api/v1/sync").status_code == 404


def test_events_keep_the_inventory_right_once_the_store_was_taken_stock_of(coms, s3):
    world, client = coms
    client.post("/sync/photos/a.txt")
    waiting(world)

    tag = client.post("/events", json=records("b.txt", bucket=world.bucket, name="ObjectTagging:Put"))
    assert tag.status_code == 202
    assert waiting(world) == [("inventory of photos", "b.txt", "inventory")]

    client.post("/events", json=records("in/c.txt", bucket=world.bucket))
    assert sorted(kind for _, _, kind in waiting(world)) == ["inventory", "task"]


def test_a_reconciliation_by_order_is_run_by_a_worker_and_its_books_are_the_jobs_result(coms):
    world, client = coms
    number = client.post("/reconcile/photos").json()["id"]

    done = world.run("worker", "--drain")

    job = client.get(f"/jobs/{number}").json()
    assert (done.returncode, job["state"]) == (0, "done"), done.stderr
    assert [(book["route"], book["repaired"], book["complete"]) for book in job["result"]["books"]] == [
        ("photos", 3, True)
    ]
    assert world.mirrored() == {"a.txt", "b.txt", "in/c.txt"}


def test_the_inventory_of_a_target_is_told_of_what_came_there(coms):
    world, client = coms
    client.post("/sync/mirror/anything")
    client.post("/events", json=records("a.txt", bucket=world.bucket))

    assert world.run("worker", "--drain").returncode == 0

    assert place(world, "a.txt")
    with closing(sqlite3.connect(world.folder / "relay.db")) as connection:
        rows = connection.execute("SELECT store FROM object WHERE path = 'a.txt'").fetchall()
    assert rows == [("mirror",)]
