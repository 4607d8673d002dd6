"""Requests to one bucket: the client made once, its keys kept fresh, answers checked, reads repeated."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from bucketrelay.clouds.huawei.errors import refusal, translated
from bucketrelay.clouds.huawei.fields import Page, bare
from bucketrelay.errors import Damaged, StoreUnavailable
from bucketrelay.http.pace import Pace, seconds
from bucketrelay.model import NOTHING, ObjectInfo

if TYPE_CHECKING:
    from bucketrelay.clouds.huawei.client import Client
    from bucketrelay.clouds.huawei.credentials import Access

T = TypeVar("T")
_SMALL = 64 * 1024  # bytes of an unwanted answer that cost less than a new connection


@dataclass(frozen=True, slots=True)
class Answer:
    """An object's answer whose body is still to be read; `take` or `drop` it."""

    url: str
    changed: bool  # False: 304, still the version that was known
    headers: Mapping[str, str]
    response: Any = None

    @property
    def etag(self) -> str:
        """Without quotes."""
        return bare(self.headers.get("etag"))

    def take(self, length: int) -> bytearray:
        """The next *length* bytes, held once: read into a buffer of that size.

        Raises:
            Damaged: there are not so many.
            StoreUnavailable: the connection broke.
        """
        buffer, at = bytearray(length), 0
        try:
            with translated(self.url), memoryview(buffer) as view:
                while at < length and (count := self.response.readinto(view[at:])):
                    at += count
        finally:
            self.drop(broken=at < length)
        if at < length:
            raise Damaged(f"{self.url}: {at} of {length} bytes arrived: start over")
        return buffer

    def drop(self, *, broken: bool = False) -> None:
        """Keep the connection if its answer can be read to the end; the SDK would keep it either way."""
        if self.response is None:
            return
        rest = self.response.length  # None where the length is not known
        if not broken and rest and rest <= _SMALL:
            with suppress(OSError, HTTPException):
                self.response.readinto(bytearray(rest))
        if self.response.isclosed() and not broken:
            self.response.close()  # back to those that are idle
        else:
            self.response.conn.close()


class Session:
    """One bucket, one client, made at the first request; for many threads.

    Args:
        retries: how often a request is made again that did no harm.
        pace: how fast requests to the server may go.
    """

    def __init__(self, bucket: str, url: str, access: "Access", retries: int, pace: Pace) -> None:
        self.bucket = bucket
        self.url = url
        self._access = access
        self._retries = retries
        self._pace = pace
        self._lock = threading.Lock()
        self._made: Client | None = None
        self._shown = ("", "", "")

    def client(self) -> "Client":
        """The client, with the keys that are good now."""
        keys = self._access.current()
        with self._lock:
            if self._made is None:
                from bucketrelay.clouds.huawei.client import Client  # noqa: PLC0415 - loads the SDK

                self._made, self._shown = Client(self._access, keys), keys
            elif keys != self._shown:
                self._made.refresh(keys[0], keys[1], keys[2] or None)
                self._shown = keys
            return self._made

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def send(self, call: Callable[[], T], url: str = "") -> T:
        """Make a request in its turn, about the object *url* or the bucket; again where its error lets it."""
        return self._pace.send(call, url or self.url, retries=self._retries)

    def get(self, key: str, url: str, span: str = "", *, match: str = "", unless: str = "") -> Answer:
        """Ask for an object, or for the *span* `bytes=0-99` of it, of the version *match*, unless it is *unless*."""
        from obs import GetObjectHeader  # noqa: PLC0415 - the SDK loads with the first request

        # ETags without quotes, as OBS documents them.
        wanted = GetObjectHeader(range=span or None, if_match=match or None, if_none_match=unless or None)
        client = self.client()
        with translated(url):
            result = client.getObject(self.bucket, key, headers=wanted)
        if result.status == 304:
            return Answer(url, changed=False, headers=dict(result.header))
        headers = checked(result, url)
        answer = Answer(url, changed=True, headers=headers, response=result.body.response)
        if not answer.etag:
            answer.drop()
            raise StoreUnavailable(f"{url}: an answer without an ETag is no object: try again later")
        if unless and answer.etag == unless:  # a server that ignores If-None-Match
            answer.drop()
            return Answer(url, changed=False, headers=headers)
        return answer

    def head(self, key: str, url: str) -> Mapping[str, str]:
        """The headers of an object. Raises Bare404 where it may be missing."""
        client = self.client()
        with translated(url):
            result = client.getObjectMetadata(self.bucket, key)
        headers = checked(result, url)
        if not headers.get("etag"):
            raise StoreUnavailable(f"{url}: an answer without an ETag is no object: try again later")
        return headers

    def tags(self, key: str, url: str, info: ObjectInfo) -> Mapping[str, str]:
        """The tags of the object."""
        client = self.client()
        with translated(url):
            result = client.object_tags(self.bucket, key, info.version)
        if result.status == 404 and result.errorCode == "NoSuchTagSet":
            return NOTHING
        checked(result, url)
        if not isinstance(result.body, dict):
            raise StoreUnavailable(f"{url}: what was answered is no set of tags: try again later")
        return MappingProxyType(result.body)

    def page(self, prefix: str, marker: str) -> Page:
        """The keys after *marker*, up to 1,000."""
        client = self.client()
        with translated(self.url):
            result = client.listObjects(
                self.bucket, prefix=prefix or None, marker=marker or None, max_keys=1000, encoding_type="url"
            )
        checked(result, self.url)
        if not isinstance(result.body, Page):
            raise StoreUnavailable(f"{self.url}: what was answered is no listing: try again later")
        if result.body.next and result.body.next.encode() <= marker.encode():
            raise StoreUnavailable(f"{self.url}: the listing turns back at {result.body.next!r}: try again later")
        return result.body


def checked(result: Any, url: str, *, write: bool = False) -> Mapping[str, str]:
    """The answer's raw headers; raises what an error answer means."""
    if result.status >= 300:
        after = seconds(_header(result.header, "retry-after"))
        raise refusal(result.status, result.errorCode or "", result.errorMessage or "", url, write=write, after=after)
    return dict(result.header)


def _header(headers: Any, name: str) -> str:
    """Of an error's answer, whose names the SDK leaves as they came."""
    return next((str(value) for key, value in headers or () if str(key).lower() == name), "")
