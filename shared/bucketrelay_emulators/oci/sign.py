"""Oracle's request signatures (draft-cavage-http-signatures, rsa-sha256), checked; and the identities that make them.

Source: docs.oracle.com "Request Signatures", and `oci/signer.py` of the SDK 2.189, which signs `date (request-target)
host`, and for bodies other than those of objects and parts also `content-length content-type x-content-sha256`.
"""

import base64
import email.utils
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SKEW = timedelta(minutes=5)
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_ALWAYS = ("(request-target)", "host")
_WITH_BODY = ("content-length", "content-type", "x-content-sha256")


class NotAuthenticated(Exception):
    """The signature is missing, malformed, too old, or not made with a key we know: 401."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may call: API keys by `tenancy/user/fingerprint`, and the key that signs resource principals' tokens."""

    api: Mapping[str, rsa.RSAPublicKey]
    issuer: rsa.RSAPublicKey
    skew: timedelta = field(default=SKEW)


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """A throw-away key, one for each *name* and process: making one takes longer than most tests."""
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    """The key as Oracle's tools want it: PKCS#8, not encrypted."""
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """As the console shows it: the MD5 of the public key, in pairs."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.md5(der).digest().hex(":")


def token(issuer: rsa.RSAPrivateKey, session: rsa.RSAPublicKey, claims: Mapping[str, object]) -> str:
    """A resource principal session token: a JWT that carries the public key of the session in its claim `jwk`."""
    numbers = session.public_numbers()
    jwk = {"kid": "session", "use": "sig", "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    parts = ({"alg": "RS256", "typ": "JWT"}, {**claims, "jwk": json.dumps(jwk)})
    text = ".".join(_encode(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_encode(issuer.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def check(method: str, target: str, headers: Mapping[str, str], body: bytes, keys: Keys, now: datetime) -> str:
    """Return the key id that signed the request.

    Args:
        target: the request line's target as it came, with its query.
        headers: names in lower case.
        body: checked where `x-content-sha256` is signed, which all but bodies of objects and parts must do.

    Raises:
        NotAuthenticated: the request is not to be believed.
    """
    fields = _authorization(headers)
    names = fields["headers"].split()
    _check_signed(names, method, target)
    _check_date(names, headers, keys.skew, now)
    _check_body(names, headers, body)
    try:
        lines = [f"{n}: {f'{method.lower()} {target}' if n == '(request-target)' else headers[n]}" for n in names]
    except KeyError as missing:
        raise NotAuthenticated(f"the signed header {missing} is missing") from missing
    key = _key(fields["keyId"], keys, now)
    try:
        signature = base64.b64decode(fields["signature"], validate=True)
        key.verify(signature, "\n".join(lines).encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError) as error:
        raise NotAuthenticated("the signature does not match the request") from error
    return fields["keyId"]


def _authorization(headers: Mapping[str, str]) -> dict[str, str]:
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    fields = dict(_FIELD.findall(rest))
    if scheme != "Signature" or not {"headers", "keyId", "signature", "algorithm"} <= fields.keys():
        raise NotAuthenticated("the Authorization header is missing or no Signature")
    if fields["algorithm"] != "rsa-sha256" or fields.get("version", "1") != "1":
        raise NotAuthenticated("only rsa-sha256, version 1")
    return fields


def _check_signed(names: list[str], method: str, target: str) -> None:
    required = list(_ALWAYS)
    content = method == "PUT" and re.match(r"/n/[^/]+/b/[^/]+/[ou]/.", target)
    if method in ("PUT", "POST", "PATCH") and not content:
        required += _WITH_BODY
    if lacking := [name for name in required if name not in names]:
        raise NotAuthenticated(f"the signature does not cover {' '.join(lacking)}")


def _check_date(names: list[str], headers: Mapping[str, str], skew: timedelta, now: datetime) -> None:
    name = "x-date" if "x-date" in names else "date"
    if name not in names:
        raise NotAuthenticated("the signature covers neither date nor x-date")
    try:
        then = email.utils.parsedate_to_datetime(headers.get(name, ""))
        apart = abs(now - then)
    except (TypeError, ValueError) as error:
        raise NotAuthenticated(f"the header {name} is no date") from error
    if apart > skew:
        raise NotAuthenticated(f"the header {name} is more than {skew.total_seconds() / 60:.0f} minutes off")


def _check_body(names: list[str], headers: Mapping[str, str], body: bytes) -> None:
    if "x-content-sha256" not in names:
        return
    if headers.get("x-content-sha256") != base64.b64encode(hashlib.sha256(body).digest()).decode():
        raise NotAuthenticated("the body is not the one that x-content-sha256 names")


def _key(key_id: str, keys: Keys, now: datetime) -> rsa.RSAPublicKey:
    if not key_id.startswith("ST$"):
        if (known := keys.api.get(key_id)) is None:
            raise NotAuthenticated("no such API key")
        return known
    try:
        claims = _claims(key_id[3:], keys.issuer)
        jwk = json.loads(claims["jwk"])
        if claims["exp"] <= now.timestamp():
            raise NotAuthenticated("the token has expired")
        return rsa.RSAPublicNumbers(_unnumber(jwk["e"]), _unnumber(jwk["n"])).public_key()
    except (KeyError, TypeError, ValueError, InvalidSignature) as error:
        raise NotAuthenticated("the token is not one of ours") from error


def _claims(text: str, issuer: rsa.RSAPublicKey) -> dict[str, Any]:
    signed, _, signature = text.rpartition(".")
    issuer.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    claims = json.loads(_decode(signed.split(".")[1]))
    if not isinstance(claims, dict):
        raise TypeError("claims are an object")
    return claims


def _encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(number: int) -> str:
    return _encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _unnumber(text: str) -> int:
    return int.from_bytes(_decode(text), "big")
