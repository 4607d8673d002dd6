"""What signs requests to Oracle: an API key, a token that is read again before it ends, or a signer of the SDK."""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bucketrelay.clouds.oracle.sign import Identity, authorization
from bucketrelay.values import dataclass

_EARLY = 60.0  # seconds before its end from which on a token is read again


class Signer(Protocol):
    """What signs requests; for many threads."""

    @property
    def region(self) -> str:
        """Where whoever signs is at home; "" where nobody says."""

    def authorization(self, method: str, host: str, target: str, headers: Mapping[str, str]) -> str:
        """See `sign.authorization`."""

    def renew(self) -> bool:
        """Read the credentials again, as after a 401; False where they cannot be others."""


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
        request = _Request(method, f"https://{host}{target}", target, dict(headers))
        self._signer(request, enforce_content_headers="x-content-sha256" in headers)
        return request.headers["authorization"]

    def renew(self) -> bool:
        """See Signer."""
        if not hasattr(self._signer, "refresh_security_token"):
            return False
        self._signer.refresh_security_token()
        return True


@dataclass(slots=True)
class _Request:
    """A request as the SDK's signers want it: what they use of one of the package `requests`."""

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
    load_pem_private_key, secret = _loader(), passphrase.encode() or None
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


def _loader() -> Callable[..., Any]:
    """`load_pem_private_key` of the package's serialization, from where that has it.

    The module itself loads SSH's keys, all other kinds of keys and the ciphers beside: 30 modules, and a tenth of a
    function's start.
    """
    try:
        from cryptography.hazmat.bindings._rust import openssl  # once it signs

        return openssl.keys.load_pem_private_key
    except (ImportError, AttributeError):  # a private place, which another version may not have
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # as above

        return load_pem_private_key


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
