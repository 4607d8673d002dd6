"""Requests that users' clients send to the emulators and to the proxy."""

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from typing import Any

from hypothesis import strategies as st

from bucketrelay_emulators import proxy_words
from bucketrelay_emulators.engine.engine import Engine
from bucketrelay_emulators.obs import signature as obs_signature
from bucketrelay_emulators.obs.emulator import ObsFront
from bucketrelay_emulators.oci import http as oci_http
from bucketrelay_emulators.oci.sign import Keys, private_key
from bucketrelay_emulators.oci.wire import Refusal
from bucketrelay_emulators.server.handler import _query
from bucketrelay_emulators.server.messages import Incoming
from bucketrelay_emulators.server.serving import Server
from fuzz import made
from fuzz.documents import NOTIFICATION, TAGS
from fuzz.mutate import DIGITS
from fuzz.target import Target

Asked = tuple[str, str, dict[str, str], bytes]  # method, target, headers, body
_KEY = obs_signature.Credential("AK", "SK")
_COMPLETE = b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>e</ETag></Part></CompleteMultipartUpload>"
OBS: list[Asked] = [
    (
        "PUT",
        "/b/in/a%20b",
        {"content-length": "3", "x-obs-meta-a": "1", "x-obs-storage-class": "WARM", "x-obs-tagging": "a=b"},
        b"abc",
    ),
    ("GET", "/b/k", {"range": "bytes=0-1", "if-none-match": '"e"'}, b""),
    ("HEAD", "/b/k", {"host": "127.0.0.1:80"}, b""),
    ("GET", "/k?versionId=1", {"host": "b.localhost"}, b""),
    ("PUT", "/c", {}, b""),
    ("GET", "/b?prefix=in&marker=a&max-keys=7&delimiter=/&encoding-type=url", {}, b""),
    (
        "POST",
        "/b?delete",
        {"content-length": "60", "content-md5": "x"},
        b"<Delete><Object><Key>k</Key></Object></Delete>",
    ),
    ("PUT", "/b/k2", {"x-obs-copy-source": "/b/k", "x-obs-metadata-directive": "REPLACE", "content-length": "0"}, b""),
    ("PUT", "/b/k?tagging", {"content-length": "9"}, TAGS.encode()),
    ("PUT", "/b?notification", {"content-length": "9"}, NOTIFICATION),
    ("POST", "/b/k?uploads", {}, b""),
    ("GET", "/b?uploads&max-uploads=7&key-marker=a&upload-id-marker=b", {}, b""),
    ("GET", "/b/k?uploadId=u&max-parts=7&part-number-marker=1", {}, b""),
    ("PUT", "/b/k?uploadId=u&partNumber=1", {"content-length": "3"}, b"abc"),
    ("POST", "/b/k?uploadId=u", {"content-length": "9"}, _COMPLETE),
    ("HEAD", "/b?apiversion", {}, b""),
]
OCI: list[Asked] = [
    (
        "PUT",
        "/n/ns/b/b/o/in%2Fa",
        {"opc-meta-a": "1", "content-length": "3", "content-md5": "x", "if-none-match": "*"},
        b"abc",
    ),
    ("GET", "/n/ns/b/b/o/k", {"range": "bytes=0-1", "if-none-match": "e"}, b""),
    ("GET", "/n/ns/b/b/o?prefix=in&start=a&startAfter=b&limit=7&fields=name,size&delimiter=/", {}, b""),
    ("GET", "/n", {}, b""),
    ("POST", "/n/ns/b", {}, b'{"name": "c", "compartmentId": "x"}'),
    ("POST", "/n/ns/b/b", {}, b'{"objectEventsEnabled": true}'),
    ("PUT", "/n/ns/b/b/l", {}, b'{"items": [{"name": "r", "action": "ABORT", "isEnabled": true}]}'),
    ("POST", "/n/ns/b/b/u", {}, b'{"object": "k", "metadata": {"opc-meta-a": "1"}, "storageTier": "Standard"}'),
    ("GET", "/n/ns/b/b/u?limit=7&page=1", {}, b""),
    ("PUT", "/n/ns/b/b/u/k?uploadId=u&uploadPartNum=1", {"content-length": "3"}, b"abc"),
    ("POST", "/n/ns/b/b/u/k?uploadId=u", {}, b'{"partsToCommit": [{"partNum": 1, "etag": "e"}]}'),
    (
        "POST",
        "/n/ns/b/b/actions/copyObject",
        {},
        b'{"sourceObjectName": "k", "destinationRegion": "r", "destinationBucket": "b"}',
    ),
    ("GET", "/workRequests/w", {}, b""),
    ("GET", "/20181201/rules?compartmentId=c", {}, b""),
    ("POST", "/20181201/rules", {}, b'{"displayName": "r", "condition": "{}", "actions": {"actions": []}}'),
]


def _engine(namespace: str) -> Engine:
    engine = Engine()
    engine.create_bucket("b", *([namespace] if namespace else []))
    engine.bucket("b", *([namespace] if namespace else [])).put("k", b"1234567")
    return engine


def _sendable(asked: Asked) -> Incoming:
    """As the server hands it to a front end: no blanks in the target, Latin-1 in the headers."""
    method, target, headers, body = asked
    method = "".join(c for c in method if c.isalpha() and c.isascii()) or "GET"
    target = "".join(c for c in target.encode("ascii", "replace").decode() if c > " ") or "/"
    path, _, query = target.partition("?")
    known = {n.lower(): v.encode("latin-1", "replace").decode("latin-1") for n, v in headers.items()}
    return Incoming(method, path, _query(query), {**known, oci_http.TARGET: target}, body)


