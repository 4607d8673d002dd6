"""botocore, for what is not ours to build: profiles, SSO, roles; and the rare calls of `bucket` and `function`.

It loads botocore, and is imported only where that is needed.
"""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore import exceptions
from botocore.config import Config
from botocore.loaders import Loader, create_loader

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.aws.addressing import on_aws
from bucketrelay.clouds.aws.errors import DIALECT, elsewhere
from bucketrelay.clouds.aws.profile import session_of
from bucketrelay.clouds.aws.sign import Keys
from bucketrelay.errors import OutcomeUnknown, RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.outcome import Effect, Refusal, error_for
from bucketrelay.store import LONGEST_DOCUMENT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEYS = "set access_key and secret_key, a profile or a role"
_UNANSWERED = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.IncompleteReadError,
    exceptions.MetadataRetrievalError,
)
# What Python says of a certificate that is not trusted; and urllib3, which compares host names itself.
_UNTRUSTED = ("CERTIFICATE_VERIFY_FAILED", "doesn't match", "no appropriate subjectAltName")
_PLAIN = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL")  # OpenSSL's words for what is no TLS


def chain(access: Access, url: str) -> Any:
    """The SDK's credentials, which renew themselves. Raises StoreRefused where it finds none."""
    try:
        credentials = session_of(access.profile).get_credentials()
    except exceptions.BotoCoreError as error:
        raise _unfound(error, url) from error
    if credentials is None:
        raise StoreRefused(f"{url}: no credentials anywhere: {_KEYS}")
    return credentials


def keys_of(credentials: Any, url: str) -> Keys:
    """The keys that are good now. Raises StoreRefused, StoreUnavailable."""
    try:
        frozen = credentials.get_frozen_credentials()
    except (exceptions.BotoCoreError, exceptions.ClientError) as error:
        raise _unfound(error, url) from error
    if not frozen.access_key or not frozen.secret_key:
        raise StoreRefused(f"{url}: no credentials anywhere: {_KEYS}")
    return Keys(frozen.access_key, frozen.secret_key, frozen.token or "")


def _unfound(error: Exception, url: str) -> RelayError:
    if isinstance(error, _UNANSWERED):
        return StoreUnavailable(f"{url}: credentials: {error}: try again later")
    return StoreRefused(f"{url}: credentials: {error}: {_KEYS}")


def client(access: Access, service: str = "s3", region: str = "") -> Any:
    """A client for a service's rare calls; thread-safe, while making one is not. Close it.

    Args:
        region: of what is asked, where it is not the store's.
    """
    whole = access.complete()
    session = session_of(access.profile)
    session.register_component("data_loader", _loader())
    made: Any = session.create_client(
        service,
        region_name=region or whole.region,
        endpoint_url=whole.endpoint or None if service == "s3" or not on_aws(whole.endpoint) else None,
        aws_access_key_id=access.access_key or None,
        aws_secret_access_key=access.secret_key or None,
        aws_session_token=access.session_token or None,
        verify=whole.ca_file or True,
        config=_config(whole),
    )
    made._endpoint.http_session = _Bounded(made._endpoint.http_session)  # noqa: SLF001 - it has no public switch
    if service == "s3":
        made.meta.events.register("before-call.s3.HeadBucket", _stop_redirect_loop)
    return made


def s3_client(access: Access) -> "S3Client":
    """A client of S3; as `client`."""
    made: S3Client = client(access)
    return made


