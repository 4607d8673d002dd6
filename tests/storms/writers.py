"""Users of the clouds: they write straight to the servers, and know nothing of replication."""

import http.client
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from hashlib import md5
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from bucketrelay_emulators.local_clouds import NAMESPACE
from bucketrelay_emulators.obs.signature import sign
from bucketrelay_emulators.server.messages import Incoming
from storms.changes import SOURCE

Meta = Mapping[str, Any]  # content_type, user, and perhaps cache_control


class Client(NamedTuple):
    """What a user of a cloud can do. `meta` writes the metadata alone, of an object that is there."""

    put: Callable[[str, bytes, Meta], None]
    parts: Callable[[str, list[bytes], Meta], None]
    meta: Callable[[str, bytes, Meta], None]
    delete: Callable[[str], None]
    close: Callable[[], None]


class NoObject(Exception):
    """The object that was to be changed is not there."""


def s3(access: Mapping[str, str], bucket: str) -> Client:
    """A client of S3 by botocore; metadata alone is written by a copy onto itself."""
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from botocore.session import Session

    client: Any = Session().create_client(
        "s3",
        region_name=access["region"],
        endpoint_url=access["endpoint"],
        aws_access_key_id=access["access_key"],
        aws_secret_access_key=access["secret_key"],
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )

    def asked(key: str, meta: Meta) -> dict[str, Any]:
        cache = {"CacheControl": meta["cache_control"]} if "cache_control" in meta else {}
        return {"Bucket": bucket, "Key": key, "ContentType": meta["content_type"], "Metadata": meta["user"]} | cache

    def parts(key: str, bodies: list[bytes], meta: Meta) -> None:
        where = {"Bucket": bucket, "Key": key}
        where["UploadId"] = client.create_multipart_upload(**asked(key, meta))["UploadId"]
        sent = [(n, client.upload_part(**where, PartNumber=n, Body=body)) for n, body in enumerate(bodies, start=1)]
        done = [{"PartNumber": n, "ETag": part["ETag"]} for n, part in sent]
        client.complete_multipart_upload(**where, MultipartUpload={"Parts": done})

    def meta(key: str, _: bytes, given: Meta) -> None:
        source = {"Bucket": bucket, "Key": key}
        try:
            client.copy_object(**asked(key, given), CopySource=source, MetadataDirective="REPLACE")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            raise NoObject(key) from error

    return Client(
        lambda key, body, given: client.put_object(**asked(key, given), Body=body),
        parts,
        meta,
        lambda key: client.delete_object(Bucket=bucket, Key=key),
        client.close,
    )


class _Obs:
    """Requests to OBS, signed as its API reference says; its SDK has no way to send every header with every request."""

    def __init__(self, access: Mapping[str, str], bucket: str) -> None:
        self._access, self.bucket = access, bucket
        self._host = urlsplit(access["endpoint"]).netloc
        self.connection = http.client.HTTPConnection(self._host, timeout=60)

    def __call__(self, method: str, key: str, body: bytes = b"", query: str = "", **headers: str) -> bytes:
        path = quote(f"/{self.bucket}/{key}", safe="/~-_.")
        sent = {
            "date": formatdate(usegmt=True),
            "host": self._host,
            "content-length": str(len(body)),
            **headers,
        }
        parts = (pair.partition("=") for pair in query.split("&") if pair)
        asked = {name: value if equals else None for name, equals, value in parts}
        signature = sign(Incoming(method, path, asked, sent, body), "", self._access["secret_key"])
        sent["authorization"] = f"OBS {self._access['access_key']}:{signature}"
        self.connection.request(method, f"{path}?{query}" if query else path, body, sent)
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status == 404:
            raise NoObject(key)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {said!r}")
        return said


