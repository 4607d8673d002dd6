"""OCI Functions: `InvokeFunction` with `fn-invoke-type: detached`, as the function's resource principal.

A function is not told its own invoke endpoint. It is a setting, `BUCKETRELAY_INVOKE_ENDPOINT`; without it the service
is asked, for which the policies must let the function be read.

Source: Functions API, InvokeFunction and GetFunction; "Details for Functions" in the policy reference.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from bucketrelay.errors import StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from bucketrelay.clouds.oracle.service import Identities
    from bucketrelay.http.messages import Answer

ENDPOINT = "BUCKETRELAY_INVOKE_ENDPOINT"
SERVICE = "BUCKETRELAY_FUNCTIONS_ENDPOINT"  # where it is not https://functions.{region}.oci.oraclecloud.com
_VERSION = "20181201"  # of the API
_TIMEOUT = 3.0  # seconds to connect and to answer
_INVOKE = "allow the function's dynamic group to use fn-invocation in the function's compartment"
_READ = f"set {ENDPOINT}, or allow the function's dynamic group to read fn-function in the function's compartment"


def invoke(function: str, payload: bytes) -> None:
    """Call the function again.

    Args:
        function: `ctx.FnID()`, the function's OCID.
        payload: JSON.

    Raises:
        StoreUnavailable: no answer, or one that asks to try later.
        StoreRefused: the policies do not allow it, or there is no resource principal.
    """
    from bucketrelay.clouds.oracle.credentials import Access  # only a function out of time needs it
    from bucketrelay.clouds.oracle.service import Identities

    identities = Identities(Access(auth="resource_principal", timeout=_TIMEOUT, retries=0), function)
    try:
        identities.region  # noqa: B018 — finds who signs
    except StoreRefused as error:
        raise StoreRefused(f"{function}: no resource principal: make a dynamic group for it: {error}") from error
    endpoint = os.environ.get(ENDPOINT) or _endpoint(function, identities)
    with _remedy(_INVOKE):
        _ask(identities, endpoint, "POST", function, payload)


def _endpoint(function: str, identities: "Identities") -> str:
    from bucketrelay.clouds.oracle.requests import document  # as above

    with _remedy(_READ):
        answer = _ask(identities, os.environ.get(SERVICE, ""), "GET", function)
        told = document(answer, function)
    endpoint = told.get("invokeEndpoint") if isinstance(told, Mapping) else None
    if not isinstance(endpoint, str) or not endpoint:
        raise StoreUnavailable(f"{function}: the service names no invoke endpoint: set {ENDPOINT}")
    return endpoint


@contextmanager
def _remedy(words: str) -> Iterator[None]:
    try:
        yield
    except StoreRefused as error:
        raise StoreRefused(f"{error}: {words}") from error


def _ask(identities: "Identities", endpoint: str, method: str, function: str, payload: bytes | None = None) -> "Answer":
    """One request about the function, made once."""
    from bucketrelay.clouds.oracle.service import NOTHING_GIVEN, Given, Service  # as above
    from bucketrelay.http.exchange import Call
    from bucketrelay.http.outcome import Effect
    from bucketrelay.http.pace import Pace

    path, effect, given = f"/{_VERSION}/functions/{quote(function, safe='')}", Effect.READ, NOTHING_GIVEN
    if payload is not None:
        path, effect = f"{path}/actions/invoke", Effect.PUBLISHING_WRITE
        given = Given(headers={"fn-invoke-type": "detached"}, details=payload)
    service = Service("functions", identities, Pace(), endpoint.rstrip("/"))
    try:
        return service.send(Call(function, effect), method, path, given)
    finally:
        service.close()
