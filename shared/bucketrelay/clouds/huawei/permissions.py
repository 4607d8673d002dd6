"""The permissions of this kind of store, as data: see `clouds/permissions.py`."""

from bucketrelay.clouds.permissions import Call, Grant, Permissions

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
_HEARTBEATS = "heartbeats in the source: `*.bucketrelay-probe*`"
GRANTS = (
    Grant(
        "obs:bucket:ListBucket",
        "a missing key is 404 and not 403; list objects of a sweep, and of the delete fuse's claims",
        on=f"source, {_WRITTEN}",
    ),
    Grant("obs:object:GetObject", "object metadata, get object; copies within a region", on="source"),
    Grant("obs:object:GetObjectTagging", "get object tagging", on="source"),
    Grant("obs:object:PutObject", "put object of a heartbeat, where a route has `probe`", on=_HEARTBEATS),
    Grant("obs:object:DeleteObject", "delete object of a heartbeat", on=_HEARTBEATS),
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
PERMISSIONS = Permissions(CALLS, GRANTS)