def obs(access: Mapping[str, str], bucket: str) -> Client:
    """A client of OBS; metadata alone is written by a copy onto itself, of which OBS tells an event."""
    send = _Obs(access, bucket)

    def headers(meta: Meta) -> dict[str, str]:
        user = {f"x-obs-meta-{name}": quote(value, safe=" ") for name, value in meta["user"].items()}
        cache = {"cache-control": meta["cache_control"]} if "cache_control" in meta else {}
        return {"content-type": meta["content_type"], **user, **cache}

    def parts(key: str, bodies: list[bytes], meta: Meta) -> None:
        begun = ET.fromstring(send("POST", key, query="uploads", **headers(meta)))
        upload = next(node.text for node in begun.iter() if node.tag.endswith("UploadId"))
        listed = ""
        for number, body in enumerate(bodies, start=1):
            send("PUT", key, body, f"partNumber={number}&uploadId={upload}")
            etag = md5(body).hexdigest()
            listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        done = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>"
        send("POST", key, done.encode(), f"uploadId={upload}")

    def meta(key: str, _: bytes, given: Meta) -> None:
        copied = {"x-obs-copy-source": quote(f"/{bucket}/{key}"), "x-obs-metadata-directive": "REPLACE"}
        send("PUT", key, **headers(given), **copied)

    def delete(key: str) -> None:
        send("DELETE", key)

    def put(key: str, body: bytes, meta: Meta) -> None:
        send("PUT", key, body, **headers(meta))

    return Client(put, parts, meta, delete, send.connection.close)


def oci(access: Mapping[str, str], bucket: str) -> Client:
    """A client of OCI, which knows no other way to change metadata than to write the object again."""
    import oci as sdk
    from oci.object_storage import ObjectStorageClient
    from oci.object_storage.models import (
        CommitMultipartUploadDetails,
        CommitMultipartUploadPartDetails,
        CreateMultipartUploadDetails,
    )

    client = ObjectStorageClient(
        sdk.config.from_file(access["config_file"]),
        service_endpoint=access["endpoint"],
        timeout=(10, 60),
        retry_strategy=sdk.retry.NoneRetryStrategy(),
        circuit_breaker_strategy=sdk.circuit_breaker.NoCircuitBreakerStrategy(),
    )
    where = (NAMESPACE, bucket)

    def put(key: str, body: bytes, meta: Meta) -> None:
        cache = {"cache_control": meta["cache_control"]} if "cache_control" in meta else {}
        client.put_object(*where, key, body, content_type=meta["content_type"], opc_meta=meta["user"], **cache)

    def parts(key: str, bodies: list[bytes], meta: Meta) -> None:
        details = CreateMultipartUploadDetails(
            object=key,
            content_type=meta["content_type"],
            cache_control=meta.get("cache_control"),
            metadata={f"opc-meta-{name}": value for name, value in meta["user"].items()},
        )
        upload = client.create_multipart_upload(*where, details).data.upload_id
        done = []
        for number, body in enumerate(bodies, start=1):
            etag = client.upload_part(*where, key, upload, number, body).headers["etag"]
            done.append(CommitMultipartUploadPartDetails(part_num=number, etag=etag))
        client.commit_multipart_upload(*where, key, upload, CommitMultipartUploadDetails(parts_to_commit=done))

    def delete(key: str) -> None:
        with suppress(sdk.exceptions.ServiceError):  # 404 where there is none
            client.delete_object(*where, key)

    return Client(put, parts, put, delete, client.base_client.session.close)


MAKERS: Mapping[str, Callable[[Mapping[str, str], str], Client]] = {"s3": s3, "obs": obs, "oci": oci}


class Writers:
    """The clients of each cloud's buckets, one for each thread that writes; a context manager."""

    def __init__(self, access: Mapping[str, Mapping[str, str]]) -> None:
        self._access, self._of_thread, self._lock = access, threading.local(), threading.Lock()
        self._made: list[Client] = []

    def of(self, cloud: str, bucket: str = SOURCE) -> Client:
        """This thread's client."""
        found: dict[tuple[str, str], Client] = self._of_thread.__dict__.setdefault("found", {})
        if (cloud, bucket) not in found:
            with self._lock:  # botocore makes no two clients at once
                found[cloud, bucket] = MAKERS[cloud](self._access[cloud], bucket)
                self._made.append(found[cloud, bucket])
        return found[cloud, bucket]

    def __enter__(self) -> "Writers":  # noqa: PYI034  # typing has Self from Python 3.11 only
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._made:
            client.close()
