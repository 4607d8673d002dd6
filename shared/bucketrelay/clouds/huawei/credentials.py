"""How to reach a bucket of OBS, and as whom.

Keys come from the configuration, or from the invocation (a function's agency), or from the SDK's own variables
`OBS_ACCESS_KEY_ID`, `OBS_SECRET_ACCESS_KEY` and `OBS_SECURITY_TOKEN`, or from the agency of the machine, an ECS: that
last one by the SDK, which is imported only then. Each is asked before each request, as temporary keys are renewed.
"""

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bucketrelay.clouds.huawei.sign import NATIVE, S3, Keys
from bucketrelay.errors import StoreRefused
from bucketrelay.values import dataclass, field

_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){3}")
_FUNCTION = "RUNTIME_CODE_ROOT"  # FunctionGraph's; a function's agency comes with each invocation
_MISSING = "no access key: set access_key and secret_key, or give the function an agency"


@dataclass(frozen=True, slots=True)
class Access:
    """Where a bucket is and as whom we come.

    Attributes:
        endpoint: of the bucket's region, `https://obs.cn-north-4.myhuaweicloud.com`.
        access_key: with *secret_key*, and *security_token* if they are temporary.
        keys: asked before each request instead of the three above: a function's agency renews them.
        path_style: the bucket in the path, and the S3 way of signing; OBS itself refuses it, local servers need it.
        ca_file: certificates to trust instead of the system's.
        timeout: seconds to connect, and to wait for each piece of an answer.
        retries: how often a request is made again that did no harm.
        machine: asked for keys where nobody else has any.
    """

    endpoint: str
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    keys: Callable[[], Keys] | None = field(default=None, repr=False)
    path_style: bool = False
    ca_file: str = ""
    timeout: float = 10.0
    retries: int = 2
    machine: Callable[[], Keys] = field(default=lambda: keys_of_machine(os.environ), repr=False)

    @property
    def url(self) -> str:
        """The endpoint with its scheme."""
        return self.endpoint if "://" in self.endpoint else f"https://{self.endpoint}"

    @property
    def server(self) -> str:
        """Host and port: those of one region."""
        at = urlsplit(self.url)
        return f"{at.hostname}:{at.port or (80 if at.scheme == 'http' else 443)}"

    @property
    def in_path(self) -> bool:
        """Whether the bucket stands in the path: an address of numbers has no subdomains."""
        return self.path_style or bool(_IPV4.fullmatch(urlsplit(self.url).hostname or ""))

    @property
    def prefix(self) -> str:
        """Of the service's own headers: `x-obs-`, or `x-amz-` with path style, which is signed the S3 way."""
        return S3 if self.in_path else NATIVE

    def origin(self, bucket: str) -> str:
        """Scheme and host that requests about *bucket* go to."""
        at = urlsplit(self.url)
        return f"{at.scheme}://{at.netloc}" if self.in_path else f"{at.scheme}://{bucket}.{at.netloc}"

    @property
    def local(self) -> bool:
        """Whether somebody here has keys, so that the machine's agency need not be asked for them."""
        known = (self.keys or self._from_config)()
        return bool(known[0] and known[1])

    def current(self) -> Keys:
        """Access key, secret key and token ("" for none) for the next request.

        Raises:
            StoreRefused: there are none; an unsigned request would be answered as if the bucket were foreign.
        """
        known = (self.keys or self._from_config)()
        if not (known[0] and known[1]):
            known = self.machine()
        if not (known[0] and known[1]):
            raise StoreRefused(f"{self.endpoint}: {_MISSING}")
        return known

    def _from_config(self) -> Keys:
        return self.access_key, self.secret_key, self.security_token


def access_of(settings: Mapping[str, Any], keys: Callable[[], Keys] | None = None) -> Access:
    """The access that a store's settings describe, named as in the configuration.

    Args:
        keys: an invocation's, for a store without keys of its own.
    """
    names = ("access_key", "secret_key", "path_style", "ca_file", "timeout", "retries")
    given = {name: settings[name] for name in names if name in settings}
    endpoint = settings.get("endpoint") or f"https://obs.{settings.get('region', '')}.myhuaweicloud.com"
    return Access(
        endpoint,
        security_token=settings.get("session_token", ""),
        keys=None if given.get("access_key") else keys,
        **given,
    )


def keys_of_machine(environ: Mapping[str, str]) -> Keys:
    """The keys of the environment, else of the ECS that this runs on; ("", "", "") where there are none."""
    named = ("OBS_ACCESS_KEY_ID", "OBS_SECRET_ACCESS_KEY", "OBS_SECURITY_TOKEN")
    of_environment = (environ.get(named[0], ""), environ.get(named[1], ""), environ.get(named[2], ""))
    if (of_environment[0] and of_environment[1]) or _FUNCTION in environ or not _is_ecs():
        return of_environment
    try:
        from obs.loadtoken import ECS  # 0.2 s; it knows both versions of the metadata service
    except ImportError as error:
        raise StoreRefused(f"the keys of this machine's agency need the package esdk-obs-python ({error})") from error
    try:
        credentials = ECS.search()  # which keeps what it found until shortly before its end
    except Exception as error:
        text = " ".join(str(error).split())[:300] or type(error).__name__
        raise StoreRefused(f"this machine's agency has no keys: {text}: set access_key and secret_key") from error
    return credentials["accessKey"], credentials["secretKey"], credentials["securityToken"] or ""


@cache
def _is_ecs() -> bool:
    """Whether this is a machine of Huawei Cloud's: its metadata service would be asked for a long time elsewhere.

    Source: cloud-init, DataSourceOpenStack.
    """
    tag = Path("/sys/class/dmi/id/chassis_asset_tag")
    try:
        return tag.read_text(encoding="utf-8", errors="replace").strip() in ("HUAWEICLOUD", "OpenTelekomCloud")
    except OSError:
        return False
