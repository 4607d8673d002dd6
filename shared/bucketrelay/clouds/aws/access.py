"""How a bucket is reached: what the configuration says, what the environment adds, and what only the SDK can find.

The SDK is imported where there are settings that it alone reads: a `profile`, or a configuration file of AWS's tools. A
function has neither, and pays nothing.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucketrelay.clouds.aws.addressing import Place, on_aws, place
from bucketrelay.values import dataclass, field, replace

_TRUE = "true"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a bucket; the options of a store that are about that.

    Attributes:
        endpoint: URL of a server that is not AWS's, or an address of AWS's that is not the usual one.
        region: "" for the one that the environment names; a foreign server is never given that, but `us-east-1`.
        access_key: with *secret_key* and *session_token*; "" for what the environment or the SDK finds.
        profile: of the configuration file of AWS's tools.
        path_style: None for path style at foreign servers and virtual hosts at AWS.
        ca_file: authorities to trust instead of the system's.
        timeout: seconds to connect, and to wait for each piece of an answer.
        retries: how often an attempt is made again that surely did nothing.
    """

    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    profile: str = ""
    path_style: bool | None = None
    dual_stack: bool = False
    fips: bool = False
    ca_file: str = ""
    timeout: float = 10.0
    retries: int = 2

    @property
    def needs_sdk(self) -> bool:
        """Whether there are settings that only the SDK reads."""
        named = self.profile or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE")
        file = os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
        return bool(named) or Path(file).expanduser().is_file()

    @property
    def on_aws(self) -> bool:
        """Whether the server is AWS's own; the environment may have named another. Raises StoreRefused."""
        return on_aws(self.endpoint or self.complete().endpoint)

    def complete(self) -> "Access":
        """The same with what the environment and the SDK's configuration say of what is left open here.

        Raises:
            StoreRefused: there is no such profile.
        """
        values = self._environment()
        if self.needs_sdk:
            from bucketrelay.clouds.aws.profile import settings  # 60 ms of which a function needs nothing

            values = {**values, **settings(self.profile)}
        endpoint = self.endpoint or values.get("endpoint", "")
        told = values.get("region", "") if on_aws(endpoint) else values.get("profile_region", "")
        path_style = values.get("path_style") if self.path_style is None else self.path_style
        return replace(
            self,
            endpoint=endpoint,
            region=self.region or told or "us-east-1",
            path_style=path_style,
            dual_stack=self.dual_stack or values.get("dual_stack", False),
            fips=self.fips or values.get("fips", False),
            ca_file=self.ca_file or values.get("ca_file", ""),
        )

    def place(self, bucket: str) -> Place:
        """Where the bucket answers; of an access that is `completed`. Raises StoreRefused."""
        return place(
            bucket,
            self.region,
            endpoint=self.endpoint,
            path_style=self.path_style,
            dual_stack=self.dual_stack,
            fips=self.fips,
        )

    def _environment(self) -> dict[str, Any]:
        """The variables that AWS's tools read; empty ones, which templates make of what was left out, say nothing."""
        ignored = _says("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        return {
            "endpoint": "" if ignored else _first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
            "region": _first("AWS_REGION", "AWS_DEFAULT_REGION"),
            "dual_stack": _says("AWS_USE_DUALSTACK_ENDPOINT"),
            "fips": _says("AWS_USE_FIPS_ENDPOINT"),
            "ca_file": _first("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
        }


def access_of(options: Mapping[str, Any]) -> Access:
    """The access among a store's options, which are checked and have their secrets in plain text."""
    return Access(**{name: value for name, value in options.items() if name in Access.__dataclass_fields__})


def _first(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _says(name: str) -> bool:
    return os.environ.get(name, "").lower() == _TRUE
