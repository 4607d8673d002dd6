"""A local stand-in of Oracle Object Storage: real signatures checked, objects in memory, faults to order, events told.

with OciEmulator() as cloud:
    cloud.create_bucket("photos")
    cloud.client().put_object(cloud.namespace, "photos", "a.txt", b"hello")
    cloud.engine.bucket("photos", cloud.namespace).get("a.txt").body
"""

import functools
import queue
import ssl
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bucketrelay_emulators.engine.engine import Bucket, Engine
from bucketrelay_emulators.engine.values import Change, random_etag
from bucketrelay_emulators.oci.copies import Copies
from bucketrelay_emulators.oci.events import COMPARTMENT, event
from bucketrelay_emulators.oci.http import Front, OciServer
from bucketrelay_emulators.oci.rules import Rules
from bucketrelay_emulators.oci.sign import SKEW, Keys, fingerprint, pem, private_key, token
from bucketrelay_emulators.server.serving import Running

TENANCY = "ocid1.tenancy.oc1..aaaaexample"
USER = "ocid1.user.oc1..aaaaexample"


@functools.cache
def _signer(tenancy: str, user: str, fingerprint: str, key: str) -> Any:
    """The SDK's signer, made once: it checks the key whenever it reads it, which takes 40 ms."""
    from oci.signer import Signer  # optional

    return Signer(tenancy, user, fingerprint, private_key_file_location=None, private_key_content=key)


class OciEmulator(Running):
    """Object Storage of one tenancy on 127.0.0.1, from construction until `close` or the end of the `with` block.

    Args:
        port: 0 for a free one.
        namespace: what GetNamespace answers; buckets may be made in other namespaces too.
        region: what credentials name. Buckets of all regions are found by namespace and name alone.
        tls: the server's certificate; the endpoint is then https.
        engine: where the objects live, if they shall outlive the emulator.
        min_part: how small a part may be that is not the last (10 MiB at Oracle); 0 lets tests use small ones.
        skew: how far off the date of a request may be.
    """

    def __init__(
        self,
        port: int = 0,
        namespace: str = "mytenancy",
        *,
        region: str = "us-phoenix-1",
        tls: ssl.SSLContext | None = None,
        engine: Engine | None = None,
        min_part: int = 0,
        skew: timedelta = SKEW,
    ) -> None:
        self.namespace, self.region = namespace, region
        self.engine = engine or Engine(etag=random_etag)
        self._key, self._issuer = private_key("api"), private_key("issuer")
        key_id = f"{TENANCY}/{USER}/{fingerprint(self._key.public_key())}"
        keys = Keys({key_id: self._key.public_key()}, self._issuer.public_key(), skew)
        self._front = Front(self.engine, namespace, keys, min_part=min_part)
        self._server = OciServer(self._front, port=port, tls=tls)
        self._folder = tempfile.TemporaryDirectory(prefix="oci-emulator-")
        self._clients: list[Any] = []
        self._unsubscribe: list[Callable[[], None]] = []
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.port}"
        self.config = self._write_config()
        self.config_file = str(Path(self._folder.name, "config"))
        self._server.start()

    def close(self) -> None:
        """Stop the server, close the clients, remove the throw-away credentials."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for client in self._clients:
            client.base_client.session.close()
        super().close()
        self._folder.cleanup()

    @property
    def copies(self) -> Copies:
        """The work requests of copyObject: `polls`, `fail_next()`, `finish()`."""
        return self._front.copies

    @property
    def denied(self) -> set[str]:
        """Names of buckets that callers may not see: they are answered as if they were not there."""
        return self._front.buckets.denied

    @property
    def rules(self) -> Rules:
        """The rules of Events, kept and not carried out, and the functions that can be asked for their limits."""
        return self._front.rules

    def create_bucket(self, name: str, namespace: str = "", *, events: bool = True) -> Bucket:
        """Make a bucket; with *events*, its changes are told (in the service they are not, unless switched on)."""
        return self._front.buckets.make(namespace or self.namespace, name, events=events)

    def bucket(self, name: str, namespace: str = "") -> Bucket:
        """What the engine holds of a bucket. Raises NoSuchBucket."""
        return self.engine.bucket(name, namespace or self.namespace)

    def subscribe(self, fn: Callable[[dict[str, object]], None]) -> Callable[[], None]:
        """Call *fn* with the OCI event of each change of an object; returns how to unsubscribe."""

        def tell(change: Change) -> None:
            if (change.namespace, change.bucket) in self._front.buckets.emitting:
                fn(event(change))

        unsubscribe = self.engine.subscribe(tell)
        self._unsubscribe.append(unsubscribe)
        return unsubscribe

    def events(self) -> "queue.SimpleQueue[dict[str, object]]":
        """A queue that receives the event of each change from now on."""
        received: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self.subscribe(received.put)
        return received

    def client(self, config: dict[str, str] | None = None, **options: object) -> Any:
        """An `oci.object_storage.ObjectStorageClient` of this emulator, with a throw-away API key; no retries.

        Args:
            config: other credentials than `self.config`.
            options: what the client's constructor takes.
        """
        import oci  # optional, and 0.3 s
        from oci.object_storage import ObjectStorageClient

        defaults = {
            "service_endpoint": self.endpoint,
            "timeout": (5, 30),
            "retry_strategy": oci.retry.NoneRetryStrategy(),
            "circuit_breaker_strategy": oci.circuit_breaker.NoCircuitBreakerStrategy(),
        }
        if config is None:
            defaults["signer"] = _signer(TENANCY, USER, self.config["fingerprint"], pem(self._key))
        made = ObjectStorageClient(dict(self.config if config is None else config), **{**defaults, **options})
        self._clients.append(made)
        return made

    def resource_principal(self, ttl: float = 3600) -> dict[str, str]:
        """The environment that OCI Functions gives to a function; its token is good for *ttl* seconds."""
        now = int(time.time())
        session = private_key("session")
        claims = {
            "sub": "ocid1.fnfunc.oc1.phx.aaaaexample",
            "res_tenant": TENANCY,
            "res_compartment": COMPARTMENT,
            "iat": now,
            "exp": int(now + ttl),
        }
        return {
            "OCI_RESOURCE_PRINCIPAL_VERSION": "2.2",
            "OCI_RESOURCE_PRINCIPAL_REGION": self.region,
            "OCI_RESOURCE_PRINCIPAL_RPST": self._write("rpst", token(self._issuer, session.public_key(), claims)),
            "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM": self._write("private.pem", pem(session)),
        }

    def _write_config(self) -> dict[str, str]:
        config = {
            "user": USER,
            "fingerprint": fingerprint(self._key.public_key()),
            "tenancy": TENANCY,
            "region": self.region,
            "key_file": self._write("api_key.pem", pem(self._key)),
        }
        self._write("config", "\n".join(["[DEFAULT]", *(f"{name}={value}" for name, value in config.items())]) + "\n")
        return config

    def _write(self, name: str, text: str) -> str:
        path = Path(self._folder.name, name)
        path.touch(mode=0o600)
        path.write_text(text)
        return str(path)
