"""Lambda: `Invoke` with the invocation type Event, as the function's own role.

Lambda stops a function that calls itself after some 16 times ("recursive loop detection", by the trace header that is
passed on), unless its setting says that it means to: `RecursiveLoop: Allow` in a template,
`aws lambda put-function-recursion-config --recursive-loop Allow` by hand. What it stops goes to the function's
dead-letter queue or failure destination.

Source: Lambda API reference, Invoke; developer guide, "Lambda recursive loop detection".
"""

import hashlib
import json
import os
from contextlib import closing, suppress
from urllib.parse import quote

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.credentials import Credentials
from bucketrelay.clouds.aws.partitions import domain
from bucketrelay.clouds.aws.requests import trace
from bucketrelay.clouds.aws.sign import Keys, sign
from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.clock import Clock
from bucketrelay.http.connections import Connections
from bucketrelay.http.faults import NoAnswer, Untrusted
from bucketrelay.http.messages import Answer, Request

_TIMEOUT = 3.0  # seconds; an asynchronous call is answered in some 50 ms
_BUSY = frozenset({"TooManyRequestsException", "ThrottlingException", "EC2ThrottledException"})
_REMEDIES = {
    "AccessDeniedException": "allow lambda:InvokeFunction on this function to its own role",
    "RecursiveInvocationException": "set the function's recursive loop detection to Allow",
    "ResourceNotFoundException": "the version or alias that was called is gone: deploy, then replay",
}


def invoke(arn: str, payload: bytes) -> None:
    """Call the function again.

    Args:
        arn: `context.invoked_function_arn`; with its version or alias, if it was called by one.
        payload: JSON.

    Raises:
        StoreUnavailable: no answer, or one that asks to try later.
        StoreRefused: the role may not, or the function is gone.
    """
    region = arn.split(":")[3]
    access = Access(region=region).complete()
    try:
        keys = Credentials(access, arn).current()
    except StoreRefused as error:
        raise StoreRefused(f"{error}: give the function a role") from error
    connections = Connections(_endpoint(region), ca_file=access.ca_file, timeout=_TIMEOUT)
    with closing(connections):
        try:
            # Not repeatable: the function would run twice.
            answer = connections.send(_request(arn, region, payload, keys, connections.host), repeatable=False)
        except Untrusted as fault:
            raise StoreRefused(f"{arn}: {fault}: set AWS_CA_BUNDLE to its authority's") from fault
        except NoAnswer as fault:
            raise StoreUnavailable(f"{arn}: {fault}") from fault
    if answer.status != 202:
        raise _refusal(answer, arn)


def _request(arn: str, region: str, payload: bytes, keys: Keys, host: str) -> Request:
    target = f"/2015-03-31/functions/{quote(arn, safe='')}/invocations"
    headers = {"host": host, "x-amz-invocation-type": "Event", "content-type": "application/json", **trace()}
    digest, now = hashlib.sha256(payload).hexdigest(), Clock().now()
    signed = sign("POST", target, headers, digest, keys, (region, "lambda"), now)
    return Request("POST", target, signed.headers, payload)


def _endpoint(region: str) -> str:
    ignored = os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
    named = os.environ.get("AWS_ENDPOINT_URL_LAMBDA") or os.environ.get("AWS_ENDPOINT_URL")
    return named if named and not ignored else f"https://lambda.{region}.{domain(region)}"


def _refusal(answer: Answer, arn: str) -> RelayError:
    told: dict[str, object] = {}
    with suppress(ValueError, RecursionError):
        read = json.loads(answer.body)
        told = read if isinstance(read, dict) else {}
    named = answer.headers.get("x-amzn-errortype", "") or str(told.get("__type") or told.get("code") or "")
    code = named.partition(":")[0].rpartition("#")[2]
    words = " ".join(str(told.get("message") or told.get("Message") or "").split())[:300]
    text = f"{arn}: {code or answer.status} {words}".strip()
    if code in _BUSY or answer.status in (408, 429) or answer.status >= 500:
        return StoreUnavailable(text)
    return StoreRefused(f"{text}: {_REMEDIES.get(code, 'check the permission lambda:InvokeFunction of its role')}")
