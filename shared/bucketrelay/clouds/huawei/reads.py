"""The half of `ObsStore` that only reads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from bucketrelay.clouds.huawei.credentials import Access
from bucketrelay.clouds.huawei.errors import Archived, Bare404, OutOfRange
from bucketrelay.clouds.huawei.fields import first, info_of, total
from bucketrelay.clouds.huawei.requests import Answer, Session
from bucketrelay.clouds.storage_classes import USUAL
from bucketrelay.errors import Damaged, ObjectGone, SourceChanged, StoreUnavailable
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address, Fetched, ObjectInfo
from bucketrelay.store import Write, pour_bytes


class ObsReads:
    """Looks at, reads and lists a bucket of OBS, or a prefix of one.

    Args:
        address: `obs://bucket[/prefix]`.
        endpoint: of the bucket's region, `https://obs.cn-north-4.myhuaweicloud.com`.
        access_key: with *secret_key*, and *security_token* if they are temporary.
        keys: asked before each request for access key, secret key and token, instead of the three above: a function's
            agency renews them while the client lives.
        region: the SDK's; OBS's own signatures do not contain it.
        path_style: the bucket in the path, and the S3 way of signing; OBS itself refuses it, local servers need it.
        storage_classes: other stores' classes and the class here that each becomes, beside the usual ones.
        acl: a canned ACL of what is written, e.g. `bucket-owner-full-control` for a bucket of another account.
        sse: `kms` or `AES256`, of what is written; with *kms_key*, "" for the bucket's or the account's default key.
        ca_file: certificates to trust instead of certifi's.
        timeout: seconds to connect, and to wait for each piece of an answer.
        retries: how often a request is made again that did no harm.
        pace: of the server, shared by its stores.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each key of the store's configuration
        self,
        address: Address,
        *,
        endpoint: str,
        access_key: str = "",
        secret_key: str = "",
        security_token: str = "",
        keys: Callable[[], tuple[str, str, str]] | None = None,
        region: str = "",
        path_style: bool = False,
        storage_classes: Mapping[str, str] = NOTHING,
        acl: str = "",
        sse: str = "",
        kms_key: str = "",
        ca_file: str = "",
        timeout: float = 10.0,
        retries: int = 2,
        pace: Pace | None = None,
    ) -> None:
        access = Access(endpoint, access_key, secret_key, security_token, keys, region, path_style, ca_file, timeout)
        self._address = address
        self._server = access.server
        self._consistent = not path_style  # OBS itself refuses that: it is another server
        self._kept = {"acl": acl, "sse": sse, "kms_key": kms_key}
        self._classes = MappingProxyType({**USUAL["obs"], **storage_classes})
        self._session = Session(address.bucket, address.url, access, retries, pace or Pace())

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def server(self) -> str:
        """Whose server it is: the endpoint of one region, within which OBS can copy."""
        return self._server

    def close(self) -> None:
        """Close the connections that are kept alive; the next request opens new ones."""
        self._session.close()

    def look(self, key: str, *, sure: bool = True) -> ObjectInfo | None:
        """See Store. With *sure* a GET of the first byte, still one request: a GET's 404 says what is missing."""
        return self._session.send(lambda: self._peek(key) if sure else self._head(key), self._address.of(key))

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """See Store: one request; two for an empty object of which no event said that it is empty."""
        span = "" if size == 0 else f"bytes=0-{length - 1}"
        return self._session.send(lambda: self._fetch(key, length, span, unless), self._address.of(key))

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """See Store."""
        if not length:
            return b""
        return self._session.send(lambda: self._read(info, start, length), self._address.of(info.key))

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """See Store: one `read`, handed over in blocks."""
        pour_bytes(self.read(info, start, length), write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """See Store: pages of 1,000."""
        full = self._full(prefix)
        marker = self._full(after) if after else ""
        while True:
            page = self._session.send(lambda: self._session.page(full, marker))  # noqa: B023 - called here and now
            for entry in page.entries:
                if entry.key.startswith(full):
                    yield replace(entry, key=entry.key[len(self._address.prefix) :])
            if not page.next:
                return
            marker = page.next

    def tags(self, info: ObjectInfo) -> Mapping[str, str]:
        """See Tagged: of the version where there is one to name, else of what is there now."""
        url = self._address.of(info.key)
        return self._session.send(lambda: self._session.tags(self._full(info.key), url, info), url)

    def _full(self, key: str) -> str:
        return self._address.prefix + key

    def _place(self, key: str) -> tuple[str, str]:
        return self._address.bucket, self._full(key)

    def _open(self, key: str, span: str = "", *, match: str = "", unless: str = "") -> Answer:
        return self._session.get(self._full(key), self._address.of(key), span, match=match, unless=unless)

    def _head(self, key: str) -> ObjectInfo | None:
        url = self._address.of(key)
        try:
            headers = self._session.head(self._full(key), url)
        except Bare404:
            return None
        return _info(key, headers, url)

    def _peek(self, key: str, span: str = "bytes=0-0") -> ObjectInfo | None:
        try:
            answer = self._open(key, span)
        except OutOfRange:
            if not span:
                raise
            return self._peek(key, "")  # an empty object
        except ObjectGone:
            return None
        except Archived:
            # It answers no GET, but it is there, and HEAD describes it.
            if found := self._head(key):
                return found
            raise
        answer.drop()
        return _info(key, answer.headers, answer.url)

    def _fetch(self, key: str, length: int, span: str, unless: str) -> Fetched | None:
        try:
            answer = self._open(key, span, unless=unless)
        except OutOfRange:
            if not span:
                raise
            return self._fetch(key, length, "", unless)  # an empty object
        except ObjectGone:
            return None
        if not answer.changed:
            return Fetched(info_of(key, answer.headers, -1), None)
        info = _described(key, answer, 0)
        return Fetched(info, answer.take(min(length, info.size)))

    def _read(self, info: ObjectInfo, start: int, length: int) -> bytearray:
        answer = self._open(info.key, f"bytes={start}-{start + length - 1}", match=info.etag)
        found = _described(info.key, answer, start)
        if info.etag and found.etag != info.etag:  # a server that ignores If-Match
            answer.drop()
            raise SourceChanged(f"{answer.url}: overwritten since it was looked at: look again")
        return answer.take(length)


def _described(key: str, answer: Answer, start: int) -> ObjectInfo:
    """What the answer says of the object; its body must begin at *start*."""
    size = total(answer.headers)
    if size is None or first(answer.headers) != start:
        answer.drop()
        raise Damaged(f"{answer.url}: asked for bytes from {start}, answered something else: start over")
    return info_of(key, answer.headers, size)


def _info(key: str, headers: Mapping[str, str], url: str) -> ObjectInfo:
    if (size := total(headers)) is None:
        raise StoreUnavailable(f"{url}: an answer without a length: try again later")
    return info_of(key, headers, size)
