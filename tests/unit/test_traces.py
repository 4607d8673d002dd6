"""Traces, by a real receiver of OTLP over HTTP: a span for the invocation, one below it for each task, none without."""

import json
import os
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bucketrelay import config, wiring
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.drivers.function import handle
from bucketrelay.errors import BadEvent
from bucketrelay.model import Address, Meta, Outcome, Result
from bucketrelay.reports import lists


class Collector(ThreadingHTTPServer):
    """Takes what an OpenTelemetry collector takes at port 4318."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken, self.status, self.patience = [], 200, threading.Event()
        self.patience.set()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self):
        return [
            span for each in self.requests() for rs in each.resource_spans for ss in rs.scope_spans for span in ss.spans
        ]

    def requests(self):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        return [ExportTraceServiceRequest.FromString(body) for path, body in self.taken if path == "/v1/traces"]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.patience.wait(30)
        self.server.taken.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.patience.set()
    made.shutdown()
    made.server_close()


class World:
    def __init__(self, folder, **environ):
        self.folder, self.lines = folder, []
        stores = ""
        for name in ("source", "target", "logs"):
            (folder / name).mkdir()
            stores += f'[stores.{name}]\nurl = "file://{folder}/{name}"\n'
        text = f'log = "logs"\n{stores}[[routes]]\nname = "photos"\nsource = "source"\ntargets = ["target"]\n'
        self.system = wiring.system(config.load(text, {}, folder), emit=self.lines.append, environ=environ)

    def put(self, key):
        LocalStore(Address("file", str(self.folder / "source"))).put(key, b"bytes", Meta())

    def run(self, *keys):
        """An invocation by a schedule, which does once more what has failed."""
        time = self.system.now() - timedelta(minutes=20)
        error = "503: it may work later"
        for key in keys:
            urls = [f"file://{self.folder}/{name}/{key}" for name in ("source", "target")]
            lost = Result("photos", "e-1", "created", *urls, key, Outcome.FAILED, time, error=error, retryable=True)
            lists.write(self.system.log(), [lost], invocation="lost", now=time)
        timer = {"trigger_type": "TIMER", "user_event": ""}
        handle(timer, self.system, cloud=None, seconds=60.0, invocation="run-1")

    def copies(self):
        return {info.key for info in LocalStore(Address("file", str(self.folder / "target"))).list()}

    def notices(self):
        return [json.loads(line)["notice"] for line in self.lines if '"notice":' in line]


def attributes(span):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}


@pytest.fixture
def world(tmp_path, collector):
    made = World(
        tmp_path,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        AWS_LAMBDA_FUNCTION_NAME="replicate-photos",
        AWS_REGION="eu-central-1",
    )
    yield made
    made.system.close()


def test_one_span_an_invocation_and_one_a_task(world, collector):
    world.put("a.jpg")
    world.put("b.jpg")
    world.run("a.jpg", "b.jpg")
    spans = collector.spans()
    [invocation] = [span for span in spans if not span.parent_span_id]
    tasks = [span for span in spans if span.parent_span_id == invocation.span_id]

    assert world.copies() == {"a.jpg", "b.jpg"}
    assert (invocation.name, attributes(invocation)) == ("invocation", {"faas.invocation_id": "run-1"})
    assert len(spans) == 3
    assert {attributes(span)["bucketrelay.key"] for span in tasks} == {"a.jpg", "b.jpg"}
    assert len({span.trace_id for span in spans}) == 1
    for span in tasks:
        told = attributes(span)
        assert (told["bucketrelay.route"], told["bucketrelay.outcome"], told["bucketrelay.bytes"]) == (
            "photos",
            "copied",
            5,
        )
        assert span.start_time_unix_nano < span.end_time_unix_nano
    [request] = collector.requests()
    where = attributes(request.resource_spans[0].resource)
    assert where["service.name"] == "bucketrelay"
    assert (where["faas.name"], where["cloud.provider"], where["cloud.region"]) == (
        "replicate-photos",
        "aws",
        "eu-central-1",
    )


def test_a_failed_task_says_why_and_not_which_object_in_its_type(world, collector):
    world.put("a.jpg")
    (world.folder / "target").rmdir()
    (world.folder / "target").write_text("no directory")
    world.run("a.jpg")

    [task] = [span for span in collector.spans() if span.parent_span_id]
    assert task.status.code == 2  # ERROR
    assert "a.jpg" not in attributes(task)["error.type"]
    assert attributes(task)["bucketrelay.outcome"] == "failed"


def test_an_invocation_that_raises_is_told_with_its_error(world, collector):
    with pytest.raises(BadEvent):
        handle({"no": "event"}, world.system, cloud=None, seconds=60, invocation="run-2")

    [span] = collector.spans()
    assert span.status.code == 2
    assert [event.name for event in span.events] == ["exception"]


def test_a_hostile_key_is_no_reason_to_lose_a_trace(world, collector):
    key = "<b>\u202e ü/" + "x" * 200
    world.put(key)
    world.run(key)

    assert key in {attributes(span).get("bucketrelay.key") for span in collector.spans()}


def test_a_collector_that_says_no_costs_nothing_but_its_spans(world, collector):
    collector.status = 400
    world.put("a.jpg")
    world.put("b.jpg")
    world.run("a.jpg")
    world.run("b.jpg")

    assert world.copies() == {"a.jpg", "b.jpg"}
    assert len(collector.taken) == 1  # it is left alone for a minute
    assert world.notices() == [f"traces: {collector.url}/v1/traces did not take 2 spans: it is left alone for 60 s"]


def test_a_collector_that_hangs_is_not_waited_for(world, collector):
    collector.patience.clear()
    world.put("a.jpg")
    world.run("a.jpg")

    assert world.copies() == {"a.jpg"}
    assert collector.taken == []  # it hangs still
    assert ["did not take" in line for line in world.notices()] == [True]


@pytest.mark.parametrize(
    "switch", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}]
)
def test_who_switches_traces_off_has_none(tmp_path, collector, switch):
    world = World(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **switch)
    world.put("a.jpg")
    world.run("a.jpg")

    assert collector.taken == []
    assert world.notices() == (
        ["no traces: OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and only http/protobuf is spoken here"]
        if "OTEL_EXPORTER_OTLP_PROTOCOL" in switch
        else []
    )


def test_an_endpoint_for_traces_alone_is_taken_as_it_is(tmp_path, collector):
    world = World(tmp_path, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/own")
    world.put("a.jpg")
    world.run("a.jpg")

    assert [path for path, _ in collector.taken] == ["/own"]


def test_where_it_is_not_installed_a_line_says_so_and_everything_else_works(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    monkeypatch.delitem(sys.modules, "bucketrelay.traces", raising=False)
    world = World(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    world.put("a.jpg")

    world.run("a.jpg")

    assert world.copies() == {"a.jpg"}
    assert ["pip install 'bucketrelay[otel]'" in line for line in world.notices()] == [True]


def test_without_an_endpoint_nothing_of_it_is_imported(tmp_path):
    code = (
        "import sys; from bucketrelay import config, wiring\n"
        "wiring.system(config.load(sys.argv[1], {}))\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry') or name == 'bucketrelay.traces'])"
    )
    stores = "".join(f'[stores.{name}]\nurl = "file:///{name}"\n' for name in "abl")
    text = f'log = "l"\n{stores}[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n'
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, env=environ, check=True)

    assert done.stdout == "[]\n"
