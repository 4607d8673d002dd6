"""The fault proxy, in front of servers that check signatures, asked by the clouds' own SDKs."""

import argparse
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from contextlib import closing
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import oci
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, ResponseStreamingError
from botocore.session import Session

from bucketrelay_emulators.__main__ import parse_fault
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.obs.signature import sign
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.proxy import FaultProxy
from bucketrelay_emulators.proxy_words import name_call
from bucketrelay_emulators.server.messages import Incoming

ODD = ["a b", "a+b", "a%2Fb", "?q=1", "a//b", "//a", "a/", "日本/🪣", "e\u0301", "'\"<&>", "~*()!", "x/n/y/b/z"]


@pytest.fixture(scope="module")
def obs():
    with ObsEmulator() as running:
        running.create_bucket("photos")
        yield running


@pytest.fixture(scope="module")
def oracle():
    with OciEmulator() as running:
        running.create_bucket("photos")
        yield running


@pytest.fixture
def proxy(obs):
    with FaultProxy(obs.endpoint) as running:
        yield running


@pytest.fixture
def huawei(obs, proxy):
    """Huawei's SDK, which signs; the emulator checks."""
    return obs.client(server=proxy.endpoint)


class TestPassing:
    @pytest.mark.parametrize("key", ODD)
    def test_what_was_signed_for_obs_arrives_as_it_was_signed(self, huawei, obs, key):
        assert huawei.putContent("photos", key, "body", {"m": "1"}).status == 200
        assert obs.engine.bucket("photos").get(key).body == b"body"

    @pytest.mark.parametrize("mode", ["workflow", "obs"])
    def test_both_of_obs_ways_to_sign_are_accepted_upstream(self, obs, proxy, mode):
        client = obs.client(server=proxy.endpoint, client_mode=mode)
        assert client.getObjectMetadata("photos", "nothing").status == 404  # 403 for a wrong signature
        assert client.listObjects("photos", prefix="a b/+").status == 200

    @pytest.mark.parametrize("key", ODD)
    def test_what_was_signed_for_oracle_arrives_as_it_was_signed(self, oracle, key):
        with FaultProxy(oracle.endpoint) as proxy:
            client = oracle.client(service_endpoint=proxy.endpoint)
            client.put_object(oracle.namespace, "photos", key, b"body")
            assert client.head_object(oracle.namespace, "photos", key).status == 200
            assert proxy.requests.operations() == ["PutObject", "HeadObject"]
            assert proxy.requests[0].key == key
        assert oracle.bucket("photos").get(key).body == b"body"

    def test_the_hosts_name_reaches_the_upstream_as_the_client_sent_it(self, upstream, echo):
        with FaultProxy(upstream) as proxy:
            answer = raw(proxy, b"GET /x?a=%20b&c HTTP/1.1\r\nHost: bucket.example:99\r\nX-Odd: a  b\r\n\r\n")
            assert b"200" in answer
        assert echo == [("GET", "/x?a=%20b&c", "bucket.example:99", "a  b")]

    def test_it_serves_clients_that_take_it_for_a_forward_proxy(self, upstream, echo):
        with FaultProxy(upstream) as proxy:
            handler = urllib.request.ProxyHandler({"http": proxy.endpoint})
            with urllib.request.build_opener(handler).open("http://nowhere.example/a/b?c=d") as answer:
                assert answer.status == 200
        assert [line[1:3] for line in echo] == [("/a/b?c=d", "nowhere.example")]

    def test_a_connection_is_kept_alive_and_can_be_hung_up(self, proxy):
        with closing(http.client.HTTPConnection("127.0.0.1", proxy.port)) as connection:
            for _ in range(3):
                connection.request("GET", "/photos/nothing")
                connection.getresponse().read()
            assert proxy.connections == 1
            proxy.hang_up()
            assert connection.sock.recv(1) == b""

    def test_a_body_of_many_megabytes_passes_both_ways(self, huawei):
        body = bytes(range(256)) * 40_000
        assert huawei.putContent("photos", "large", body).status == 200
        assert huawei.getObject("photos", "large", loadStreamInMemory=True).body.buffer == body

    def test_more_than_it_may_hold_is_refused_in_either_direction(self, obs):
        with FaultProxy(obs.endpoint, max_body=10) as proxy:
            client = obs.client(server=proxy.endpoint)
            assert client.putContent("photos", "k", "x" * 11).status == 413
            obs.engine.bucket("photos").put("k", b"x" * 11)
            assert client.getObject("photos", "k").status == 502

    def test_an_upstream_that_is_not_there_is_a_bad_gateway(self):
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
        with FaultProxy(f"http://127.0.0.1:{port}") as proxy:
            assert b" 502 " in raw(proxy, b"GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    def test_an_answer_that_the_upstream_cuts_is_a_bad_gateway(self, cutting):
        with FaultProxy(cutting) as proxy:
            assert b" 502 " in raw(proxy, b"GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    @pytest.mark.parametrize("wrong", ["127.0.0.1:1", "https://h", "http://h/path", "http://", "ftp://h"])
    def test_an_upstream_that_cannot_be_one_is_refused(self, wrong):
        with pytest.raises(ValueError, match="http://host:port"):
            FaultProxy(wrong)


class TestFaults:
    def test_a_refusal_is_xml_for_s3_and_obs_and_never_reaches_the_upstream(self, huawei, obs, proxy):
        before = len(obs.requests)
        proxy.faults.order(Fault(operation="PutObject", status=403, code="AccessDenied", message="<no> & never"))
        refused = huawei.putContent("photos", "refused", "body")

        assert (refused.status, refused.errorCode, refused.errorMessage) == (403, "AccessDenied", "<no> & never")
        assert len(obs.requests) == before
        assert proxy.faults.pending == 0

    def test_a_refusal_is_json_for_oracle(self, oracle):
        with FaultProxy(oracle.endpoint) as proxy:
            proxy.faults.order(Fault(status=429))
            client = oracle.client(service_endpoint=proxy.endpoint)
            with pytest.raises(oci.exceptions.ServiceError) as refused:
                client.get_object(oracle.namespace, "photos", "k")
        assert (refused.value.status, refused.value.code) == (429, "TooManyRequests")

    @pytest.mark.parametrize("status", [401, 403, 404, 409, 412, 429, 500, 502, 503])
    def test_a_refusal_without_a_code_says_the_usual_one(self, huawei, proxy, status):
        proxy.faults.order(Fault(status=status))
        refused = huawei.putContent("photos", "k", "body")

        assert refused.status == status
        assert refused.errorCode.isalpha()

    def test_an_upload_that_is_not_there_is_called_so(self, huawei, proxy):
        proxy.faults.order(Fault(operation="UploadPart", status=404))
        assert huawei.uploadPart("photos", "k", 1, "u", "body").errorCode == "NoSuchUpload"

    def test_the_answer_to_a_head_has_no_document(self, huawei, proxy):
        proxy.faults.order(Fault(status=403))
        assert huawei.getObjectMetadata("photos", "k").errorCode is None

    @pytest.mark.parametrize(("kind", "held"), [("reset_before", []), ("reset_after", [b"body"])])
    def test_a_connection_is_reset_before_or_after_the_upstream_has_acted(self, obs, proxy, kind, held):
        bucket = obs.engine.bucket("photos")
        bucket.delete("k")
        proxy.faults.order(Fault(kind=kind))
        with pytest.raises(ConnectionError):
            signed(proxy, obs, "PUT", "k")
        assert [found.body for found in bucket.list("k", limit=1) if found.key == "k"] == held
        assert [request.status for request in proxy.requests] == [0]

    def test_an_answer_is_cut_or_changed(self, huawei, obs, proxy):
        obs.engine.bucket("photos").put("k", b"0123456789")
        proxy.faults.order(Fault(kind="cut", after_bytes=4))
        with pytest.raises(http.client.IncompleteRead) as cut:
            signed(proxy, obs, "GET", "k")
        proxy.faults.order(Fault(kind="corrupt", after_bytes=4))
        changed = huawei.getObject("photos", "k", loadStreamInMemory=True).body.buffer

        assert cut.value.partial == b"0123"
        assert [at for at in range(10) if changed[at] != b"0123456789"[at]] == [4]

    def test_a_request_is_changed_on_its_way(self, huawei, obs, proxy):
        proxy.faults.order(Fault(kind="corrupt_sent", after_bytes=4))
        assert huawei.putContent("photos", "k", "0123456789").status == 200
        assert obs.engine.bucket("photos").get("k").body[:4] == b"0123"
        assert obs.engine.bucket("photos").get("k").body[4:5] != b"4"

    def test_an_error_hides_under_status_200(self, huawei, obs, proxy):
        obs.engine.bucket("photos").put("k", b"before")
        proxy.faults.order(Fault(kind="error_in_200", status=500))
        answer = huawei.getObject("photos", "k", loadStreamInMemory=True)

        assert answer.status == 200
        assert b"<Code>InternalError</Code>" in answer.body.buffer

    def test_a_request_is_sent_twice_and_the_second_answer_is_given(self, obs, huawei, proxy):
        bucket = obs.engine.bucket("photos")
        bucket.put("k", b"1")
        started = huawei.initiateMultipartUpload("photos", "twice").body.uploadId
        proxy.faults.order(Fault(kind="duplicate", operation="AbortMultipartUpload"))
        before = len(obs.requests)

        assert huawei.abortMultipartUpload("photos", "twice", started).errorCode == "NoSuchUpload"
        assert obs.requests.operations()[before:] == ["AbortMultipartUpload"] * 2
        assert proxy.requests.count("AbortMultipartUpload") == 1

    def test_what_is_delayed_until_an_event_is_done_then_though_the_client_has_gone(self, obs, proxy):
        gate = threading.Event()
        bucket = obs.engine.bucket("photos")
        bucket.delete("late")
        proxy.faults.order(Fault(kind="delay", until=gate))
        with pytest.raises(TimeoutError):
            signed(proxy, obs, "PUT", "late", timeout=0.3)
        assert not bucket.list("late")
        gate.set()

        assert proxy.requests.wait(1)
        assert bucket.get("late").body == b"body"

    def test_past_the_rate_requests_are_throttled_until_a_second_has_passed(self, obs):
        clock = [0.0]
        with FaultProxy(obs.endpoint, now=lambda: clock[0]) as proxy:
            proxy.faults.order(Fault(kind="throttle", rate=3, status=429, times=ALWAYS))
            client = obs.client(server=proxy.endpoint)
            first = [client.listObjects("photos").status for _ in range(5)]
            clock[0] = 0.9
            still = client.listObjects("photos").status
            clock[0] = 1.0
            later = [client.listObjects("photos").status for _ in range(4)]

        assert (first, still, later) == ([200] * 3 + [429] * 2, 429, [200] * 3 + [429])

    def test_the_emulators_themselves_throttle_and_repeat_alike(self):
        with ObsEmulator() as cloud:
            cloud.create_bucket("b")
            cloud.faults.order(Fault(kind="throttle", rate=1, times=ALWAYS))
            client = cloud.client()
            assert [client.listObjects("b").status for _ in range(2)] == [200, 503]
            cloud.faults.clear()
            cloud.faults.order(Fault(kind="duplicate"))
            uploads = client.initiateMultipartUpload("b", "k"), client.listMultipartUploads("b")
            assert len(uploads[1].body.upload) == 2


@pytest.fixture(scope="module")
def sdk():
    return Session()  # it reads what it knows of S3 once: a tenth of a second for each client otherwise


class TestBotocore:
    """Amazon's SDK, which asks "may I send it" before it sends, and waits for the word."""

    @pytest.fixture
    def client(self, sdk, proxy, obs):
        made = sdk.create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=proxy.endpoint,
            aws_access_key_id="x",
            aws_secret_access_key="y",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )
        yield made
        made.close()

    def test_its_errors_are_of_the_proxys_documents(self, client, proxy):
        proxy.faults.order(Fault(operation="PutObject", status=503))
        with pytest.raises(ClientError) as refused:
            client.put_object(Bucket="photos", Key="k", Body=b"x" * 100_000)
        assert refused.value.response["Error"]["Code"] == "SlowDown"
        assert proxy.requests[0].received >= 100_000

    def test_it_sees_broken_connections(self, client, proxy):
        proxy.faults.order(Fault(kind="reset_before"))
        with pytest.raises(HTTPClientError):
            client.head_object(Bucket="photos", Key="k")

    def test_it_sees_cut_bodies(self, client, proxy):
        proxy.faults.order(Fault(kind="error_in_200"))
        proxy.faults.order(Fault(kind="cut", after_bytes=1))
        client.get_object(Bucket="photos", Key="k")["Body"].read()
        with pytest.raises((ClientError, HTTPClientError, ResponseStreamingError)):
            client.get_object(Bucket="photos", Key="k")["Body"].read()


def asked(method, target, **headers):
    path, _, query = target.partition("?")
    pairs = {name: value for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)}
    return Incoming(method, path, pairs, {"host": "127.0.0.1:9000", **headers}, b"")


