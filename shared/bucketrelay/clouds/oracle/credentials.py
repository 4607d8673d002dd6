"""How to reach Oracle's services, and as whom: what signs a request.

Without the SDK: an API key, of the configuration or of `~/.oci/config`; a session token of that file (`oci session
authenticate`); and the resource principal that OCI Functions puts into files and tells of in the environment, version
2.2. Everything else (instance principals, other versions of resource principals) is the SDK's, imported only then.

Sources: "SDK and CLI Configuration File"; `oci/config.py` and `oci/auth/signers` of the SDK 2.189.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucketrelay.clouds.oracle.regions import region_name
from bucketrelay.clouds.oracle.sign import Identity
from bucketrelay.clouds.oracle.signers import KeySigner, SdkSigner, Signer, TokenSigner, private_key
from bucketrelay.errors import ConfigError, StoreRefused, StoreUnavailable
from bucketrelay.model import NOTHING
from bucketrelay.values import dataclass, field

AUTH = ("", "resource_principal", "instance_principal", "api_key")
_PRINCIPAL = "OCI_RESOURCE_PRINCIPAL_"
_DEFAULT_FILE, _OLD_FILE = "~/.oci/config", "~/.oraclebmc/config"
_KEY = ("user", "tenancy", "fingerprint", "key_file")


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is and as whom we come.

    Attributes:
        region: such as `us-ashburn-1`; "" for the resource principal's or the configuration file's.
        endpoint: URL of a server that is not Oracle's.
        auth: `resource_principal`, `instance_principal` or `api_key`; "" for a resource principal where the
            environment has one and no key is configured, else an API key.
        config_file: "" for `~/.oci/config`; with *profile*.
        user: with *tenancy*, *fingerprint* and *key_file*: an API key, instead of what the file says.
        ca_file: certificates to trust instead of the system's.
        timeout: seconds to connect, and to wait for each piece of an answer.
        retries: how often an attempt is made again; one that may have published something is not.
    """

    region: str = ""
    endpoint: str = ""
    auth: str = ""
    config_file: str = ""
    profile: str = ""
    user: str = ""
    tenancy: str = ""
    fingerprint: str = ""
    key_file: str = field(default="", repr=False)
    ca_file: str = ""
    timeout: float = 10.0
    retries: int = 2

    def __post_init__(self) -> None:
        if self.auth not in AUTH:
            raise ConfigError([f"auth: {self.auth!r} is none of {', '.join(filter(None, AUTH))}"])


def access_of(settings: Mapping[str, Any]) -> Access:
    """The access that a store's settings describe, named as in the configuration."""
    return Access(**{name: settings[name] for name in Access.__slots__ if name in settings})


def signer_of(access: Access, url: str, environ: Mapping[str, str] = os.environ) -> Signer:
    """The signer that the configuration and the environment ask for.

    Args:
        url: of the store, for errors.

    Raises:
        StoreRefused: the credentials are missing or wrong.
        StoreUnavailable: the service that hands out credentials does not answer.
    """
    try:
        auth = access.auth or _default(access, environ)
        if auth == "api_key":
            return _of_file(access, environ)
        if auth == "resource_principal" and environ.get(f"{_PRINCIPAL}VERSION") == "2.2":
            return TokenSigner(lambda: _principal(environ), region_name(environ.get(f"{_PRINCIPAL}REGION", "")))
        return _of_sdk(auth, environ)
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{url}: {error}") from error.__cause__
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise StoreRefused(
            f"{url}: no usable credentials: {text}: set auth, or config_file, or user and key_file"
        ) from error


def _default(access: Access, environ: Mapping[str, str]) -> str:
    if access.user or access.key_file or access.config_file or access.profile:
        return "api_key"
    return "resource_principal" if environ.get(f"{_PRINCIPAL}VERSION") else "api_key"


