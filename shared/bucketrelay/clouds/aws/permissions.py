"""The permissions of this kind of store, as data: see `clouds/permissions.py`."""

from bucketrelay.clouds.permissions import Call, Grant, Permissions

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
    Grant(
        "s3:PutObject",
        "PutObject of a heartbeat, where a route has `probe`",
        statement="WriteHeartbeats",
        on="{source}/*.bucketrelay-probe*",
    ),
    Grant(
        "s3:DeleteObject",
        "DeleteObject of a heartbeat",
        statement="WriteHeartbeats",
        on="{source}/*.bucketrelay-probe*",
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
        "S3, for PutObject of a heartbeat, where the source has one",
        statement="EncryptHeartbeats",
    ),
    Grant(
        "kms:GenerateDataKey",
        "S3, for PutObject and CreateMultipartUpload, where the target has one",
        statement="EncryptTarget",
    ),
    Grant("kms:Decrypt", "S3, for UploadPart and CompleteMultipartUpload, there", statement="EncryptTarget"),
    Grant("lambda:InvokeFunction", "Invoke, of itself: what is left of a large object", statement="CallItself"),
)
PERMISSIONS = Permissions(CALLS, GRANTS)
