"""The SDK's client as it is safe to use in a function: loaded late and light, no breaker, no surprises in transport.

`import oci` costs some 200 ms and 53 MiB; without PKCS#11 and DNS, of which nothing is used here, 45 ms and 5 MiB less
(medians of nine fresh processes, 276 and 233 ms on a busy machine; least 194 and 150).
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any
from weakref import ref

from bucketrelay.clouds.oracle.errors import translated
from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.store import LONGEST_DOCUMENT

POOL = 64  # connections kept: tasks at once and their parts; requests' own 10 would throw the rest away each time
_RESOURCE_PRINCIPAL = "OCI_RESOURCE_PRINCIPAL_VERSION"


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is and as whom we come. See `OciStore` for the fields."""

    region: str
    endpoint: str
    auth: str
    config_file: str
    profile: str
    user: str
    tenancy: str
    fingerprint: str
    key_file: str = field(repr=False)
    ca_file: str
    timeout: float


def connected(access: Access, url: str) -> Any:
    """An `oci.object_storage.ObjectStorageClient`; many threads may use it.

    Raises:
        StoreRefused: the credentials are missing or wrong.
        StoreUnavailable: the service that hands out credentials does not answer.
    """
    if access.ca_file:
        _check_authorities(access.ca_file, url)
    client_class = _sdk()
    _quiet()
    from oci.circuit_breaker import NoCircuitBreakerStrategy  # noqa: PLC0415  the SDK is loaded now
    from oci.retry import NoneRetryStrategy  # noqa: PLC0415

    try:
        config, options = _credentials(access)
        client = client_class(
            config,
            timeout=(access.timeout, access.timeout),
            # Open after ten errors, for 30 s, past the recovery of the service: poison for a process that is kept warm.
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
            # `http/pace.py` repeats: the SDK knows no difference between a read and a write that may be done.
            retry_strategy=NoneRetryStrategy(),
            # JSON as it came: making models of a listing's page costs more than the request.
            skip_deserialization=True,
            allow_control_chars=True,
            **({"service_endpoint": access.endpoint.rstrip("/")} if access.endpoint else {}),
            **options,
        )
    except Exception as error:
        raise _credential_error(error, url) from error
    client.base_client.session = _session(access.ca_file)
    return client


def _sdk() -> Any:
    """The client's class, loaded without what we do not need; as usual, should that fail some day."""
    if "oci" not in sys.modules:
        try:
            with _light():
                import_module("oci.object_storage")
        except ImportError:
            pass  # the plain import below says what is really missing
    try:
        return import_module("oci.object_storage").ObjectStorageClient
    except ImportError as error:
        raise StoreRefused(f"oci:// needs the package oci: pip install 'bucketrelay[oci]' ({error})") from error


class _Later(ModuleType):
    """A module that is loaded when somebody asks for something in it: `oci.pagination` imports all of `oci.dns`."""

    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)


@contextmanager
def _light() -> Iterator[None]:
    """Within: no PKCS#11, which the SDK can do without, and DNS later."""
    stand_ins: dict[str, ModuleType | None] = {"pkcs11": None, "oci.dns": _Later("oci.dns")}
    placed = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None means "not to be found": documented, not typed
    try:
        yield
    finally:
        for name in placed:
            sys.modules.pop(name, None)


def _credentials(access: Access) -> tuple[dict[str, Any], dict[str, Any]]:
    """The SDK's config and further arguments of the client."""
    auth = access.auth or _default(access)
    region = {"region": access.region} if access.region else {}
    if auth == "api_key":
        return _api_key(access) | region, {}
    from oci.auth import signers  # noqa: PLC0415  the SDK is loaded now

    if auth == "resource_principal":
        return region, {"signer": signers.get_resource_principals_signer()}
    return region, {"signer": signers.InstancePrincipalsSecurityTokenSigner()}


def _default(access: Access) -> str:
    if access.user or access.key_file or access.config_file or access.profile:
        return "api_key"
    return "resource_principal" if os.environ.get(_RESOURCE_PRINCIPAL) else "api_key"