def _of_file(access: Access, environ: Mapping[str, str]) -> Signer:
    """By what the configuration says, and where it does not say all, what the file says."""
    own = {name: value for name in _KEY if (value := str(getattr(access, name)))}
    filed = {} if own.keys() >= set(_KEY) else _read_profile(access, environ)
    known = {**filed, **own}
    region = region_name(access.region or filed.get("region") or environ.get("OCI_REGION", ""))
    if token_file := filed.get("security_token_file", ""):
        return TokenSigner(lambda: (_text(token_file), _text(known["key_file"]), known.get("pass_phrase", "")), region)
    if filed.get("authentication_type"):  # Oracle's Cloud Shell
        return _of_sdk("", environ, known)
    if lacking := [name for name in _KEY if not known.get(name)]:
        raise ValueError(f"{', '.join(lacking)} missing")
    _check(known)
    key_id = f"{known['tenancy']}/{known['user']}/{known['fingerprint']}"
    return KeySigner(Identity(key_id, private_key(_text(known["key_file"]), known.get("pass_phrase", ""))), region)


def _check(known: Mapping[str, str]) -> None:
    """Refuse what the service would answer with a 401 that says nothing."""
    if malformed := [name for name in ("tenancy", "user") if not known[name].startswith("ocid1.")]:
        raise ValueError(f"{malformed[0]} is no OCID")
    pairs = known["fingerprint"].split(":")
    if len(pairs) != 16 or not all(len(pair) == 2 and set(pair) <= set("0123456789abcdef") for pair in pairs):
        raise ValueError("fingerprint is not sixteen pairs of hexadecimal digits with colons between")


def _read_profile(access: Access, environ: Mapping[str, str]) -> dict[str, str]:
    """What the configuration file says of the profile."""
    from configparser import ConfigParser, Error  # only who has such a file pays for it

    path = _config_file(access.config_file, environ)
    parser = ConfigParser(interpolation=None)
    try:
        files = parser.read(path)
    except (Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no configuration file of OCI: {error}") from error
    if not files:
        raise ValueError(f"there is no configuration file {path}")
    profile = access.profile or "DEFAULT"
    if profile not in parser:
        raise ValueError(f"{path} has no profile {profile}")
    return dict(parser[profile])


def _config_file(configured: str, environ: Mapping[str, str]) -> Path:
    """As the SDK looks for it."""
    usual, old = Path(_DEFAULT_FILE).expanduser(), Path(_OLD_FILE).expanduser()
    if configured or usual.is_file():
        return Path(configured).expanduser() if configured else usual
    if named := environ.get("OCI_CONFIG_FILE"):
        return Path(named).expanduser()
    return old if old.is_file() else usual


def _principal(environ: Mapping[str, str]) -> tuple[str, str, str]:
    """Token, key and passphrase of the environment: each is the value itself, or the absolute path of its file."""

    def value(name: str) -> str:
        text = environ.get(f"{_PRINCIPAL}{name}", "")
        return _text(text) if Path(text).is_absolute() else text

    token, pem = value("RPST"), value("PRIVATE_PEM")
    if not token or not pem:
        raise ValueError(f"{_PRINCIPAL}RPST or {_PRINCIPAL}PRIVATE_PEM is missing")
    return token, pem, value("PRIVATE_PEM_PASSPHRASE")


def _of_sdk(auth: str, environ: Mapping[str, str], filed: Mapping[str, str] = NOTHING) -> Signer:
    """Instance principals, resource principals of other versions, and what a file says by `authentication_type`."""
    if auth == "resource_principal" and not environ.get(f"{_PRINCIPAL}VERSION"):
        raise ValueError(f"{_PRINCIPAL}VERSION is not set: this is no function or other resource of Oracle's")
    try:
        from oci.auth import signers  # 0.2 s
        from oci.util import get_signer_from_authentication_type
    except ImportError as error:
        raise ValueError(f"auth = {auth!r} needs the package oci ({error})") from error
    import logging  # the SDK has loaded it

    logging.getLogger("oci").setLevel(logging.WARNING)  # fdk sets the root logger to DEBUG
    try:
        if filed:
            return SdkSigner(get_signer_from_authentication_type(dict(filed)), region_name(filed.get("region", "")))
        if auth == "resource_principal":
            return SdkSigner(signers.get_resource_principals_signer())
        return SdkSigner(signers.InstancePrincipalsSecurityTokenSigner())
    except Exception as error:
        from oci._vendor.requests.exceptions import RequestException  # as above

        if isinstance(error, RequestException | ConnectionError | TimeoutError):
            text = " ".join(str(error).split())[:300]
            raise StoreUnavailable(f"no credentials could be had: {text}") from error
        raise


def _text(path: str) -> str:
    return Path(path).expanduser().read_text(encoding="utf-8").strip()
