"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import (
    CLASSES,
    EVENT_KEYS,
    RARELY_READ,
    WORTH_A_COPY,
    Call,
    Facts,
    Grant,
    Option,
    ServerCopy,
)
from bucketrelay.store import Abilities, GiB, KiB

# OBS API reference, PutObject, and its SDK's HeadPermission
ENCRYPTIONS = ("kms", "AES256")
ACLS = ("private", "public-read", "public-read-write", "bucket-owner-full-control")
OPTIONS = (
    Option("path_style", "flag", "the bucket in the path and not in the host name", "false"),
    EVENT_KEYS,
    CLASSES,
    Option("acl", "choice", "a canned ACL for every copy", "the bucket's", ACLS),
    Option("sse", "choice", "encryption of every copy", "the bucket's", ENCRYPTIONS),
    Option("kms_key", "text", 'with `sse = "kms"`: the key', "the bucket's"),
)
NEEDS = MappingProxyType(
    {
        "look": "obs:bucket:ListBucket on {bucket} and obs:object:GetObject on {bucket}/{prefix}*",
        "list": "obs:bucket:ListBucket on {bucket}",
        "read": "obs:object:GetObject on {bucket}/{prefix}*",
        "write": "obs:object:PutObject on {bucket}/{prefix}*",
        "multipart": ("obs:object:PutObject, AbortMultipartUpload and ListMultipartUploadParts on {bucket}/{prefix}*"),
        "delete": "obs:object:DeleteObject on {bucket}/{prefix}*",
        "versioning": "obs:bucket:GetBucketVersioning to ask for it",
        "uploads": ("AbortIncompleteMultipartUpload; to ask for it takes obs:bucket:GetLifecycleConfiguration"),
        "wired": (
            "sets it up where FunctionGraph has OBS triggers; to ask for it takes obs:bucket:GetBucketNotification"
        ),
        "function": "cannot be asked: FunctionGraph's SDK is no part of this",
    }
)
# API reference, "x-obs-storage-class"
STORAGE_CLASSES = frozenset({"STANDARD", "WARM", "COLD", "DEEP_ARCHIVE", "INTELLIGENT_TIERING"})
ABILITIES = Abilities(
    user_bytes=8 * KiB,
    tags=10,
    tag_text=r"[^,/|<>=*\\\x00-\x1f]*",  # API reference, PutObjectTagging: what neither a name nor a value may hold
    min_part=100 * KiB,
    max_part=5 * GiB,
    max_parts=10_000,
    max_object=int(48.8 * 1024) * GiB,
    classes=MappingProxyType(dict.fromkeys(RARELY_READ, "WARM")),
    streams=True,
    consistent=True,
)
COPIES = ServerCopy("within one region, from {least}", WORTH_A_COPY)
CALLS = (
    Call("HeadObject", ("HeadObject",), ("obs:object:GetObject",)),
    Call("GetObject", ("GetObject",), ("obs:object:GetObject",)),
    Call("GetObjectTagging", ("GetObjectTagging",), ("obs:object:GetObjectTagging",)),
    Call("PutObject", ("PutObject",), ("obs:object:PutObject",)),
    Call("DeleteObject", ("DeleteObject",), ("obs:object:DeleteObject",)),
    Call("CreateMultipartUpload", ("InitiateMultipartUpload",), ("obs:object:PutObject",)),
    Call("UploadPart", ("UploadPart",), ("obs:object:PutObject",)),
    Call("UploadPartCopy", ("CopyPart",), ("obs:object:PutObject", "obs:object:GetObject")),
    Call("ListParts", ("ListParts",), ("obs:object:ListMultipartUploadParts",)),
    Call("CompleteMultipartUpload", ("CompleteMultipartUpload",), ("obs:object:PutObject",)),
    Call("AbortMultipartUpload", ("AbortMultipartUpload",), ("obs:object:AbortMultipartUpload",)),
    Call("ListObjectsV2", ("ListObjects",), ("obs:bucket:ListBucket",)),
    Call("GetBucketVersioning", ("GetBucketVersioning",), ("obs:bucket:GetBucketVersioning",)),
    Call("GetBucketLifecycle", ("GetBucketLifecycle",), ("obs:bucket:GetLifecycleConfiguration",)),
    Call("GetBucketNotification", ("GetBucketNotification",), ("obs:bucket:GetBucketNotification",)),
)
_WRITTEN = "targets, log bucket, dead-letter bucket"
GRANTS = (
    Grant(
        "obs:bucket:ListBucket",
        "a missing key is 404 and not 403; list objects of a sweep, and of the delete fuse's claims",
        on=f"source, {_WRITTEN}",
    ),
    Grant("obs:object:GetObject", "object metadata, get object; copies within a region", on="source"),
    Grant("obs:object:GetObjectTagging", "get object tagging", on="source"),
    Grant("obs:object:GetObject", "object metadata: what is there already; get object of a checkpoint", on=_WRITTEN),
    Grant(
        "obs:object:PutObject",
        "put object, copy object, all of an upload in parts; FunctionGraph itself, of dead letters",
        on=_WRITTEN,
    ),
    Grant("obs:object:PutObjectTagging", "an object with tags", on=_WRITTEN),
    Grant("obs:object:DeleteObject", 'delete object, where `deletes = "follow"`; of a checkpoint', on=_WRITTEN),
    Grant("obs:object:ListMultipartUploadParts", "list parts: what of a large object has arrived", on=_WRITTEN),
    Grant("obs:object:AbortMultipartUpload", "abort a multipart upload", on=_WRITTEN),
    Grant(
        "functiongraph:function:invokeAsync",
        "the function calling itself: what is left of a large object",
        on="the function",
    ),
)
FACTS = Facts(
    "obs", "Huawei OBS", "obs://bucket[/prefix]", ABILITIES, OPTIONS, NEEDS, STORAGE_CLASSES, COPIES, CALLS, GRANTS
)
