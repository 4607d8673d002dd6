"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import CLASSES, EVENT_KEYS, RARELY_READ, Call, Facts, Grant, Option, ServerCopy
from bucketrelay.store import CONTENT_HEADERS, Abilities, GiB, MiB

AUTHS = ("resource_principal", "instance_principal", "api_key")
OPTIONS = (
    EVENT_KEYS,
    CLASSES,
    Option("auth", "choice", "how requests are signed", "what is there: the function's own, else the API key", AUTHS),
    Option("config_file", "text", 'for `auth = "api_key"`: a file as the SDK and the CLI read it', "~/.oci/config"),
    Option("profile", "text", "of that file", "DEFAULT"),
    Option("user", "text", "instead of a file: the user's OCID"),
    Option("tenancy", "text", "and the tenancy's OCID"),
    Option("fingerprint", "text", "and the key's fingerprint"),
    Option("key_file", "text", "and the file of the private key, as PEM"),
    Option("compartment", "text", "the OCID of the compartment, for what creates buckets"),
)
NEEDS = MappingProxyType(
    {
        "look": ("Allow dynamic-group … to read objects in compartment … where target.bucket.name='{bucket}'"),
        "list": "OBJECT_INSPECT (to inspect objects) in {bucket}",
        "read": "OBJECT_READ (to read objects) in {bucket}",
        "write": (
            "Allow dynamic-group … to manage objects in compartment … where all "
            "{target.bucket.name='{bucket}', any {request.permission='OBJECT_CREATE', "
            "request.permission='OBJECT_OVERWRITE'}}"
        ),
        "multipart": "OBJECT_CREATE and OBJECT_OVERWRITE, both, in {bucket}",
        "delete": (
            "Allow dynamic-group … to manage objects in compartment … where all "
            "{target.bucket.name='{bucket}', request.permission='OBJECT_DELETE'}"
        ),
        "versioning": "BUCKET_READ (to read buckets) to ask for it",
        "uploads": ("target multipart-uploads, action ABORT; to ask for it takes BUCKET_READ (to read buckets)"),
        "wired": ("sets it up; to ask for it takes to inspect cloudevents-rules in the bucket's compartment"),
        "function": "to inspect fn-function in the function's compartment",
    }
)
# SDK, `storage_tier`
STORAGE_CLASSES = frozenset({"Standard", "InfrequentAccess", "Archive"})
# How much metadata an object may have is not documented (a bucket: 4 KB): 2 KiB is what S3 allows.
ABILITIES = Abilities(
    headers=CONTENT_HEADERS - {"expires"},
    min_part=10 * MiB,
    max_part=50 * GiB,
    max_object=10 * 1024 * GiB,
    classes=MappingProxyType(dict.fromkeys(RARELY_READ, "InfrequentAccess")),
    consistent=True,
    creates_once=True,
)
COPIES = ServerCopy(
    "within one realm, from {least}, where only user metadata differs",
    64 * MiB,  # a work request is asked after for seconds; what is smaller has been streamed by then
)
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
FACTS = Facts(
    "oci",
    "Oracle OCI Object Storage",
    "oci://bucket@namespace[/prefix]",
    ABILITIES,
    OPTIONS,
    NEEDS,
    STORAGE_CLASSES,
    COPIES,
    CALLS,
    GRANTS,
)
