"""The clouds' services that call a function asynchronously, on a local port: they check who asks, and keep the payload.

Sources: Lambda API reference, Invoke; FunctionGraph API reference, functiongraph_06_0126, and Huawei's "AK/SK signing
process"; Oracle's Functions API, InvokeFunction and GetFunction, and "Request Signatures".
"""

import hashlib
import hmac
import http.server
import json
import queue
import threading
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, unquote

from bucketrelay_emulators.oci.sign import Keys, NotAuthenticated, check, private_key
from functions.runtime_api import ARN

AGENCY = ("AGENCYKEY", "agency-secret", "agency-token")
PROJECT = "0123456789abcdef0123456789abcdef"
URN = f"urn:fss:cn-north-4:{PROJECT}:function:default:relay:latest"
OCID = "ocid1.fnfunc.oc1.test..fn"


class Unwelcome(Exception):
    """The request is not what the service would take."""


class InvokeApi:
    """One cloud's service; `taken` receives the payloads. With `refuse`, a status and a body, it takes none."""

    def __init__(self, cloud: str) -> None:
        self.taken: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.complaints: list[str] = []
        self.asked: list[str] = []  # paths
        self.refuse: tuple[int, bytes] | None = None
        self.take = {"s3": _lambda, "obs": _functiongraph, "oci": _functions}[cloud]
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Exchange,), {"api": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "InvokeApi":  # noqa: PYI034  # typing has Self from Python 3.11 only
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Exchange(http.server.BaseHTTPRequestHandler):
    api: InvokeApi

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gave it
        """Say nothing."""

    def do_GET(self) -> None:
        """GetFunction of Oracle."""
        self._answer(b"")

    def do_POST(self) -> None:
        """An invocation."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        self.api.asked.append(self.path)
        try:
            status, answer = self.api.take(self, body)
        except (Unwelcome, NotAuthenticated) as error:
            self.api.complaints.append(str(error))
            status, answer = 401, json.dumps({"code": "NotAuthenticated", "message": str(error)}).encode()
        if self.api.refuse and self.command == "POST":
            status, answer = self.api.refuse
        elif status == 202:
            self.api.taken.put(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(answer)


def _lambda(asked: Any, body: bytes) -> tuple[int, bytes]:
    _expect(unquote(asked.path), f"/2015-03-31/functions/{ARN}/invocations")
    _expect(asked.headers["X-Amz-Invocation-Type"], "Event")
    scope = asked.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/", 2)
    _expect(scope[0], "ROLEKEY")
    _expect(scope[2], "eu-central-1/lambda/aws4_request")
    _expect(asked.headers["X-Amz-Security-Token"], "role-token")
    return 202, b""


def _functiongraph(asked: Any, body: bytes) -> tuple[int, bytes]:
    _expect(unquote(asked.path), f"/v2/{PROJECT}/fgs/functions/{URN}/invocations-async")
    _expect(asked.headers["X-Security-Token"], AGENCY[2])
    given = asked.headers["Authorization"]
    names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
    for name in ("host", "x-sdk-date", "x-security-token"):
        _expect(name in names, True)
    path = "/".join(quote(unquote(part), safe="~") for part in asked.path.split("/")) + "/"
    lines = "".join(f"{name}:{asked.headers[name].strip()}\n" for name in names)
    canonical = "\n".join(["POST", path, "", lines, ";".join(names), hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{asked.headers['X-Sdk-Date']}\n{digest}"
    signature = hmac.new(AGENCY[1].encode(), text.encode(), hashlib.sha256).hexdigest()
    wanted = f"SDK-HMAC-SHA256 Access={AGENCY[0]}, SignedHeaders={';'.join(names)}, Signature={signature}"
    _expect(given, wanted)
    return 202, b'{"request_id":"1167bf8c-87b0-43ab-8f5f-26b16c64f252"}'


def _functions(asked: Any, body: bytes) -> tuple[int, bytes]:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    keys = Keys({}, private_key("issuer").public_key())  # the OCI emulator's, which makes the resource principal
    _expect(check(asked.command, asked.path, headers, body, keys, datetime.now(timezone.utc))[:3], "ST$")
    version, *path = asked.path.strip("/").split("/")
    _expect(len(version), len("20181201"))
    if asked.command == "GET":
        _expect(path, ["functions", OCID])
        return 200, json.dumps({"id": OCID, "invokeEndpoint": asked.api.endpoint}).encode()
    _expect(path, ["functions", OCID, "actions", "invoke"])
    _expect(asked.headers["fn-invoke-type"], "detached")
    return 202, b""


def _expect(said: object, wanted: object) -> None:
    if said != wanted:
        raise Unwelcome(f"{said!r} instead of {wanted!r}")
