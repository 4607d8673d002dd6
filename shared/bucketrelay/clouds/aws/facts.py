"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import CLASSES, EVENT_KEYS, WORTH_A_COPY, Facts, Option, ServerCopy
from bucketrelay.store import Abilities

# docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
ACLS = (
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
)
OPTIONS = (
    Option("path_style", "flag", "the bucket in the path and not in the host name", "for servers that are not AWS's"),
    Option("dual_stack", "flag", "AWS's addresses that answer by IPv6, too"),
    Option("fips", "flag", "AWS's addresses with validated cryptography"),
    Option("profile", "text", "of AWS's configuration files, instead of keys"),
    EVENT_KEYS,
    Option("request_payer", "flag", "we pay for the requests, as a bucket of somebody else's may ask"),
    Option("storage_class", "text", "of every copy", "the source's, as far as there is one like it"),
    CLASSES,
    Option("acl", "choice", "a canned ACL for every copy", "the bucket's", ACLS),
    Option("sse", "choice", "encryption of every copy", "the bucket's", ENCRYPTIONS),
    Option("kms_key", "text", 'with `sse = "aws:kms"`: the key', "the bucket's"),
)
NEEDS = MappingProxyType(
    {
        "look": ("s3:ListBucket on arn:aws:s3:::{bucket} and s3:GetObject on arn:aws:s3:::{bucket}/{prefix}*"),
        "list": "s3:ListBucket on arn:aws:s3:::{bucket}",
        "read": "s3:GetObject on arn:aws:s3:::{bucket}/{prefix}*, and for KMS kms:Decrypt",
        "tags": (
            "at a source s3:GetObjectTagging and s3:GetObjectVersionTagging, at a target s3:PutObjectTagging"
            " on arn:aws:s3:::{bucket}/{prefix}*"
        ),
        "write": "s3:PutObject on arn:aws:s3:::{bucket}/{prefix}*, and for KMS kms:GenerateDataKey",
        "multipart": (
            "s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on arn:aws:s3:::{bucket}/{prefix}*"
        ),
        "delete": "s3:DeleteObject on arn:aws:s3:::{bucket}/{prefix}*",
        "heartbeat": (
            "s3:PutObject and s3:DeleteObject on arn:aws:s3:::{bucket}/{prefix}*.bucketrelay-probe*,"
            " and for KMS kms:GenerateDataKey"
        ),
        "versioning": "s3:GetBucketVersioning to ask for it",
        "uploads": "AbortIncompleteMultipartUpload; to ask for it takes s3:GetLifecycleConfiguration",
        "wired": "sets it up; to ask for it takes s3:GetBucketNotification",
        "function": ("lambda:GetFunctionConfiguration, lambda:ListEventSourceMappings, sqs:GetQueueAttributes"),
    }
)
# The service model of botocore
STORAGE_CLASSES = frozenset(
    {
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "OUTPOSTS",
        "GLACIER_IR",
        "SNOW",
        "EXPRESS_ONEZONE",
        "FSX_OPENZFS",
    }
)
_KEPT = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "INTELLIGENT_TIERING")
ABILITIES = Abilities(
    tags=10,
    # Amazon S3 user guide, "Categorizing your objects using tags": letters, digits, blanks and these.
    tag_text=r"[\w +\-=.:/@]*",
    classes=MappingProxyType(
        {"WARM": "STANDARD_IA", "InfrequentAccess": "STANDARD_IA"} | {word: word for word in _KEPT}
    ),
    streams=True,
    consistent=True,
    creates_once=True,
)
COPIES = ServerCopy("within one server (AWS: within a partition), from {least}", WORTH_A_COPY)
FACTS = Facts(
    "s3",
    "AWS S3, and servers that speak its dialect",
    "s3://bucket[/prefix]",
    ABILITIES,
    OPTIONS,
    NEEDS,
    STORAGE_CLASSES,
    COPIES,
)
