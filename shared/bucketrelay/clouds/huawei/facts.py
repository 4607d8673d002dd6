"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import (
    CLASSES,
    EVENT_KEYS,
    RARELY_READ,
    WORTH_A_COPY,
    Facts,
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
        "tags": (
            "at a source obs:object:GetObjectTagging, at a target obs:object:PutObjectTagging on {bucket}/{prefix}*"
        ),
        "write": "obs:object:PutObject on {bucket}/{prefix}*",
        "multipart": ("obs:object:PutObject, AbortMultipartUpload and ListMultipartUploadParts on {bucket}/{prefix}*"),
        "delete": "obs:object:DeleteObject on {bucket}/{prefix}*",
        "heartbeat": "obs:object:PutObject and obs:object:DeleteObject on {bucket}/{prefix}*.bucketrelay-probe*",
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
FACTS = Facts("obs", "Huawei OBS", "obs://bucket[/prefix]", ABILITIES, OPTIONS, NEEDS, STORAGE_CLASSES, COPIES)
