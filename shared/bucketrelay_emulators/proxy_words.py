"""What a request to an object store asks for, and how such a store refuses: S3's words, which OBS shares, and OCI's."""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import unquote_to_bytes
from xml.sax.saxutils import escape

from bucketrelay_emulators.oci.wire import Request as OciRequest
from bucketrelay_emulators.server.messages import Incoming, Named, Reply

_OBJECT = {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject", "POST": "PostObject"}
_BUCKET = {
    "PUT": "CreateBucket",
    "GET": "ListObjects",
    "HEAD": "HeadBucket",
    "DELETE": "DeleteBucket",
    "POST": "PostObject",
}
# By query parameter; the first that is there decides. Then method → operation. The names are S3's also where OBS has
# another (InitiateMultipartUpload, CopyPart): the two cannot be told apart by what they send.
_SUBRESOURCES: Mapping[str, Mapping[str, str]] = {
    "uploadId": {
        "PUT": "UploadPart",
        "GET": "ListParts",
        "POST": "CompleteMultipartUpload",
        "DELETE": "AbortMultipartUpload",
    },
    "uploads": {"POST": "CreateMultipartUpload", "GET": "ListMultipartUploads"},
    "delete": {"POST": "DeleteObjects"},
    "list-type": {"GET": "ListObjectsV2"},
    "versions": {"GET": "ListObjectVersions"},
}
_ABOUT = (
    "tagging",
    "acl",
    "metadata",
    "versioning",
    "location",
    "policy",
    "lifecycle",
    "notification",
    "cors",
    "restore",
)
_SERVICES = ("s3", "s3-accelerate", "obs", "obsv3")
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
_S3_CODES = {
    400: "InvalidRequest",
    401: "InvalidAccessKeyId",
    403: "AccessDenied",
    404: "NoSuchKey",
    409: "OperationAborted",
    412: "PreconditionFailed",
    429: "TooManyRequests",
    500: "InternalError",
    502: "BadGateway",
    503: "SlowDown",
    504: "GatewayTimeout",
}
_OCI_CODES = {
    400: "InvalidParameter",
    401: "NotAuthenticated",
    403: "NotAllowed",
    404: "ObjectNotFound",
    409: "IncorrectState",
    412: "IfMatchFailed",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


def speaks_oci(incoming: Incoming) -> bool:
    """Whether it is a request to Oracle: no bucket of S3 is named `n`, and only Oracle's signatures begin so."""
    signed = incoming.headers.get("authorization", "").startswith("Signature ")
    return signed or incoming.path in ("/n", "/n/") or (incoming.path.startswith("/n/") and not _has_s3_key(incoming))


def name_call(incoming: Incoming, target: str) -> Named:
    """Operation, bucket and key of a request to *target*, as it was sent."""
    if speaks_oci(incoming):
        from bucketrelay_emulators.oci.http import operation  # wants cryptography, which S3 does not

        return operation(OciRequest(incoming.method, target, incoming.headers, incoming.body))[0]
    bucket, key = _place(incoming)
    return Named(_operation(incoming, bucket, key), bucket, key)


def usual_code(incoming: Incoming, status: int) -> str:
    """What the service calls an error with this status."""
    if speaks_oci(incoming):
        return _OCI_CODES.get(status, str(status))
    if status == 404 and "uploadId" in incoming.query:
        return "NoSuchUpload"
    return _S3_CODES.get(status, str(status))


def refusal(incoming: Incoming, status: int, code: str, message: str) -> Reply:
    """An error in the words of the service that the client believes it is talking to; nothing under HEAD."""
    if speaks_oci(incoming):
        body = json.dumps({"code": code, "message": message}).encode()
        headers = {"Content-Type": "application/json", "opc-request-id": "from-the-proxy"}
    else:
        said = (("Code", code), ("Message", message), ("Resource", incoming.path), ("RequestId", "from-the-proxy"))
        inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in said)
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'.encode()
        headers = {"Content-Type": "application/xml", "x-amz-request-id": "from-the-proxy"}
    return Reply(status, b"" if incoming.method == "HEAD" else body, headers)


def _operation(incoming: Incoming, bucket: str, key: str) -> str:
    found = next(
        (
            verbs[incoming.method]
            for parameter, verbs in _SUBRESOURCES.items()
            if parameter in incoming.query and incoming.method in verbs
        ),
        "",
    )
    if not found and (about := next((name for name in _ABOUT if name in incoming.query), "")):
        return f"{incoming.method.capitalize()}{'Object' if key else 'Bucket'}{about.capitalize()}"
    if not found and not bucket:
        return "ListBuckets"
    found = found or (_OBJECT if key else _BUCKET).get(incoming.method, incoming.method)
    copies = any(f"x-{service}-copy-source" in incoming.headers for service in ("amz", "obs"))
    return _COPIES.get(found, found) if copies else found


def _place(incoming: Incoming) -> tuple[str, str]:
    path = unquote_to_bytes(incoming.path).decode(errors="replace").removeprefix("/")
    if bucket := _bucket_in_host(incoming):
        return bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _bucket_in_host(incoming: Incoming) -> str:
    """`photos` of photos.s3.eu-central-1.amazonaws.com, photos.obs.cn-north-4.myhuaweicloud.com, photos.localhost."""
    host = incoming.headers.get("host", "").rpartition("@")[2]
    name = host if host.startswith("[") else host.partition(":")[0]
    if name.endswith(".localhost"):
        return name.removesuffix(".localhost")
    try:
        ip_address(name.strip("[]"))
        return ""
    except ValueError:
        labels = name.split(".")
    at = next((n for n, label in enumerate(labels) if label in _SERVICES or label.startswith("s3-")), 0)
    return ".".join(labels[:at])


def _has_s3_key(incoming: Incoming) -> bool:
    """Whether the bucket is in the host's name, so that the path is a key."""
    return bool(_bucket_in_host(incoming))
