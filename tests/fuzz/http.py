"""HTTP itself and S3's documents, as bytes: heads, chunks, listings."""

import socket
from contextlib import suppress

from hypothesis import strategies as st

from bucketrelay.clouds.aws import documents
from bucketrelay.clouds.aws.listings import _parts, _uploads
from bucketrelay.clouds.aws.rows import page_of
from bucketrelay.errors import ConfigError
from bucketrelay.http.faults import Malformed, NoAnswer
from bucketrelay.http.heads import end_of_head, length_of, parse
from bucketrelay.http.incoming import Incoming, body_of
from bucketrelay.http.messages import Answer
from bucketrelay.http.proxies import proxy_for
from fuzz import made
from fuzz.documents import LISTING
from fuzz.target import Target

_HEADS = (
    b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "e"\r\nx-amz-meta-a: b\r\n folded\r\nConnection: close',
    b"HTTP/1.0 404 Not Found\r\nServer: x\nDate: y",
)
_BODIES = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n12345\r\n0\r\nTrailer: x\r\n\r\nrest",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345rest",
)
_WORDS = ("HTTP/1.1 200", "Content-Length:", "Transfer-Encoding: chunked", "\r\n", "\n", "0\r\n\r\n", ": ", "ffff", ";")
_S3_LISTING = LISTING.replace("NextMarker", "NextContinuationToken").encode()


def _head(data: bytes) -> None:
    found = end_of_head(data, 0)
    head = parse(data[: found[0]] if found else data)
    assert 100 <= head.status < 1000
    assert all(name == name.lower().strip() and name for name in head.headers)
    length = length_of(head.headers)
    assert length is None or length >= 0


def _body(data: bytes) -> None:
    """Read an answer to its end from a socket that has nothing else."""
    client, server = socket.socketpair()
    with client, server:
        server.sendall(data[:60_000])
        server.shutdown(socket.SHUT_WR)
        incoming = Incoming(client, lambda: client.settimeout(5))
        body, held, piece = body_of(incoming, "GET", incoming.head()), b"", memoryview(bytearray(7))
        while count := body.into(piece):
            held += piece[:count]
    assert len(held) <= len(data)


def _listing(data: bytes) -> None:
    reader = documents.Reader("ListBucketResult")
    for start in range(0, len(data), 50):
        reader.feed(data[start : start + 50])
    reader.root()
    page = page_of(data, "b")
    assert all(isinstance(row.key, str) and row.size >= 0 for row in page.rows)


def _others(data: bytes) -> None:
    documents.error_of(data)
    for name, read in (
        ("ListMultipartUploads", lambda r: _uploads("b", r, Answer(200, {}))),
        ("ListParts", lambda r: _parts("u", r, Answer(200, {}))),
    ):
        with suppress(documents.NoDocument):
            read(documents.read(data, name))


def _proxy(text: str) -> None:
    with suppress(ConfigError):
        found = proxy_for("https", "h", 443, {"https_proxy": text, "no_proxy": text[::-1]})
        assert found is None or found.host


TARGETS = (
    Target(
        "http heads",
        _head,
        lambda: list(_HEADS),
        lambda: st.binary(max_size=200),
        (Malformed,),
        _WORDS,
        hostile=lambda size: [
            b"HTTP/1.1 200 OK\r\n" + b"a:b\r\n" * (size // 5),
            b" " * size,
            b"HTTP/1.1 200 " + b"x" * size,
        ],
    ),
    Target(
        "http bodies",
        _body,
        lambda: list(_BODIES),
        lambda: st.binary(max_size=200).map(lambda tail: _BODIES[0][:50] + tail),
        (NoAnswer,),
        _WORDS,
    ),
    Target(
        "s3 listing",
        _listing,
        lambda: [_S3_LISTING],
        lambda: st.binary(max_size=100),
        (Malformed,),
        ("ListBucketResult", "Contents", "Key", "IsTruncated", "true", "<!DOCTYPE", "&amp;", "%2F"),
        hostile=lambda size: [b"<a>" * (size // 3), b"<ListBucketResult>" + b"<Contents/>" * (size // 11), b"<" * size],
    ),
    Target(
        "s3 documents",
        _others,
        lambda: [_S3_LISTING, b"<Error><Code>SlowDown</Code></Error>"],
        lambda: st.binary(max_size=100),
        (),
        ("Error", "Code", "Upload", "Part"),
    ),
    Target(
        "proxies",
        _proxy,
        lambda: ["http://user:pass@proxy:3128", "*.example.com,10.0.0.0/8"],
        lambda: made.texts(("http://", "proxy", ":3128", "@", "10.0.0.0/8", "*", ",")),
        (),
        ("://", "[::1]", "/8"),
    ),
)
