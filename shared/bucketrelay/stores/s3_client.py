"""Making botocore's client: which server, which checksums, which retries."""

import os
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client

_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")


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
        return host is None or f".{host}".endswith(_AWS)

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
        verify=access.ca_file or None,
        config=_config(access),
    )
    client: S3Client = made
    for operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        client.meta.events.register(f"before-parameter-build.s3.{operation}", _keep_expires)
        client.meta.events.register(f"before-call.s3.{operation}", _send_expires)
    return client


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