def _config(access: Access) -> Config:
    by_path = not on_aws(access.endpoint) if access.path_style is None else access.path_style
    options: dict[str, Any] = {"s3": {"addressing_style": "path" if by_path else "auto"}}
    if not on_aws(access.endpoint):
        # OBS, OCI, B2 and older MinIO refuse the checksum trailers that are the SDK's default since 1.36.
        options |= {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    return Config(
        connect_timeout=access.timeout,
        read_timeout=access.timeout,
        retries={"mode": "standard", "total_max_attempts": access.retries + 1},
        use_dualstack_endpoint=access.dual_stack,
        use_fips_endpoint=access.fips,
        **options,
    )


def translate(error: Exception, url: str, *, write: bool = False, permission: str = "") -> Exception:
    """What to raise for *error*, in terms of what the caller can do; *error* itself where it is none of botocore's.

    Args:
        url: of what was asked.
        write: the request changes something: a lost answer leaves its outcome unknown.
    """
    if isinstance(error, exceptions.ClientError):
        refusal = refusal_of(error)
        effect = Effect.PUBLISHING_WRITE if write else Effect.READ
        region = str(error.response.get("Error", {}).get("Region", ""))
        return error_for(
            refusal, effect, url, DIALECT, permission=permission, elsewhere=elsewhere(refusal.headers, region)
        )
    text = f"{url}: {error}"
    if isinstance(error, exceptions.SSLError) and any(words in str(error) for words in _UNTRUSTED):
        return StoreRefused(f"{text}: check endpoint, or set ca_file to the authority's certificate")
    if isinstance(error, exceptions.SSLError) and any(words in str(error) for words in _PLAIN):
        text = "its address says https, and the server speaks plain HTTP"
        return StoreRefused(f"{url}: {text}: mend endpoint: http:// or https://, or the port")
    if isinstance(error, exceptions.InvalidRegionError | exceptions.UnknownEndpointError):  # which are ValueErrors
        return StoreRefused(f"{text}: mend the store's region and endpoint")
    # The last four are raised within the SDK, which takes any XML for the document that it expects.
    if isinstance(error, (*_UNANSWERED, OSError, ValueError, TypeError, KeyError, AttributeError)):
        if write:
            return OutcomeUnknown(f"{text}: no answer to a write: look before believing either")
        return StoreUnavailable(f"{text}: check endpoint and network, then try again")
    if isinstance(error, exceptions.BotoCoreError):
        return StoreRefused(f"{text}: {_KEYS}, and mend the configuration")
    return error


def refusal_of(error: Exception) -> Refusal:
    """The answer that came with a ClientError; of status 0 for other errors."""
    answer: dict[str, Any] = getattr(error, "response", None) or {}
    told, around = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    status, code = int(around.get("HTTPStatusCode", 0)), str(told.get("Code", ""))
    code = "" if code == str(status) else code  # the SDK's word for an answer without a body
    return Refusal(status, code, str(told.get("Message", "")), around.get("HTTPHeaders", {}))


@cache
def _loader() -> Loader:
    """The SDK's data files, parsed once for all clients: 0.15 s for each otherwise."""
    return create_loader()


class _Bounded:
    """The SDK's way to the network, but that an answer which becomes a document in memory must end within bounds."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        """The answer, read but for an object's bytes."""
        streamed, request.stream_output = request.stream_output, True  # else all of it would be read in there
        answer = self._session.send(request)
        if not streamed or answer.status_code >= 300:
            answer.raw = _Document(answer.raw, request.url)
            answer.content  # noqa: B018 - read here, as the SDK does, so that the connection is free again
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


class _Document:
    """An answer's body that is read whole."""

    def __init__(self, raw: Any, url: str) -> None:
        self._raw, self._url = raw, url

    def stream(self, **options: Any) -> Iterator[bytes]:
        """Its pieces."""
        left = LONGEST_DOCUMENT
        for piece in self._raw.stream(**options):
            left -= len(piece)
            if left < 0:
                self._raw.close()
                raise exceptions.HTTPClientError(
                    error=f"an answer of more than {LONGEST_DOCUMENT} bytes from {self._url}"
                )
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def _stop_redirect_loop(context: dict[str, Any], **_: object) -> None:
    """No second question for the bucket's region after the first.

    On a redirect that names none, such as a gateway's to https, the SDK asks the bucket, is redirected again, asks
    again, some hundred times, and ends as a RecursionError.
    """
    context["s3_redirect"] = {**context.get("s3_redirect", {}), "redirected": True}
