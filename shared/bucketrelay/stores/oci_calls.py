"""Requests of one store, one at a time: which may be tried again, and what their errors mean."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from bucketrelay.model import Address
from bucketrelay.stores.oci_client import Access, close, connected
from bucketrelay.stores.oci_errors import transient, translated, undone
from bucketrelay.stores.oci_wire import Body

Effect = Literal["read", "stage", "publish"]  # stage: makes nothing visible, but is not to be done twice
_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Calls:
    """Sends requests to one bucket; makes the client at the first one.

    Args:
        access: how.
        address: the store's; without a namespace the service is asked for the tenancy's.
        retries: how often an attempt is made again that did no harm.
    """

    def __init__(self, access: Access, address: Address, retries: int) -> None:
        self._access, self._address, self._retries = access, address, retries
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

        A `read` is tried again after whatever may pass; a write only after what surely did nothing. The time that this
        takes is bounded by (retries + 1) answers and pauses of at most five seconds.

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
        again = transient if effect == "read" else undone
        for attempt in range(self._retries + 1):
            try:
                return once()
            except Exception as error:
                if attempt == self._retries or not again(error):
                    upload = "multipart" in operation or operation == "upload_part"
                    url = self._address.of(key)
                    raise translated(error, url, write=effect == "publish", upload=upload) from error
                pause = _pause(error, attempt)
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

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


def _pause(error: Exception, attempt: int) -> float:
    """Seconds before the next attempt: what the service asks for, or twice as long each time; never more than five."""
    asked = str(getattr(error, "headers", {}).get("retry-after", ""))
    wanted = float(asked) if asked.isdecimal() else _PAUSE * 2**attempt * random.uniform(0.5, 1)  # noqa: S311  no secret
    return min(wanted, _LONGEST_PAUSE)
