"""FunctionGraph: `invocations-async`, as the function's agency.

A function is not told its own URN: the context has the project, the group, the name and the version, and nothing
documented has the region. So the URN is a setting, `BUCKETRELAY_FUNCTION_URN`, in the environment or the user data.

Source: FunctionGraph API reference, "Executing a Function Asynchronously" (functiongraph_06_0126); IAM action
`functiongraph:function:invokeAsync`; the body may have 256 KB.
"""

import json
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from bucketrelay.clouds.huawei.sign import Keys, api_authorization
from bucketrelay.errors import ConfigError, StoreRefused

if TYPE_CHECKING:
    from bucketrelay.http.messages import Answer
    from bucketrelay.http.outcome import Refusal

URN = "BUCKETRELAY_FUNCTION_URN"
ENDPOINT = "BUCKETRELAY_FUNCTIONGRAPH_ENDPOINT"  # where it is not https://functiongraph.{region}.myhuaweicloud.com
_TIMEOUT = 3.0  # seconds
_URN = r"urn:fss:([a-z0-9-]+):([A-Za-z0-9_-]+):function:[^:\s]+:[^:\s]+(?::[^:\s]+)?"
_REMEDIES = {
    401: "check the function's agency",
    403: "give the function's agency the permission functiongraph:function:invokeAsync",
    404: f"check {URN}",
    413: "the tasks are too many for one call: replay the failed list",
}


def invoke(keys: Keys, lookup: Callable[[str], str | None], payload: bytes) -> None:
    """Call the function again.

    Args:
        keys: the agency's, of this invocation.
        lookup: `context.getUserData`, for the settings that the environment does not have.
        payload: JSON.

    Raises:
        StoreUnavailable: no answer, or one that asks to try later.
        StoreRefused: the URN or the agency is missing, or the agency may not.
    """
    urn = os.environ.get(URN) or lookup(URN) or ""
    match = re.fullmatch(_URN, urn)
    if not match:
        given = f"is {urn[:200]!r}, no URN of a function" if urn else "is not set"
        raise StoreRefused(f"{URN} {given}: copy the URN from the function's page into an environment variable")
    if not (keys[0] and keys[1]):
        raise StoreRefused(
            f"{urn}: the function has no agency: give it one that may functiongraph:function:invokeAsync"
        )
    region, project = match.groups()
    endpoint = os.environ.get(ENDPOINT) or lookup(ENDPOINT) or f"https://functiongraph.{region}.myhuaweicloud.com"
    path = f"/v2/{quote(project)}/fgs/functions/{quote(urn, safe='')}/invocations-async"
    _post(urn, endpoint, path, payload, {**_temporary(keys), "X-Project-Id": project}, keys)


def _temporary(keys: Keys) -> dict[str, str]:
    return {"X-Security-Token": keys[2]} if keys[2] else {}


def _post(urn: str, endpoint: str, path: str, payload: bytes, headers: dict[str, str], keys: Keys) -> None:
    from bucketrelay.http.connections import Connections  # only a function that has run out of time
    from bucketrelay.http.exchange import Call, Exchange
    from bucketrelay.http.messages import Request
    from bucketrelay.http.outcome import Dialect, Effect
    from bucketrelay.http.pace import Pace

    try:
        connections = Connections(endpoint, timeout=_TIMEOUT)
    except ConfigError as error:
        raise StoreRefused(f"{ENDPOINT} is {endpoint[:200]!r}: write https://host") from error
    exchange = Exchange(connections, Pace(), 0, Dialect({}), _refusal)
    call = Call(urn, Effect.PUBLISHING_WRITE)

    def request() -> Request:
        date = exchange.clock.now().strftime("%Y%m%dT%H%M%SZ")
        signed = {"Content-Type": "application/json", "Host": connections.host, "X-Sdk-Date": date, **headers}
        signed["Authorization"] = api_authorization("POST", path, (), signed, payload, keys)
        return Request("POST", path, {name.lower(): value for name, value in signed.items()}, payload)

    def check(answer: "Answer") -> None:
        if answer.status != 202:
            raise exchange.error_of(call, answer)

    try:
        exchange.send(call, request, check=check)
    except StoreRefused as error:
        status = getattr(error.__cause__, "status", 0)
        raise StoreRefused(
            f"{error}: {_REMEDIES.get(status, 'check the URN and the permissions of the agency')}"
        ) from error
    finally:
        connections.close()


def _refusal(answer: "Answer") -> "tuple[Refusal, str]":
    """What the service says went wrong."""
    from bucketrelay.http.outcome import Refusal  # as above

    code = words = ""
    try:
        told = json.loads(answer.body)
        code, words = _line(told["error_code"]), _line(told["error_msg"])
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # a gateway's page
    return Refusal(answer.status, code, words, answer.headers), ""


def _line(text: object) -> str:
    words = str(text)[:300].encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())
