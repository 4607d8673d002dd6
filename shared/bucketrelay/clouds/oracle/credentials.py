"""How to reach Oracle's services, and as whom: what signs a request.

Without the SDK: an API key, of the configuration or of `~/.oci/config`; a session token of that file (`oci session
authenticate`); and the resource principal that OCI Functions puts into files and tells of in the environment, version
2.2. Everything else (instance principals, other versions of resource principals) is the SDK's, imported only then.

Sources: "SDK and CLI Configuration File"; `oci/config.py` and `oci/auth/signers` of the SDK 2.189.
"""

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bucketrelay.clouds.oracle.regions import region_name
from bucketrelay.clouds.oracle.sign import Identity, authorization
from bucketrelay.errors import ConfigError, StoreRefused, StoreUnavailable

AUTH = ("", "resource_principal", "instance_principal", "api_key")
_PRINCIPAL = "OCI_RESOURCE_PRINCIPAL_"
_DEFAULT_FILE, _OLD_FILE = "~/.oci/config", "~/.oraclebmc/config"
_EARLY = 60.0  # seconds before its end from which on a token is read again
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


class Signer(Protocol):
    """What signs requests; for many threads."""

    @property
    def region(self) -> str:
        """Where whoever signs is at home; "" where nobody says."""

    def authorization(self, method: str, host: str, target: str, headers: Mapping[str, str]) -> str:
        """See `sign.authorization`."""

    def renew(self) -> bool:
        """Read the credentials again, as after a 401; False where they cannot be others."""


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
    except (StoreRefused, StoreUnavailable):
        raise
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise StoreRefused(
            f"{url}: no usable credentials: {text}: set auth, or config_file, or user and key_file"
        ) from error


def _default(access: Access, environ: Mapping[str, str]) -> str:
    if access.user or access.key_file or access.config_file or access.profile:
        return "api_key"
    return "resource_principal" if environ.get(f"{_PRINCIPAL}VERSION") else "api_key"


@dataclass(frozen=True, slots=True)
class KeySigner:
    """An API key: it is what it is."""

    identity: Identity
    region: str

    def authorization(self, method: str, host: str, target: str, headers: Mapping[str, str]) -> str:
        """See Signer."""
        del host
        return authorization(self.identity, method, target, headers)

    def renew(self) -> bool:
        """See Signer."""
        return False


class TokenSigner:
    """A token and its key, read again before the token ends.

    Args:
        read: the token and its private key in PEM, with the key's passphrase, as they are now.
        now: seconds since 1970.
    """

    def __init__(
        self, read: Callable[[], tuple[str, str, str]], region: str, now: Callable[[], float] = time.time
    ) -> None:
        self.region, self._read, self._now = region, read, now
        self._lock = threading.Lock()
        self._ends = 0.0
        self._shown = ("", "", "")
        self._identity = self._current()

    def authorization(self, method: str, host: str, target: str, headers: Mapping[str, str]) -> str:
        """See Signer."""
        del host
        return authorization(self._current(), method, target, headers)

    def renew(self) -> bool:
        """See Signer."""
        with self._lock:
            before = self._shown
            self._load()
            return self._shown != before

    def _current(self) -> Identity:
        with self._lock:
            if self._now() > self._ends - _EARLY:
                self._load()
            return self._identity

    def _load(self) -> None:
        shown = self._read()
        if shown != self._shown:
            token, pem, passphrase = shown
            self._identity, self._ends = Identity(f"ST${token}", private_key(pem, passphrase)), _end_of(token)
            self._shown = shown


class SdkSigner:
    """A signer of the SDK, which finds and renews its credentials itself."""

    def __init__(self, signer: Any, region: str = "") -> None:
        self._signer = signer
        self.region = region or str(getattr(signer, "region", "") or "")

    def authorization(self, method: str, host: str, target: str, headers: Mapping[str, str]) -> str:
        """See Signer."""
        asked = _Asked(method, f"https://{host}{target}", target, dict(headers))
        self._signer(asked, enforce_content_headers="x-content-sha256" in headers)
        return asked.headers["authorization"]

    def renew(self) -> bool:
        """See Signer."""
        if not hasattr(self._signer, "refresh_security_token"):
            return False
        self._signer.refresh_security_token()
        return True


