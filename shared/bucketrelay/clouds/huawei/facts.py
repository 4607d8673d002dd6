"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import CLASSES, EVENT_KEYS, Facts, Option

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
FACTS = Facts("obs", "Huawei OBS", "obs://bucket[/prefix]", OPTIONS, NEEDS)
