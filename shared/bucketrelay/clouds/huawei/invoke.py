"""FunctionGraph: `invocations-async`, as the function's agency.

A function is not told its own URN: the context has the project, the group, the name and the version, and nothing
documented has the region. So the URN is a setting, `BUCKETRELAY_FUNCTION_URN`, in the environment or the user data.

Source: FunctionGraph API reference, "Executing a Function Asynchronously" (functiongraph_06_0126); IAM action
`functiongraph:function:invokeAsync`; the body may have 256 KB.
"""

import json
import os
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bucketrelay.clouds.huawei.sign import Keys, api_authorization
from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    import http.client

URN = "BUCKETRELAY_FUNCTION_URN"
ENDPOINT = "BUCKETRELAY_FUNCTIONGRAPH_ENDPOINT"  # where it is not https://functiongraph.{region}.myhuaweicloud.com
_TIMEOUT = 3.0  # seconds
_LONGEST_ANSWER = 64 * 1024  # bytes
_URN = re.compile(r"urn:fss:([a-z0-9-]+):([A-Za-z0-9_-]+):function:[^:\s]+:[^:\s]+(?::[^:\s]+)?")
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
    said = _URN.fullmatch(urn)
    if not said:
        given = f"is {urn[:200]!r}, no URN of a function" if urn else "is not set"
        raise StoreRefused(f"{URN} {given}: copy the URN from the function's page into an environment variable")
    if not (keys[0] and keys[1]):
        raise StoreRefused(
            f"{urn}: the function has no agency: give it one that may functiongraph:function:invokeAsync"
        )
    region, project = said.groups()
    endpoint = os.environ.get(ENDPOINT) or lookup(ENDPOINT) or f"https://functiongraph.{region}.myhuaweicloud.com"
    path = f"/v2/{quote(project)}/fgs/functions/{quote(urn, safe='')}/invocations-async"
    status, body = _post(endpoint, path, payload, {**_temporary(keys), "X-Project-Id": project}, keys)
    if status != 202:
        raise _refusal(f"{urn}: {status} {_words(body)}".strip(), status)


def _temporary(keys: Keys) -> dict[str, str]:
    return {"X-Security-Token": keys[2]} if keys[2] else {}


def _post(endpoint: str, path: str, payload: bytes, headers: dict[str, str], keys: Keys) -> tuple[int, bytes]:
    import http.client  # noqa: PLC0415 — only a function that has run out of time needs it

    connection = _connection(endpoint)
    try:
        connection.request("POST", path, payload, _signed(endpoint, path, payload, headers, keys))
        answer = connection.getresponse()
        return answer.status, answer.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise StoreUnavailable(f"{endpoint}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _connection(endpoint: str) -> "http.client.HTTPConnection":
    import http.client  # noqa: PLC0415 — as above
    import ssl  # noqa: PLC0415 — as above

    place = urlsplit(endpoint)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise StoreRefused(f"{ENDPOINT} is {endpoint[:200]!r}: write https://host")
    if place.scheme == "http":
        return http.client.HTTPConnection(place.hostname, place.port, timeout=_TIMEOUT)
    trusted = ssl.create_default_context()
    if not trusted.cert_store_stats()["x509_ca"]:  # a slim image; the OBS SDK's extra brings certifi
        import certifi  # noqa: PLC0415 — as above

        trusted.load_verify_locations(certifi.where())
    return http.client.HTTPSConnection(place.hostname, place.port, timeout=_TIMEOUT, context=trusted)


def _signed(endpoint: str, path: str, payload: bytes, headers: dict[str, str], keys: Keys) -> dict[str, str]:
    """The headers, with those of SDK-HMAC-SHA256."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    signed = {"Content-Type": "application/json", "Host": urlsplit(endpoint).netloc, "X-Sdk-Date": date, **headers}
    return {**signed, "Authorization": api_authorization("POST", path, (), signed, payload, keys)}


def _refusal(text: str, status: int) -> RelayError:
    if status in (408, 429) or status >= 500:
        return StoreUnavailable(text)
    return StoreRefused(f"{text}: {_REMEDIES.get(status, 'check the URN and the permissions of the agency')}")


def _words(body: bytes) -> str:
    """What the service says went wrong."""
    try:
        said = json.loads(body)
        words = f"{said['error_code']} {said['error_msg']}"[:300].encode("utf-8", "replace").decode()
        return " ".join("".join(c if c.isprintable() else " " for c in words).split())
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