@pytest.mark.parametrize(
    ("method", "target", "operation", "bucket", "key"),
    [
        ("GET", "/", "ListBuckets", "", ""),
        ("PUT", "/b", "CreateBucket", "b", ""),
        ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2", "b", ""),
        ("GET", "/b?prefix=x", "ListObjects", "b", ""),
        ("GET", "/b?versioning", "GetBucketVersioning", "b", ""),
        ("POST", "/b?delete", "DeleteObjects", "b", ""),
        ("GET", "/b?uploads", "ListMultipartUploads", "b", ""),
        ("PUT", "/b/a/b%20c", "PutObject", "b", "a/b c"),
        ("HEAD", "/b/k", "HeadObject", "b", "k"),
        ("GET", "/b/k?versionId=3", "GetObject", "b", "k"),
        ("GET", "/b/k?tagging", "GetObjectTagging", "b", "k"),
        ("DELETE", "/b/k", "DeleteObject", "b", "k"),
        ("POST", "/b/k?uploads", "CreateMultipartUpload", "b", "k"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", "b", "k"),
        ("GET", "/b/k?uploadId=u", "ListParts", "b", "k"),
        ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload", "b", "k"),
        ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", "b", "k"),
        ("GET", "/n", "GetNamespace", "", ""),
        ("GET", "/n/ns/b/photos/o", "ListObjects", "photos", ""),
        ("PUT", "/n/ns/b/photos/o/a%2Fb", "PutObject", "photos", "a/b"),
        ("POST", "/n/ns/b/photos/u", "CreateMultipartUpload", "photos", ""),
        ("POST", "/n/ns/b/photos/u/k?uploadId=u", "CommitMultipartUpload", "photos", "k"),
        ("GET", "/n/ns/b/photos/u/k?uploadId=u", "ListMultipartUploadParts", "photos", "k"),
    ],
)
def test_operations_are_told_by_method_path_and_query(method, target, operation, bucket, key):
    found = name_call(asked(method, target), target)
    assert (found.operation, found.bucket, found.key) == (operation, bucket, key)


def test_copies_are_told_by_their_header():
    copying = {"x-amz-copy-source": "/a/b"}
    assert name_call(asked("PUT", "/b/k", **copying), "/b/k").operation == "CopyObject"
    assert name_call(asked("PUT", "/b/k?uploadId=u", **copying), "/b/k?uploadId=u").operation == "UploadPartCopy"


@pytest.mark.parametrize(
    ("host", "bucket", "key"),
    [
        ("photos.s3.eu-central-1.amazonaws.com", "photos", "n/a/b/c"),
        ("photos.of.mine.s3-eu-west-1.amazonaws.com", "photos.of.mine", "n/a/b/c"),
        ("photos.obs.cn-north-4.myhuaweicloud.com", "photos", "n/a/b/c"),
        ("photos.localhost:9000", "photos", "n/a/b/c"),
        ("s3.eu-central-1.amazonaws.com", "n", "a/b/c"),
        ("localhost:9000", "n", "a/b/c"),
        ("[::1]:9000", "n", "a/b/c"),
    ],
)
def test_a_bucket_may_be_in_the_hosts_name(host, bucket, key):
    target = "/n/a/b/c" if bucket != "n" else "/nnn/a/b/c"
    found = name_call(asked("GET", target, host=host), target)
    assert (found.bucket, found.key) == (bucket if bucket != "n" else "nnn", key)


class TestCommandLine:
    def test_a_fault_is_ordered_in_words(self):
        fault = parse_fault("kind=refuse,operation=PutObject,status=503,times=3")
        assert (fault.kind, fault.operation, fault.status, fault.times) == ("refuse", "PutObject", 503, 3)
        assert parse_fault("kind=throttle,rate=0.5,times=always").times == ALWAYS

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("kind=explode", "none of refuse, throttle"),
            ("kind=act", "none of refuse, throttle"),
            ("refuse", "not name=value"),
            ("until=3", "not name=value with a name of kind"),
            ("status=many", "status=many: that is no number"),
        ],
    )
    def test_a_fault_that_cannot_be_is_refused_in_words(self, text, says):
        with pytest.raises(argparse.ArgumentTypeError, match=says):
            parse_fault(text)

    def test_it_serves_with_its_faults_until_it_is_told_to_stop(self, oracle):
        command = [sys.executable, "-m", "bucketrelay_emulators", "proxy", "--upstream", oracle.endpoint]
        fault = "kind=refuse,operation=GetObject,status=503,times=2"
        with subprocess.Popen([*command, "--fault", fault], stdout=subprocess.PIPE, text=True) as process:
            try:
                lines = [process.stdout.readline() for _ in range(3)]
                client = oracle.client(service_endpoint=lines[1].split()[-1])
                statuses = []
                for _ in range(3):
                    with pytest.raises(oci.exceptions.ServiceError) as refused:
                        client.get_object(oracle.namespace, "photos", "nothing")
                    statuses.append(refused.value.status)
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        assert statuses == [503, 503, 404]
        assert lines[2] == "fault       kind=refuse,operation=GetObject,times=2\n"  # 503 is what a refusal usually is

    def test_an_upstream_that_cannot_be_one_is_said_in_one_line(self):
        command = [sys.executable, "-m", "bucketrelay_emulators", "proxy", "--upstream", "nowhere"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "http://host:port" in done.stderr


def signed(proxy, obs, method, key, timeout=10):
    """A request signed by hand: Huawei's SDK leaves its socket open when it gets no answer."""
    date = formatdate(usegmt=True)
    asked = Incoming(method, f"/photos/{key}", {}, {"authorization": "OBS x:y", "date": date}, b"")
    headers = {"Authorization": f"OBS {obs.access_key}:{sign(asked, '', obs.secret_key)}", "Date": date}
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=timeout)) as connection:
        connection.request(method, asked.path, body=b"body" if method == "PUT" else None, headers=headers)
        with connection.getresponse() as response:
            return response.read()


def raw(proxy, request):
    """Send bytes, and read all that comes until the first answer's end."""
    with closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=10)) as sock:
        sock.sendall(request)
        return sock.recv(65536)


@pytest.fixture
def echo():
    return []


@pytest.fixture
def upstream(echo):
    """A server that notes what arrives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            echo.append((self.command, self.path, self.headers["Host"], self.headers["X-Odd"]))
            body = json.dumps({"ok": True}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    yield from _served(Handler)


@pytest.fixture
def cutting():
    """A server that promises more than it sends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"short")

        def log_message(self, *_):
            pass

    yield from _served(Handler)


def _served(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield "http://{}:{}".format(*server.server_address)
    server.shutdown()
    thread.join()
    server.server_close()