def _api_key(access: Access) -> dict[str, Any]:
    own = {name: getattr(access, name) for name in ("user", "tenancy", "fingerprint", "key_file")}
    own = {name: value for name, value in own.items() if value}
    if access.endpoint:  # the SDK wants a region even where it will not be asked
        own = {"region": access.region or "us-ashburn-1", **own}
    if {"user", "tenancy", "fingerprint", "key_file"} <= own.keys():
        return own
    from oci.config import from_file  # noqa: PLC0415  the SDK is loaded now

    where = {"file_location": access.config_file, "profile_name": access.profile}
    filed = from_file(**{name: value for name, value in where.items() if value})
    return {**filed, **own, "region": access.region or filed.get("region") or own.get("region", "")}


def _credential_error(error: Exception, url: str) -> RelayError:
    from oci._vendor.requests.exceptions import RequestException  # noqa: PLC0415  the SDK is loaded now

    if isinstance(error, RequestException | ConnectionError | TimeoutError):
        return StoreUnavailable(f"{translated(error, url)}: no credentials could be had")
    text = " ".join(str(error).split())
    return StoreRefused(f"{url}: no usable credentials: {text}: set auth, or config_file, or user and key_file")


def _check_authorities(ca_file: str, url: str) -> None:
    """Else the first request would say so, in words of a network that is down."""
    import ssl  # noqa: PLC0415  the SDK needs it anyway, but not a moment sooner

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except OSError as error:
        raise StoreRefused(f"{url}: ca_file {ca_file} holds no certificates in PEM: {error}") from error


def _session(ca_file: str) -> Any:
    """The SDK's vendored requests session, with our transport."""
    from oci._vendor import requests  # noqa: PLC0415  the SDK is loaded now

    class Transport(requests.adapters.HTTPAdapter):  # type: ignore[misc]  # the SDK has no types
        def send(self, request: Any, **options: Any) -> Any:
            # The SDK says "Expect: 100-continue" and, with urllib3 2, does not wait: a service that refuses early then
            # takes the body for the next request of the connection.
            request.headers.pop("expect", None)
            # Not session.verify: REQUESTS_CA_BUNDLE of the environment goes before that. And never False.
            options["verify"] = ca_file or options.get("verify") or True
            answer = super().send(request, **options)
            answer.raw.stream = _bounded(answer.raw)
            return answer

        def close(self) -> None:
            """Nothing: the SDK closes the session after 412 and 413, under the other threads' requests."""

        def really_close(self) -> None:
            super().close()

    session = requests.Session()
    transport = Transport(pool_connections=4, pool_maxsize=POOL)
    session.mount("https://", transport)
    session.mount("http://", transport)
    session.headers["Accept-Encoding"] = "identity"  # the object's bytes, not gzip of them
    session.max_redirects = 0  # a signature is for one host
    return session


def _bounded(raw: Any) -> Any:
    """The stream of an answer that is read whole; decompressed, if somebody compresses against our wish."""
    from oci._vendor import requests  # noqa: PLC0415  the SDK is loaded now

    itself = ref(raw)  # or the answer would hold itself, and its connection stay open until somebody looks for circles

    def pieces(*given: Any, **options: Any) -> Iterator[bytes]:
        answer = itself()
        assert answer is not None, "whoever reads it holds it"
        left = LONGEST_DOCUMENT
        for piece in type(answer).stream(answer, *given, **options):
            left -= len(piece)
            if left < 0:
                answer.close()
                raise requests.exceptions.ContentDecodingError(f"an answer of more than {LONGEST_DOCUMENT} bytes")
            yield piece

    return pieces


def close(client: Any) -> None:
    """Close the connections of a client that `connected` made."""
    client.base_client.session.get_adapter("https://").really_close()


def _quiet() -> None:
    """Fdk sets the root logger to DEBUG: these would then log each request, names of objects included."""
    for name in ("oci", "urllib3", "circuitbreaker"):
        logging.getLogger(name).setLevel(logging.WARNING)