def _obs(asked: Asked) -> None:
    front = ObsFront(_engine(""), {"AK": _KEY})
    incoming = _sendable(asked)
    headers = {**incoming.headers, "authorization": "OBS AK:x"}
    unsigned = Incoming(incoming.method, incoming.path, incoming.query, headers, incoming.body)
    named = front.name(unsigned)
    front.answer(unsigned, named)
    right = obs_signature.sign(unsigned, front._bucket_in_host(unsigned), "SK")
    signed = Incoming(
        incoming.method, incoming.path, incoming.query, {**headers, "authorization": f"OBS AK:{right}"}, incoming.body
    )
    _sent(front.answer(signed, named))


def _oci(asked: Asked) -> None:
    """Without the signature, which takes a millisecond to make; what is checked of it besides, is."""
    front = oci_http.Front(_engine("ns"), "ns", Keys({}, private_key("fuzz").public_key()))
    incoming = _sendable(asked)
    named = front.name(incoming)
    front.answer(incoming, named)
    request = oci_http._request(incoming)
    try:
        answer = front._do(request, named, oci_http.operation(request)[1])
    except Refusal as refusal:
        answer = oci_http.refuse(refusal)
    _sent(oci_http._reply(incoming, answer))


def _proxy(asked: Asked) -> None:
    incoming = _sendable(asked)
    proxy_words.name_call(incoming, incoming.headers[oci_http.TARGET])
    for status in (404, 503):
        _sent(proxy_words.refusal(incoming, status, proxy_words.usual_code(incoming, status), "said"))


def _sent(reply: Any) -> None:
    """What http.server can send: headers in Latin-1, on lines of their own."""
    for name, value in reply.headers.items():
        assert "\n" not in name + value
        assert (name + value).encode("latin-1") is not None


class _Socket(io.BytesIO):
    """A connection on which everything that a client has to say is there already."""

    def __init__(self, said: bytes) -> None:
        super().__init__()
        self._said = said

    def makefile(self, *_: object, **__: object) -> io.BytesIO:
        return io.BytesIO(self._said)

    def sendall(self, octets: bytes) -> None:
        self.write(octets)

    def setsockopt(self, *_: object) -> None:
        pass

    def shutdown(self, _how: int) -> None:
        pass


def _connection(said: bytes) -> None:
    """What comes over a connection, up to the front end."""
    for make in (_obs_server, _proxy_server):
        server = make()
        try:
            handler = server._server.RequestHandlerClass
            with redirect_stderr(io.StringIO()):
                handler(_Socket(said), ("127.0.0.1", 1), server._server)
        except ConnectionError:
            pass
        finally:
            server._server.server_close()


def _obs_server() -> Server:
    return Server(ObsFront(_engine(""), {"AK": _KEY}))


def _proxy_server() -> Server:
    from bucketrelay_emulators.proxy import _Forward, _ProxyServer

    return _ProxyServer(_Forward("127.0.0.1", 1, 1 << 20, 1.0))


_LINES = (
    b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\n\r\n",
    b"PUT /b/k HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n",
    b"GET http://h/b/k?a=b&c HTTP/1.1\r\nAuthorization: AWS AK:x\r\nConnection: keep-alive\r\n\r\n",
    b"GET /\r\n",
)


def _hostile(paths: str) -> Callable[[int], list[Asked]]:
    return lambda size: [
        ("GET", paths + "/" * size, {}, b""),
        ("GET", paths + "?" + "a&" * (size // 2), {}, b""),
        ("GET", paths, {"range": "bytes=" + "9" * size + "-"}, b""),
        ("GET", paths, {"authorization": 'Signature a="' + 'a="' * (size // 3)}, b""),
        ("POST", f"{paths}?uploadId=u&delete", {"content-length": "1", "content-md5": "x"}, b"[" * size),
    ]


_PIECES = (
    "/n/",
    "/b/",
    "/o/",
    "/u/",
    "b",
    "k",
    "?",
    "&",
    "=",
    "uploadId",
    "uploads",
    "tagging",
    "//",
    "*",
    "%2F",
    "http://",
    "[",
)
_NAMES = (
    "range",
    "host",
    "content-length",
    "if-match",
    "x-obs-copy-source",
    "x-obs-meta-a",
    "opc-meta-a",
    "authorization",
    "content-md5",
)


def _strategy() -> st.SearchStrategy[Asked]:
    methods = st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS"])
    return st.tuples(
        methods, made.texts(_PIECES).map(lambda t: f"/{t}"), made.headers(_NAMES, DIGITS), st.binary(max_size=20)
    )


_WORDS = (*_PIECES, *_NAMES, *DIGITS, "GET", "PUT", "POST", "HEAD", "DELETE", "max-keys", "limit", "page", "Signature ")

TARGETS = (
    Target("obs emulator", _obs, lambda: OBS, _strategy, (), _WORDS, hostile=_hostile("/b/k"), quick=150),
    Target("oci emulator", _oci, lambda: OCI, _strategy, (), _WORDS, hostile=_hostile("/n/ns/b/b/o/k"), quick=150),
    Target("proxy words", _proxy, lambda: [*OBS, *OCI], _strategy, (), _WORDS, hostile=_hostile("/n/b"), quick=150),
    Target(
        "connection",
        _connection,
        lambda: list(_LINES),
        lambda: st.binary(max_size=60),
        (),
        ("GET", "HTTP/1.1", "Content-Length:", "Transfer-Encoding: chunked", "-1", "\r\n\r\n", *DIGITS),
        quick=40,
    ),
)