@dataclass(slots=True)
class _Asked:
    """What the SDK's signers take from a request of `requests`."""

    method: str
    url: str
    path_url: str
    headers: dict[str, str]
    body: str = ""


def private_key(pem: str, passphrase: str = "") -> Any:
    """The key of a PEM text.

    Raises:
        ValueError: it is none, or the passphrase is wrong.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - 30 ms, once it signs

    secret = passphrase.encode() or None
    # Checking that the key's numbers are prime takes 36 ms of a cold start, and whoever could forge the file could as
    # well put a key of his own into it.
    try:
        return load_pem_private_key(pem.encode(), secret, unsafe_skip_rsa_key_validation=True)
    except TypeError as error:
        if secret is None:
            raise ValueError("the private key has a passphrase, and none is configured (pass_phrase)") from error
        return load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)  # it needs none
    except ValueError as error:
        raise ValueError("what is configured is no private key in PEM, or its passphrase is wrong") from error


def _of_file(access: Access, environ: Mapping[str, str]) -> Signer:
    """By what the configuration says, and where it does not say all, what the file says."""
    own = {name: value for name in _KEY if (value := str(getattr(access, name)))}
    filed = {} if own.keys() >= set(_KEY) else _filed(access, environ)
    known = {**filed, **own}
    region = region_name(access.region or filed.get("region") or environ.get("OCI_REGION", ""))
    if token_file := filed.get("security_token_file", ""):
        return TokenSigner(lambda: (_text(token_file), _text(known["key_file"]), known.get("pass_phrase", "")), region)
    if filed.get("authentication_type"):
        return _of_sdk(filed["authentication_type"], environ)
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


def _filed(access: Access, environ: Mapping[str, str]) -> dict[str, str]:
    """What the configuration file says of the profile."""
    from configparser import ConfigParser, Error  # noqa: PLC0415 - only who has such a file pays for it

    path = _config_file(access.config_file, environ)
    parser = ConfigParser(interpolation=None)
    try:
        found = parser.read(path)
    except (Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no configuration file of OCI: {error}") from error
    if not found:
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


def _end_of(token: str) -> float:
    """When a JWT ends, in seconds since 1970; never, for one that does not say.

    Raises:
        ValueError: it is no JWT.
    """
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return float(claims.get("exp", "inf"))
    except (IndexError, AttributeError, TypeError) as error:
        raise ValueError("the token is no JWT") from error


def _of_sdk(auth: str, environ: Mapping[str, str]) -> Signer:
    """Instance principals, and resource principals of other versions."""
    if auth == "resource_principal" and not environ.get(f"{_PRINCIPAL}VERSION"):
        raise ValueError(f"{_PRINCIPAL}VERSION is not set: this is no function or other resource of Oracle's")
    try:
        from oci.auth import signers  # noqa: PLC0415 - 0.2 s
    except ImportError as error:
        raise ValueError(f"auth = {auth!r} needs the package oci ({error})") from error
    import logging  # noqa: PLC0415 - the SDK has loaded it

    logging.getLogger("oci").setLevel(logging.WARNING)  # fdk sets the root logger to DEBUG
    try:
        if auth == "resource_principal":
            return SdkSigner(signers.get_resource_principals_signer())
        return SdkSigner(signers.InstancePrincipalsSecurityTokenSigner())
    except Exception as error:
        from oci._vendor.requests.exceptions import RequestException  # noqa: PLC0415 - as above

        if isinstance(error, RequestException | ConnectionError | TimeoutError):
            text = " ".join(str(error).split())[:300]
            raise StoreUnavailable(f"no credentials could be had for auth = {auth!r}: {text}") from error
        raise


def _text(path: str) -> str:
    return Path(path).expanduser().read_text(encoding="utf-8").strip()
