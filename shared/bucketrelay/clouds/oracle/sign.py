"""Oracle's request signatures: draft-cavage-http-signatures, rsa-sha256 with PKCS #1 v1.5. Pure.

Source: "Request Signatures" of Oracle's documentation. That these are the signatures of `oci.signer`,
`tests/unit/sign` proves on generated requests.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bucketrelay.values import dataclass, field

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_ALWAYS = ("date", "(request-target)", "host")
_OF_BODY = ("content-length", "content-type", "x-content-sha256")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs.

    Attributes:
        key_id: `TENANCY/USER/FINGERPRINT` of an API key, `ST$TOKEN` of a session's or a principal's.
        key: the private key that belongs to it.
    """

    key_id: str = field(repr=False)
    key: "RSAPrivateKey" = field(repr=False)


def body_headers(body: bytes) -> dict[str, str]:
    """What a request with a body has to carry and to sign, but for Content-Type.

    All POST, PUT and PATCH requests do, except for the bodies of objects and of parts (the SDK's put_object and
    upload_part: `enforce_content_headers=False`).
    """
    return {"content-length": str(len(body)), "x-content-sha256": _base64(hashlib.sha256(body).digest())}


def authorization(identity: Identity, method: str, target: str, headers: Mapping[str, str]) -> str:
    """The value of `Authorization`.

    Args:
        target: path and query as they stand on the request line.
        headers: names in lower case, with `date` and `host`; what `body_headers` gives is signed where it is there.
    """
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # only who signs loads it
    from cryptography.hazmat.primitives.hashes import SHA256

    names = (*_ALWAYS, *_OF_BODY) if "x-content-sha256" in headers else _ALWAYS
    lines = [
        f"{name}: {f'{method.lower()} {target}' if name == '(request-target)' else headers[name]}" for name in names
    ]
    signature = _base64(identity.key.sign("\n".join(lines).encode(), PKCS1v15(), SHA256()))
    return (
        f'Signature algorithm="rsa-sha256",headers="{" ".join(names)}",keyId="{identity.key_id}",'
        f'signature="{signature}",version="1"'
    )


def _base64(octets: bytes) -> str:
    return b2a_base64(octets, newline=False).decode()
