"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import CLASSES, EVENT_KEYS, WORTH_A_COPY, Call, Facts, Grant, Option, ServerCopy
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
        "write": "s3:PutObject on arn:aws:s3:::{bucket}/{prefix}*, and for KMS kms:GenerateDataKey",
        "multipart": (
            "s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts on arn:aws:s3:::{bucket}/{prefix}*"
        ),
        "delete": "s3:DeleteObject on arn:aws:s3:::{bucket}/{prefix}*",
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
CALLS = (
    Call("HeadObject", ("HeadObject",), ("s3:GetObject",)),
    Call("GetObject", ("GetObject",), ("s3:GetObject",)),
    Call("GetObjectTagging", ("GetObjectTagging",), ("s3:GetObjectTagging",)),
    Call("PutObject", ("PutObject",), ("s3:PutObject",)),
    Call("DeleteObject", ("DeleteObject",), ("s3:DeleteObject",)),
    Call("CreateMultipartUpload", ("CreateMultipartUpload",), ("s3:PutObject",)),
    Call("UploadPart", ("UploadPart",), ("s3:PutObject",)),
    Call("UploadPartCopy", ("UploadPartCopy",), ("s3:PutObject", "s3:GetObject")),
    Call("ListParts", ("ListParts",), ("s3:ListMultipartUploadParts",)),
    Call("CompleteMultipartUpload", ("CompleteMultipartUpload",), ("s3:PutObject",)),
    Call("AbortMultipartUpload", ("AbortMultipartUpload",), ("s3:AbortMultipartUpload",)),
    Call("ListObjectsV2", ("ListObjectsV2",), ("s3:ListBucket",)),
    Call("CopyObject", ("CopyObject",), ("s3:PutObject", "s3:GetObject")),
    Call("GetBucketVersioning", ("GetBucketVersioning",), ("s3:GetBucketVersioning",)),
    Call("GetBucketLifecycle", ("GetBucketLifecycle",), ("s3:GetLifecycleConfiguration",)),
    Call("GetBucketNotification", ("GetBucketNotification",), ("s3:GetBucketNotification",)),
)
GRANTS = (
    Grant("sqs:SendMessage", "S3, of each event; in the queue's policy", statement="SourceBucketSends"),
    Grant("sqs:ReceiveMessage", "Lambda's poller", statement="TakeEvents"),
    Grant("sqs:DeleteMessage", "Lambda's poller, of what is done", statement="TakeEvents"),
    Grant("sqs:GetQueueAttributes", "Lambda, of the mapping", statement="TakeEvents"),
    Grant("logs:CreateLogStream", "Lambda, of each new environment", statement="WriteLog"),
    Grant("logs:PutLogEvents", "Lambda, of what the function prints", statement="WriteLog"),
    Grant("sqs:SendMessage", "Lambda, of what failed when the function called itself", statement="KeepFailed"),
    Grant(
        "s3:ListBucket",
        "HeadObject, GetObject: without it a missing key is 403, which is never taken for *deleted*",
        statement="ListSource",
        on="{source}",
    ),
    Grant(
        "s3:GetObject",
        "HeadObject, GetObject; CopyObject and UploadPartCopy, which read it too",
        statement="ReadSource",
        on="{source}/*",
    ),
    Grant("s3:GetObjectTagging", "GetObjectTagging, of an object with tags", statement="ReadSource", on="{source}/*"),
    Grant(
        "s3:GetObjectVersionTagging",
        "the same, where the bucket keeps versions",
        statement="ReadSource",
        on="{source}/*",
    ),
    Grant("s3:ListBucket", "HeadObject, as for the source", statement="ListTarget", on="{target}"),
    Grant("s3:GetObject", "HeadObject: what is there already", statement="WriteTarget", on="{target}/*"),
    Grant(
        "s3:PutObject",
        "PutObject, CopyObject, CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload",
        statement="WriteTarget",
        on="{target}/*",
    ),
    Grant("s3:PutObjectTagging", "the same, of an object with tags", statement="WriteTarget", on="{target}/*"),
    Grant("s3:DeleteObject", 'DeleteObject, where `deletes = "follow"`', statement="WriteTarget", on="{target}/*"),
    Grant(
        "s3:ListMultipartUploadParts",
        "ListParts: what of a large object has arrived",
        statement="WriteTarget",
        on="{target}/*",
    ),
    Grant(
        "s3:AbortMultipartUpload",
        "AbortMultipartUpload: the source has changed meanwhile, or the daily sweep",
        statement="WriteTarget",
        on="{target}/*",
    ),
    Grant(
        "s3:ListBucket",
        "GetObject of a checkpoint that may not be there; ListObjectsV2 of the daily sweep,"
        " and of the delete fuse's claims",
        statement="ListLog",
        on="{log}",
    ),
    Grant(
        "s3:PutObject",
        "PutObject of lists, of checkpoints, and of the delete fuse's claims",
        statement="KeepLists",
        on="{log}/*",
    ),
    Grant("s3:GetObject", "GetObject of a checkpoint", statement="KeepLists", on="{log}/*"),
    Grant(
        "s3:DeleteObject",
        "DeleteObject of a checkpoint or a claim that is done with",
        statement="KeepLists",
        on="{log}/*",
    ),
    Grant("kms:Decrypt", "S3, for GetObject, where the source has a KMS key of its own", statement="DecryptSource"),
    Grant(
        "kms:GenerateDataKey",
        "S3, for PutObject and CreateMultipartUpload, where the target has one",
        statement="EncryptTarget",
    ),
    Grant("kms:Decrypt", "S3, for UploadPart and CompleteMultipartUpload, there", statement="EncryptTarget"),
    Grant("lambda:InvokeFunction", "Invoke, of itself: what is left of a large object", statement="CallItself"),
)
FACTS = Facts(
    "s3",
    "AWS S3, and servers that speak its dialect",
    "s3://bucket[/prefix]",
    ABILITIES,
    OPTIONS,
    NEEDS,
    STORAGE_CLASSES,
    COPIES,
    CALLS,
    GRANTS,
)
