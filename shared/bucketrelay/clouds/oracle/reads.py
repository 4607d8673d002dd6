"""The half of `OciStore` that only reads."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any

from bucketrelay.clouds.oracle.client import Access
from bucketrelay.clouds.oracle.errors import NotModified, OutOfRange, Unsaid, translated
from bucketrelay.clouds.oracle.fields import bare, full_key, info_of, listed, range_of
from bucketrelay.clouds.oracle.requests import Calls, Effect
from bucketrelay.clouds.storage_classes import USUAL
from bucketrelay.errors import ConfigError, Damaged, ObjectGone, SourceChanged, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.http.pace import Pace
from bucketrelay.model import NOTHING, Address, Fetched, ObjectInfo
from bucketrelay.store import CONTENT_HEADERS, Abilities, GiB, MiB, Write, pour_bytes

_AUTH = ("", "resource_principal", "instance_principal", "api_key")
_CHUNK = 256 * 1024  # urllib3 copies what it reads once: a chunk, not a part
_FIELDS = "name,size,etag,md5,timeModified"


class OciReads:
    """Looks at, reads and lists a bucket, or a prefix of one.

    Args:
        address: `oci://bucket@namespace[/prefix]`; without a namespace the service is asked for the tenancy's.
        region: such as `us-ashburn-1`; "" for the resource principal's or the configuration file's.
        endpoint: URL of a server that is not Oracle's.
        auth: `resource_principal`, `instance_principal` or `api_key`; "" for a resource principal where the
            environment has one and no key is configured, else an API key.
        config_file: of the SDK, "" for `~/.oci/config`; with *profile*.
        user: with *tenancy*, *fingerprint* and *key_file*: an API key, instead of what the file says.
        storage_classes: other stores' classes and the tier here that each becomes, beside the usual ones.
        ca_file: certificates to trust instead of those of certifi.
        timeout: seconds to connect, and to wait for each piece of an answer.
        retries: how often an attempt is made again; one that may have published something is not.
        pace: of the service, shared by its stores.
    """

    def __init__(  # noqa: PLR0913  one parameter for each key of the store's configuration
        self,
        address: Address,
        *,
        region: str = "",
        endpoint: str = "",
        auth: str = "",
        config_file: str = "",
        profile: str = "",
        user: str = "",
        tenancy: str = "",
        fingerprint: str = "",
        key_file: str = "",
        storage_classes: Mapping[str, str] = NOTHING,
        ca_file: str = "",
        timeout: float = 10.0,
        retries: int = 2,
        pace: Pace | None = None,
    ) -> None:
        if auth not in _AUTH:
            raise ConfigError([f"auth: {auth!r} is none of {', '.join(filter(None, _AUTH))}"])
        self._address = address
        access = Access(
            region, endpoint, auth, config_file, profile, user, tenancy, fingerprint, key_file, ca_file, timeout
        )
        self._calls = Calls(access, address, retries, pace or Pace())
        classes = MappingProxyType({**USUAL["oci"], **storage_classes})
        self._abilities = Abilities(
            headers=CONTENT_HEADERS - {"expires"},
            min_part=10 * MiB,
            max_part=50 * GiB,
            max_object=10 * 1024 * GiB,
            classes=classes,
            consistent=True,
            creates_once=True,
        )

    def __repr__(self) -> str:
        return f"OciStore({self._address.url})"

    @property
    def address(self) -> Address:
        """Where it is."""
        return self._address

    @property
    def abilities(self) -> Abilities:
        """What Oracle documents: no Expires, no tags; parts of 10 MiB to 50 GiB, 10,000 of them; objects of 10 TiB.

        How much metadata an object may have is not documented (a bucket: 4 KB): 2 KiB is what S3 allows.
        """
        return self._abilities

    @property
    def conditional(self) -> bool:
        """True: If-Match and If-None-Match are documented of PutObject, CommitMultipartUpload and DeleteObject."""
        return True

    @property
    def calls(self) -> Calls:
        """Its requests: a copy is asked of the source's region, with the source's credentials."""
        return self._calls

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._calls.close()

    def look(self, key: str, *, sure: bool = True) -> ObjectInfo | None:
        """HeadObject. Its 404 has no body: where *sure*, a GetObject of one byte tells the key from the bucket."""
        try:
            return info_of(key, self._of_key("head_object", key).headers, url=self._address.of(key))
        except ObjectGone:
            return None
        except Unsaid:
            if not sure:
                return None
        found = self.fetch(key, 1)
        return found.info if found else None

    def fetch(self, key: str, length: int, *, unless: str = "", size: int | None = None) -> Fetched | None:
        """GetObject of the first *length* bytes."""
        asked: dict[str, Any] = {"if_none_match": unless} if unless else {}
        ranged: dict[str, Any] = {} if size == 0 else {"range": f"bytes=0-{length - 1}"}
        try:
            try:
                answer = self._of_key("get_object", key, **asked, **ranged)
            except OutOfRange:  # an empty object has no first byte
                answer = self._of_key("get_object", key, **asked)
        except NotModified as same:
            etag = bare(same.headers.get("etag", "")) or unless
            return Fetched(ObjectInfo(key, -1, etag, http_date(same.headers.get("last-modified"))), None)
        except ObjectGone:
            return None
        info = info_of(key, answer.headers, url=self._address.of(key))
        with closing(answer.data):
            return Fetched(info, self._received(key, answer, min(length, info.size)))

    def read(self, info: ObjectInfo, start: int, length: int) -> bytes | bytearray:
        """GetObject of a range with If-Match; the answer's own ETag and range are compared too."""
        asked = f"bytes={start}-{start + length - 1}"
        answer = self._of_key("get_object", info.key, if_match=info.etag, range=asked)
        with closing(answer.data):
            url = self._address.of(info.key)
            found = info_of(info.key, answer.headers, url=url)
            if (found.etag, found.size) != (info.etag, info.size):
                raise SourceChanged(f"{url} is not the version {info.etag} any more: look again")
            part = range_of(answer.headers) or (0, found.size, found.size)
            if part[:2] != (start, length):
                raise Damaged(f"{url}: asked for {asked}, got {part[1]} bytes from {part[0]}: start over")
            return self._received(info.key, answer, length)

    def pour(self, info: ObjectInfo, start: int, length: int, write: Write) -> None:
        """See Store: one `read`, handed over in blocks."""
        pour_bytes(self.read(info, start, length), write)

    def list(self, prefix: str = "", after: str = "") -> Iterator[ObjectInfo]:
        """ListObjects; the order is checked, as a comparison of two listings would delete for a wrong one."""
        last, place = after, self._address.prefix
        asked = {"prefix": place + prefix, "start_after": place + after if after else "", "fields": _FIELDS}
        while True:
            page = self._page(asked)
            for entry in page["objects"]:
                if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
                    raise StoreUnavailable(f"{self._address.url}: an entry without a name: check endpoint and proxy")
                key = self._address.relative(entry["name"])
                if key is None or not key.startswith(prefix):
                    raise StoreUnavailable(f"{self._address.url}: {entry['name']!a} is listed and was not asked for")
                if key.encode() <= last.encode() and (last or not key):
                    raise StoreUnavailable(f"{self._address.url} lists {key!a} after {last!a}: try again later")
                last = key
                yield listed(entry, key)
            if not (following := page.get("nextStartWith")):
                return
            before = max(place + last, asked.get("start", ""), key=str.encode)
            if not isinstance(following, str) or following.encode() <= before.encode():
                raise StoreUnavailable(
                    f"{self._address.url}: the listing does not go on past {last!a}: try again later"
                )
            asked |= {"start": following, "start_after": ""}

    def _full(self, key: str) -> str:
        return full_key(self._address.prefix, key, self._address.of(key))

    def _of_key(self, operation: str, key: str, *, effect: Effect = "read", **asked: Any) -> Any:
        return self._calls.send(operation, key, effect, self._full(key), **asked)

    def _page(self, asked: Mapping[str, str]) -> dict[str, Any]:
        answer = self._calls.send("list_objects", "", "read", **{name: value for name, value in asked.items() if value})
        page = answer.data
        if not isinstance(page, dict) or not isinstance(page.get("objects"), list):
            # A proxy's page with status 200 is no listing; least of all is it an empty one.
            raise StoreUnavailable(f"{self._address.url}: the answer is no listing: check endpoint and proxy")
        return page

    def _received(self, key: str, answer: Any, length: int) -> bytearray:
        """Exactly *length* bytes of an answer's body as they came over the wire, held once."""
        held, filled, raw = bytearray(length), 0, answer.data.raw
        try:
            while got := raw.read(max(1, min(_CHUNK, length - filled)), decode_content=False):
                held[filled : filled + len(got)] = got
                filled += len(got)
                if filled >= length:
                    break
        except Exception as error:
            raise translated(error, self._address.of(key)) from error
        if filled != length:
            raise Damaged(f"{self._address.of(key)}: {filled} bytes came instead of {length}: start over")
        return held
