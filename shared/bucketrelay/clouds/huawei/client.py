"""The SDK's client, tamed. Imported with the first request only: the SDK takes 150 ms of a cold start.

What is overridden, and why, was found in esdk-obs-python 3.26.6; `tests/unit/stores/test_obs_traps.py` falls into each
trap that is not closed.
"""

import selectors
import ssl
import threading
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any

import certifi
from obs import ObsClient

from bucketrelay.clouds.huawei.credentials import Access
from bucketrelay.clouds.huawei.errors import NeverSent
from bucketrelay.clouds.huawei.fields import page_of, tags_of
from bucketrelay.errors import StoreRefused
from bucketrelay.store import LONGEST_DOCUMENT

_CHUNK = 256 * 1024


class Client(ObsClient):  # type: ignore[misc]  # the SDK has no types
    """An ObsClient that does what it is told, no more and no less."""

    def __init__(self, access: Access, keys: tuple[str, str, str]) -> None:
        self._trusted = access.ca_file or certifi.where()
        self._here = threading.local()  # .connection: that of the request which this thread makes
        super().__init__(
            access_key_id=keys[0],
            secret_access_key=keys[1],
            security_token=keys[2] or None,
            server=access.endpoint,
            region=access.region,
            path_style=access.path_style,
            ssl_verify=self._trusted,
            timeout=access.timeout,
            max_retry_count=0,  # it would repeat writes whose outcome nobody knows; reads are repeated by ObsStore
            long_conn_mode=True,
            is_signature_negotiation=False,  # it costs a request, and hides which error a missing bucket is
            chunk_size=_CHUNK,
        )
        # It drops what is blank: a metadata value "", a prefix or marker " " (and with the prefix lists everything).
        self.convertor._put_key_value = _put  # noqa: SLF001 - it has no public switch
        self.convertor.parseListObjects = page_of
        self.convertor.parseGetObjectTagging = tags_of

    @property
    def prefix(self) -> str:
        """`x-obs-`, or `x-amz-` with path style, where the SDK signs the S3 way."""
        return str(self.ha._get_header_prefix())  # noqa: SLF001 - the SDK tells it nowhere else

    def object_tags(self, bucket: str, key: str, version: str) -> Any:
        """GetObjectTagging; of the SDK's own only the newest versions have it."""
        asked = {"tagging": None} | ({"versionId": version} if version else {})
        return self._make_get_request(bucket, key, pathArgs=asked, methodName="getObjectTagging")

    def _init_ssl_context(self, _ciphers: object) -> None:
        """Verify the chain and the host name; the SDK by default verifies neither, with a CA file the chain alone."""
        try:
            self.context = ssl.create_default_context(cafile=self._trusted)
        except OSError as error:  # SSLError is one
            raise StoreRefused(f"{self._trusted}: no readable certificates: mend ca_file: {error}") from error

    def _rename_request_headers(
        self, headers: Mapping[str, Any] | None, extensions: Mapping[str, Any] | None, _method: str
    ) -> dict[str, Any]:
        """As given: the SDK would percent-encode `"` in a Content-Disposition or a charset, and `%` twice."""
        both = {**(headers or {}), **(extensions or {})}
        return {name: value for name, value in both.items() if value is not None}

    def _rename_response_headers(self, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        """Under their full names: the SDK strips prefixes, and user metadata `etag` becomes a second ETag."""
        return list(headers.items())

    def _get_server_connection(self, *arguments: Any, **named: Any) -> Any:
        """A connection that the server has not closed meanwhile, as it does while a function is frozen.

        A write on a closed one fails without a word on whether it was done.
        """
        while True:
            connection = super()._get_server_connection(*arguments, **named)
            if not _stale(getattr(connection, "sock", None)):
                connection.response_class = _Answer
                self._here.connection = connection
                return connection
            connection.close()

    def _send_request(self, *arguments: Any, **named: Any) -> Any:
        """Send it; raise NeverSent where no connection came about, and leave no socket open."""
        self._here.connection = None
        try:
            return super()._send_request(*arguments, **named)
        except (BrokenPipeError, ConnectionResetError):
            # A server that refuses a body early answers and hangs up: its answer may be there to be read.
            connection = self._here.connection
            if connection is None or connection.sock is None:
                raise
            connection._clear = True  # noqa: SLF001 - the SDK's mark: do not use it again
            return connection
        except Exception as error:
            connection = self._here.connection
            unsent = connection is not None and self._unsent(connection.sock)
            if connection is not None:
                connection.close()
            if unsent:
                raise NeverSent(str(error) or type(error).__name__) from error
            raise

    def _unsent(self, sock: object) -> bool:
        return sock is None or (self.is_secure and not isinstance(sock, ssl.SSLSocket))


class _Answer(HTTPResponse):
    """An answer: what is read of it by `read` becomes a document in memory; an object's bytes go by `readinto`."""

    _room = LONGEST_DOCUMENT

    def read(self, amt: int | None = None) -> bytes:
        """The next *amt* bytes."""
        piece = super().read(LONGEST_DOCUMENT + 1 if amt is None else min(amt, LONGEST_DOCUMENT + 1))
        self._room -= len(piece)
        if self._room < 0:
            self.close()
            raise HTTPException(f"an answer of more than {LONGEST_DOCUMENT} bytes")
        return piece


class Body:
    """Bytes as the SDK's readable, handed out without copies.

    Not as bytes: the SDK would make a text of them for its log, four times as large, whether or not there is a log.
    """

    def __init__(self, body: bytes | bytearray) -> None:
        self._rest = memoryview(body)

    def read(self, size: int) -> memoryview:
        """The next *size* bytes, fewer at the end."""
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def _put(headers: dict[str, str], name: str, value: object) -> None:
    if value is not None:
        headers[name] = str(value)


def _stale(sock: Any) -> bool:
    """Whether an idle connection has something to say: that can only be its end."""
    if sock is None:
        return False
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(timeout=0))
