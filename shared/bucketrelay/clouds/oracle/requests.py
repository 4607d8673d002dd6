"""Requests of one store, one at a time: which may be tried again, and what their errors mean."""

import threading
from collections.abc import Callable
from typing import Any, Literal

from bucketrelay.clouds.oracle.client import Access, close, connected
from bucketrelay.clouds.oracle.errors import translated
from bucketrelay.clouds.oracle.fields import Body
from bucketrelay.http.pace import Pace
from bucketrelay.model import Address

Effect = Literal["read", "stage", "publish"]  # stage: makes nothing visible, but is not to be done twice


class Calls:
    """Sends requests to one bucket; makes the client at the first one.

    Args:
        access: how.
        address: the store's; without a namespace the service is asked for the tenancy's.
        retries: how often an attempt is made again that did no harm.
        pace: how fast requests to the service may go.
    """

    def __init__(self, access: Access, address: Address, retries: int, pace: Pace) -> None:
        self._access, self._address, self._retries, self._pace = access, address, retries, pace
        self._lock = threading.Lock()
        self._connected: Any = None
        self._namespace = address.namespace

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            client, self._connected = self._connected, None
        if client is not None:
            close(client)

    def send(self, operation: str, key: str, effect: Effect, *given: Any, **asked: Any) -> Any:
        """One operation of the SDK, called with namespace and bucket, *given*, the `body` of *asked*, and the rest.

        A `read` is tried again after whatever may pass; a write only after what surely did nothing: see `Pace.send`.

        Args:
            key: for the text of errors, and no more than that.
        """
        return self._repeated(lambda: self._once(operation, *given, **asked), operation, key, effect)

    def ask(self, operation: str, key: str, *given: Any) -> Any:
        """An operation that is of no bucket, tried again like a `read`; else as `send`."""
        return self._repeated(lambda: getattr(self._client()[0], operation)(*given), operation, key, "read")

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and region of the bucket."""
        client, namespace = self._reached()
        return namespace, client.base_client.config.get("region") or getattr(client.base_client.signer, "region", "")

    @property
    def server(self) -> str:
        """Whose server it is: Oracle's realm, or the address of another."""
        if self._access.endpoint:
            return self._access.endpoint.rstrip("/").lower()
        region = self.place[1]
        from oci.regions import get_realm_from_region  # noqa: PLC0415  the SDK is loaded now

        return str(get_realm_from_region(region))

    def _reached(self) -> tuple[Any, str]:
        try:
            return self._client()
        except Exception as error:
            raise translated(error, self._address.url) from error

    def _repeated(self, once: Callable[[], Any], operation: str, key: str, effect: Effect) -> Any:
        url, upload = self._address.of(key), "multipart" in operation or operation == "upload_part"

        def call() -> Any:
            try:
                return once()
            except Exception as error:
                raise translated(error, url, write=effect != "read", upload=upload) from error

        return self._pace.send(call, url, retries=self._retries)

    def _once(self, operation: str, *given: Any, body: bytes | bytearray | None = None, **asked: Any) -> Any:
        client, namespace = self._client()
        sent = () if body is None else (Body(body) if isinstance(body, bytearray) else body,)
        return getattr(client, operation)(namespace, self._address.bucket, *given, *sent, **asked)

    def _client(self) -> tuple[Any, str]:
        with self._lock:
            if self._connected is None:
                self._connected = connected(self._access, self._address.url)
            if not self._namespace:
                self._namespace = self._connected.get_namespace().data
            return self._connected, self._namespace
