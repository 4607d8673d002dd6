"""Lambda: `Invoke` with the invocation type Event, as the function's own role.

Lambda stops a function that calls itself after some 16 times ("recursive loop detection", by the trace header that
the SDK passes on), unless its setting says that it means to: `RecursiveLoop: Allow` in a template,
`aws lambda put-function-recursion-config --recursive-loop Allow` by hand. What it stops goes to the function's
dead-letter queue or failure destination.

Source: Lambda API reference, Invoke; developer guide, "Lambda recursive loop detection".
"""

import os
from typing import TYPE_CHECKING, Any

from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CONNECT, _ANSWER = 1.5, 3.0  # seconds; an asynchronous call is answered in some 50 ms
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
    from botocore.config import Config  # noqa: PLC0415 — only a function that has run out of time needs the SDK here
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 — as above
    from botocore.session import Session  # noqa: PLC0415 — as above

    once = Config(connect_timeout=_CONNECT, read_timeout=_ANSWER, retries={"mode": "standard", "total_max_attempts": 1})
    try:
        session = Session()
        # Older botocore takes an empty AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE for the wish not to verify anything.
        trusted = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True
        region = arn.split(":")[3]
        client: Any = session.create_client("lambda", region_name=region, verify=trusted, config=once)
        try:
            client.invoke(FunctionName=arn, InvocationType="Event", Payload=payload)
        finally:
            client.close()
    except ClientError as error:
        raise _refusal(error, arn) from error
    except BotoCoreError as error:
        raise _broken(error, arn) from error


def _refusal(error: "ClientError", arn: str) -> RelayError:
    said = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = said.get("Code", "")
    text = f"{arn}: {code or status} {said.get('Message', '')}".strip()
    if code in _BUSY or status in (408, 429) or status >= 500:
        return StoreUnavailable(text)
    return StoreRefused(f"{text}: {_REMEDIES.get(code, 'check the permission lambda:InvokeFunction of its role')}")


def _broken(error: Exception, arn: str) -> RelayError:
    from botocore import exceptions  # noqa: PLC0415 — the SDK is loaded now

    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return StoreUnavailable(f"{arn}: {error}")
    role = ": give the function a role" if isinstance(error, exceptions.NoCredentialsError) else ""
    return StoreRefused(f"{arn}: {error}{role}")
