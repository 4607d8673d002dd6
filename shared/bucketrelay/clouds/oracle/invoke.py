"""OCI Functions: `InvokeFunction` with `fn-invoke-type: detached`, as the function's resource principal.

A function is not told its own invoke endpoint. It is a setting, `BUCKETRELAY_INVOKE_ENDPOINT`; without it the service
is asked, for which the policies must let the function be read.

Source: Functions API, InvokeFunction and GetFunction; "Details for Functions" in the policy reference.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable

ENDPOINT = "BUCKETRELAY_INVOKE_ENDPOINT"
SERVICE = "BUCKETRELAY_FUNCTIONS_ENDPOINT"  # where it is not https://functions.{region}.oci.oraclecloud.com
_TIMEOUT = (1.5, 3.0)  # seconds to connect and to answer
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
    signer = _signer(function)
    endpoint = os.environ.get(ENDPOINT) or _endpoint(function, signer)
    from oci.functions import FunctionsInvokeClient  # noqa: PLC0415 — only a function that has run out of time needs it

    def detached(client: Any) -> None:
        client.invoke_function(function, invoke_function_body=payload, fn_invoke_type="detached")

    _ask(FunctionsInvokeClient, signer, endpoint, detached, _Refusals(function, _INVOKE))


def _signer(function: str) -> Any:
    from oci.auth.signers import get_resource_principals_signer  # noqa: PLC0415 — as above

    try:
        return get_resource_principals_signer()
    except Exception as error:
        text = " ".join(str(error).split())
        raise StoreRefused(f"{function}: no resource principal: {text}: make a dynamic group for it") from error


def _endpoint(function: str, signer: Any) -> str:
    from oci.functions import FunctionsManagementClient  # noqa: PLC0415 — as above

    def asked(client: Any) -> Any:
        return client.get_function(function).data.invoke_endpoint

    found = _ask(FunctionsManagementClient, signer, os.environ.get(SERVICE, ""), asked, _Refusals(function, _READ))
    if not isinstance(found, str) or not found:
        raise StoreUnavailable(f"{function}: the service names no invoke endpoint: set {ENDPOINT}")
    return found


class _Refusals(NamedTuple):
    """What to say where the SDK raises."""

    function: str
    remedy: str

    def of(self, error: Exception) -> RelayError:
        from oci._vendor.requests.exceptions import RequestException  # noqa: PLC0415 — as above
        from oci.exceptions import ServiceError  # noqa: PLC0415 — as above

        text = " ".join(str(error).split())
        if isinstance(error, ServiceError):
            text = f"{error.status} {error.code} {error.message}"
            if error.status in (408, 429) or error.status >= 500:
                return StoreUnavailable(f"{self.function}: {text}")
        elif isinstance(error, RequestException | ConnectionError | TimeoutError):
            return StoreUnavailable(f"{self.function}: {text}")
        return StoreRefused(f"{self.function}: {text}: {self.remedy}")


def _ask(made: Any, signer: Any, endpoint: str, call: Callable[[Any], Any], refusals: _Refusals) -> Any:
    """What *call* gives, with a client of the class *made* that tries once."""
    from oci.circuit_breaker import NoCircuitBreakerStrategy  # noqa: PLC0415 — as above
    from oci.retry import NoneRetryStrategy  # noqa: PLC0415 — as above

    try:
        client = made(
            {"region": signer.region},
            signer=signer,
            timeout=_TIMEOUT,
            retry_strategy=NoneRetryStrategy(),
            circuit_breaker_strategy=NoCircuitBreakerStrategy(),
            **({"service_endpoint": endpoint.rstrip("/")} if endpoint else {}),
        )
        try:
            return call(client)
        finally:
            client.base_client.session.close()
    except Exception as error:
        raise refusals.of(error) from error
