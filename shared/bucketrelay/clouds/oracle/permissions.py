"""The permissions of this kind of store, as data: see `clouds/permissions.py`."""

from bucketrelay.clouds.permissions import Call, Grant, Permissions

CALLS = (
    Call("HeadObject", ("HeadObject",), ("OBJECT_INSPECT",)),
    Call("GetObject", ("GetObject",), ("OBJECT_READ",)),
    Call("PutObject", ("PutObject",), ("OBJECT_CREATE", "OBJECT_OVERWRITE")),
    Call("DeleteObject", ("DeleteObject",), ("OBJECT_DELETE",)),
    Call("CreateMultipartUpload", ("CreateMultipartUpload",), ("OBJECT_CREATE", "OBJECT_OVERWRITE")),
    Call("UploadPart", ("UploadPart",), ("OBJECT_CREATE", "OBJECT_OVERWRITE")),
    Call("ListParts", ("ListMultipartUploadParts",), ("OBJECT_READ",)),
    Call("CompleteMultipartUpload", ("CommitMultipartUpload",), ("OBJECT_CREATE", "OBJECT_OVERWRITE")),
    Call("AbortMultipartUpload", ("AbortMultipartUpload",), ("OBJECT_DELETE",)),
    Call("ListObjectsV2", ("ListObjects",), ("OBJECT_INSPECT",)),
    Call("CopyObject, as a work request", ("CopyObject",), ("OBJECT_READ", "OBJECT_INSPECT")),
    Call("GetWorkRequest", ("GetWorkRequest",)),
    Call("ListWorkRequestErrors", ("ListWorkRequestErrors", "CancelWorkRequest")),
    Call("GetNamespace", ("GetNamespace",)),
    Call("GetBucketVersioning", ("GetBucket",), ("BUCKET_READ",)),
    Call("GetBucketLifecycle", ("GetObjectLifecyclePolicy",), ("BUCKET_READ",)),
    Call("GetBucketNotification", ("ListRules",), ("EVENTRULE_LIST",)),
)
GRANTS = (
    Grant(
        "read objects",
        "GetObject, HeadObject; CopyObject as the caller (OBJECT_READ, OBJECT_INSPECT)",
        "read_source",
        "the function",
        "in the source bucket",
    ),
    Grant(
        "manage objects",
        "PutObject and DeleteObject of a heartbeat, where a route has `probe`",
        "write_heartbeats",
        "the function",
        "in the source bucket, of names like `*.bucketrelay-probe*`",
        limited=True,
    ),
    Grant(
        "manage objects",
        "PutObject of lists; Get, Put and DeleteObject of checkpoints; ListObjects of a sweep"
        " and of the delete fuse's claims",
        "keep_lists",
        "the function",
        "in the log bucket",
        limited=True,
    ),
    Grant(
        "manage objects",
        "HeadObject; PutObject and multipart (OBJECT_CREATE and OBJECT_OVERWRITE);"
        " DeleteObject, AbortMultipartUpload (OBJECT_DELETE)",
        "write_target",
        "the function",
        "in the target bucket",
        limited=True,
    ),
    Grant(
        "manage object-family",
        "CopyObject: the service of the source's region does the work",
        "copy_within",
        "`objectstorage-{region}`",
        limited=True,
    ),
    Grant(
        "use functions-family",
        "the rule, of the function: else it matches, and the call is 403, which only its metrics show",
        "rule_calls",
        "`cloudEvents`",
    ),
    Grant("use virtual-network-family", "the application's subnet", "use_network", "`FaaS`"),
    Grant("read repos", "the function's image", "read_image", "`FaaS`"),
    Grant(
        "use fn-invocation", "InvokeFunction, of itself: what is left of a large object", "call_itself", "the function"
    ),
    Grant(
        "read fn-function",
        "GetFunction: where to call itself, unless `BUCKETRELAY_INVOKE_ENDPOINT` says so",
        "find_endpoint",
        "the function",
    ),
    Grant(
        "manage object-family",
        "the lifecycle rule that removes abandoned parts",
        "sweep_uploads",
        "`objectstorage-{region}`",
        "in the target bucket",
    ),
    Grant("use queue-push", "the failure destination of detached calls", "keep_failed", "the function", "of one queue"),
    Grant(
        "manage functions-family",
        "Resource Scheduler, whose calls are of the principal type `resourceschedule`",
        "call_on_time",
        "a schedule",
        "in the function's compartment",
    ),
    Grant("manage cloudevents-rules", "people who change the rule", "manage_rules", "a group of yours"),
)
PERMISSIONS = Permissions(CALLS, GRANTS)
