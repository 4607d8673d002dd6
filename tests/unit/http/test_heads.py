"""Heads of answers: what http.client reads, read the same; what it refuses although objects have it, read too."""

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.http.faults import Malformed
from bucketrelay.http.heads import end_of_head, length_of, parse

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFXYZ0123456789-_.!#$%&'*+^`|~", min_size=1, max_size=20)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f\x85\xa0"), max_size=30)


class _Socket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def by_http_client(data: bytes) -> tuple[int, dict[str, str]]:
    response = http.client.HTTPResponse(_Socket(data), method="HEAD")
    response.begin()
    joined: dict[str, str] = {}
    for name, value in response.headers.items():
        value = value.rstrip(" \t")  # noqa: PLW2901 - RFC 9110, 5.5: blanks around are no part of it; http.client leaves them
        joined[name.lower()] = f"{joined[name.lower()]}, {value}" if name.lower() in joined else value
    response.close()
    return response.status, joined


@given(
    st.integers(200, 599),
    st.lists(st.tuples(TOKENS, VALUES, st.sampled_from(["", " ", " \t"])), max_size=12),
    st.sampled_from(["\r\n", "\n"]),
)
def test_a_head_is_read_as_http_client_reads_it(status, headers, end):
    lines = [f"HTTP/1.1 {status} Fine", *(f"{name}:{blank}{value}{blank}" for name, value, blank in headers)]
    text = end.join(lines).encode("latin-1")

    head = parse(text)

    assert (head.status, dict(head.headers)) == by_http_client(text + b"\r\n\r\n")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_malformed(data):
    try:
        head = parse(b"HTTP/1.1 200 OK\r\n" + data)
    except Malformed:
        return
    assert all(name == name.lower() and "\r" not in value for name, value in head.headers.items())


@given(st.binary(max_size=100), st.binary(max_size=100), st.integers(0, 100))
def test_the_end_of_a_head_is_found_wherever_the_search_begins_anew(before, after, seen):
    data = before + b"\r\n\r\n" + after
    whole = end_of_head(data, 0)
    assert whole is not None
    assert end_of_head(data, min(seen, whole[0])) == whole
    assert data[whole[0] : whole[1]] in (b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n")


def test_more_than_a_hundred_headers_are_fine():
    lines = [b"HTTP/1.1 200 OK", *(f"x-amz-meta-{number}: value".encode() for number in range(1000))]
    assert len(parse(b"\r\n".join(lines)).headers) == 1000


def test_what_came_twice_is_joined_and_what_was_folded_unfolded():
    head = parse(b"HTTP/1.1 200 OK\r\nx-a: 1\r\nX-A: 2\r\nx-b: a\r\n  b\r\nx-c: a\rb")
    assert head.headers == {"x-a": "1, 2", "x-b": "a b", "x-c": "a b"}


@pytest.mark.parametrize(
    ("first", "connection", "keeps"),
    [
        ("HTTP/1.1", "", True),
        ("HTTP/1.1", "connection: close", False),
        ("HTTP/1.1", "Connection: Keep-Alive, Close", False),
        ("HTTP/1.0", "", False),
        ("HTTP/1.0", "connection: keep-alive", True),
    ],
)
def test_whether_the_connection_stays_is_in_the_head(first, connection, keeps):
    assert parse(f"{first} 200 OK\r\n{connection or 'x: y'}".encode()).keeps is keeps


@pytest.mark.parametrize(
    "line", ["", "HTTP/2 200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000", "<html>", "ICY 200 OK", "HTTP/1.1 abc"]
)
def test_what_is_not_http_is_malformed(line):
    with pytest.raises(Malformed):
        parse(line.encode())


@pytest.mark.parametrize("header", ["no colon", ": no name", "\tfolded into nothing"])
def test_what_is_no_header_is_malformed(header):
    with pytest.raises(Malformed):
        parse(f"HTTP/1.1 200 OK\r\n{header}".encode())


def test_a_length_is_one_number():
    assert length_of({}) is None
    assert length_of({"content-length": "12"}) == 12
    assert length_of({"content-length": "12, 12"}) == 12
    for wrong in ("", "-1", "+1", "1 2", "1, 2", "²", "9" * 20, "0x10"):
        with pytest.raises(Malformed):
            length_of({"content-length": wrong})
