"""Huawei Cloud's signatures: OBS's in a header, in its two dialects, and SDK-HMAC-SHA256 of every other service. Pure.

Sources: OBS API reference, "Authentication of Signature in a Header"; API Signing Guide, "Signature Algorithm". That
these are the signatures of esdk-obs-python and huaweicloudsdkcore, `tests/unit/sign` proves on generated requests.
"""

import hashlib
import hmac
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

Keys = tuple[str, str, str]  # access key, secret key, security token ("" for none)

NATIVE, S3 = "x-obs-", "x-amz-"  # the prefix of the service's own headers tells the dialect
_SCHEMES = {NATIVE: "OBS", S3: "AWS"}
# Query parameters that name another resource than the object or bucket itself; all others are not signed.
# fmt: off
_SUBRESOURCES = frozenset((
    "acl", "append", "backtosource", "bucketstatus", "cors", "delete", "deletebucket", "directcoldaccess",
    "dispolicy", "encryption", "fileinterface", "inventory", "length", "lifecycle", "location", "logging",
    "metadata", "modify", "name", "notification", "object-lock", "obsalias", "obsbucketalias", "obscompresspolicy",
    "obsworkflowtriggerpolicy", "partnumber", "policy", "policystatus", "position", "publicaccessblock", "quota",
    "rename", "replication", "requestpayment", "response-cache-control", "response-content-disposition",
    "response-content-encoding", "response-content-language", "response-content-type", "response-expires",
    "restore", "retention", "storageclass", "storageinfo", "storagepolicy", "tagging", "torrent", "truncate",
    "uploadid", "uploads", "versionid", "versioning", "versions", "website", "x-image-process",
    "x-image-save-bucket", "x-image-save-object", "x-obs-accesslabel", "x-oss-process",
    "x-workflow-execution-state", "x-workflow-execution-type", "x-workflow-graph-name", "x-workflow-limit",
    "x-workflow-next-marker", "x-workflow-prefix", "x-workflow-start", "x-workflow-template-name",
))
# fmt: on


def obs_authorization(
    method: str,
    resource: str,
    query: Mapping[str, str | None],
    headers: Mapping[str, str],
    keys: Keys,
    prefix: str = NATIVE,
) -> str:
    """The value of `Authorization` for a request to OBS.

    Args:
        resource: `/bucket/key`, percent-encoded as on the request line.
        query: names and values before they are encoded; None for a name that stands alone.
        headers: names in lower case; with `date`, and with the token of temporary keys.
        prefix: the dialect.
    """
    date = "" if f"{prefix}date" in headers else headers.get("date", "")
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), date]
    own = sorted(name for name in headers if name.startswith(prefix))
    lines += [f"{name}:{headers[name].strip() if name.startswith(f'{prefix}meta-') else headers[name]}" for name in own]
    named = sorted((name, value) for name, value in query.items() if _is_signed(name.lower(), prefix))
    pairs = "&".join(quote(name) if value is None else f"{quote(name)}={value}" for name, value in named)
    lines.append(f"{resource}?{pairs}" if pairs else resource)
    digest = hmac.digest(keys[1].encode(), "\n".join(lines).encode(), "sha1")
    return f"{_SCHEMES[prefix]} {keys[0]}:{b2a_base64(digest, newline=False).decode()}"


def _is_signed(name: str, prefix: str) -> bool:
    return name in _SUBRESOURCES or name.startswith(prefix)


def api_authorization(
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    body: bytes,
    keys: Keys,
) -> str:
    """The value of `Authorization` for a request to a service behind Huawei's API gateway: OMS, FunctionGraph, IAM.

    Args:
        path: percent-encoded.
        query: names and values, not encoded.
        headers: all that are to be signed, with `Host`, `X-Sdk-Date` (20261121T091500Z) and, of temporary keys,
            `X-Security-Token`. A name with `_` is left out, as gateways may drop it.
    """
    signed = {name.lower(): value.strip() for name, value in headers.items() if "_" not in name}
    names = ";".join(sorted(signed))
    encoded = "/".join(quote(part, safe="~") for part in unquote(path).split("/"))
    request = "\n".join(
        (
            method.upper(),
            encoded if encoded.endswith("/") else f"{encoded}/",
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query)),
            "".join(f"{name}:{signed[name]}\n" for name in sorted(signed)),
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    text = f"SDK-HMAC-SHA256\n{signed['x-sdk-date']}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(keys[1].encode(), text.encode(), "sha256").hex()
    return f"SDK-HMAC-SHA256 Access={keys[0]}, SignedHeaders={names}, Signature={signature}"
