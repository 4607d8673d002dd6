"""Making botocore's client: which server, which checksums, which retries."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bucketrelay.clouds.aws.partitions import is_amazons
from bucketrelay.store import LONGEST_DOCUMENT

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Access:
    """How to reach a bucket."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    profile: str
    path_style: bool | None
    ca_file: str
    timeout: float
    retries: int = 0  # the SDK's own, which know neither a write that may be done nor our deadline: none for a store

    @property
    def on_aws(self) -> bool:
        """Whether the server is AWS's own; the SDK may have been told of another by its environment."""
        host = urlsplit(self.endpoint or _told()).hostname
        return host is None or is_amazons(host)

    @property
    def server(self) -> str:
        """Host, port and path of a server that is not AWS's."""
        at = urlsplit(self.endpoint or _told())
        port = at.port or (443 if at.scheme == "https" else 80)
        return f"{at.hostname}:{port}{at.path.rstrip('/')}"


def _told() -> str:
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")


def connected(access: Access) -> "S3Client":
    """A client; thread-safe, while making one is not."""
    from botocore.session import Session  # noqa: PLC0415 - 0.2 s that a function without S3 stores must not pay

    session = Session(profile=access.profile or None)
    session.register_component("data_loader", _loader())
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    region = (
        access.region or None
        if access.on_aws
        else access.region or session.get_config_variable("region") or "us-east-1"
    )
    made: Any = session.create_client(  # the stubs know it as any client
        "s3",
        region_name=region,
        endpoint_url=access.endpoint or None,
        aws_access_key_id=access.access_key or None,
        aws_secret_access_key=access.secret_key or None,
        aws_session_token=access.session_token or None,
        verify=access.ca_file or authorities(session),
        config=_config(access),
    )
    made._endpoint.http_session = _Bounded(made._endpoint.http_session)  # noqa: SLF001 - it has no public switch
    client: S3Client = made
    client.meta.events.register("before-call.s3.HeadBucket", _asked_once)
    for operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        client.meta.events.register(f"before-parameter-build.s3.{operation}", _keep_expires)
        client.meta.events.register(f"before-call.s3.{operation}", _send_expires)
    return client


def authorities(session: Any) -> str | bool:
    """The certificates that the environment or the SDK's configuration names, else the SDK's own.

    Older botocore takes an empty AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE, which is what templates make of a setting
    that was left out, for the wish not to verify at all; newer ones refuse it.
    """
    configured = [session.get_config_variable("ca_bundle"), os.environ.get("REQUESTS_CA_BUNDLE")]
    return next((str(found) for found in configured if found and str(found).strip()), True)


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
        from botocore.exceptions import HTTPClientError  # noqa: PLC0415 - imported with the client already

        left = LONGEST_DOCUMENT
        for piece in self._raw.stream(**options):
            left -= len(piece)
            if left < 0:
                self._raw.close()
                raise HTTPClientError(error=f"an answer of more than {LONGEST_DOCUMENT} bytes from {self._url}")
            yield piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


def _asked_once(context: dict[str, Any], **_: object) -> None:
    """No second question for the bucket's region after the first.

    On a redirect that names none, such as a gateway's to https, the SDK asks the bucket, is redirected again, asks
    again, some hundred times, and ends as a RecursionError.
    """
    context["s3_redirect"] = {**context.get("s3_redirect", {}), "redirected": True}


def _moment(value: Any) -> datetime:
    """HTTP dates by the standard library, in a twentieth of the SDK's time; the rest by the SDK's own parser."""
    from botocore.utils import parse_timestamp  # noqa: PLC0415 - imported with the client already

    if isinstance(value, str) and value.endswith(" GMT"):
        return parsedate_to_datetime(value)
    found: datetime = parse_timestamp(value)
    return found


@cache
def _loader() -> "Loader":
    """The SDK's data files, parsed once for all stores: 0.15 s for each store otherwise."""
    from botocore.loaders import create_loader  # noqa: PLC0415 - with the first client

    return create_loader()


def _config(access: Access) -> "Config":
    from botocore.config import Config  # noqa: PLC0415 - with the first client

    foreign: dict[str, Any] = {}  # and the style, which the stubs want as literals
    if not access.on_aws:
        # OBS, OCI, B2 and older MinIO refuse the checksum trailers (aws-chunked) that are the SDK's default since 1.36.
        foreign = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
    by_path = not access.on_aws if access.path_style is None else access.path_style
    style = "path" if by_path else "auto" if access.path_style is None else "virtual"
    foreign["s3"] = {"addressing_style": style}
    return Config(
        connect_timeout=access.timeout,
        read_timeout=access.timeout,
        retries={"mode": "standard", "total_max_attempts": access.retries + 1},
        max_pool_connections=64,
        **foreign,
    )


def _keep_expires(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Expires goes over the wire as the source had it; the SDK would parse and rewrite it, or refuse `0` and `-1`."""
    if "Expires" in params:
        context["bucketrelay.expires"] = params.pop("Expires")


def _send_expires(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if "bucketrelay.expires" in context:
        params["headers"]["Expires"] = context["bucketrelay.expires"]
