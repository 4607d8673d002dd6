"""What is known of this kind of store, as data: see `clouds/facts.py`."""

from types import MappingProxyType

from bucketrelay.clouds.facts import CLASSES, EVENT_KEYS, RARELY_READ, Facts, Option, ServerCopy
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
        "tags": "nothing: objects have no tags there",
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
        "heartbeat": (
            "Allow dynamic-group … to manage objects in compartment … where all {target.bucket.name='{bucket}', "
            "target.object.name='*.bucketrelay-probe*', any {request.permission='OBJECT_CREATE', "
            "request.permission='OBJECT_OVERWRITE', request.permission='OBJECT_DELETE'}}"
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
    streams=True,
    consistent=True,
    creates_once=True,
)
COPIES = ServerCopy(
    "within one realm, from {least}, where only user metadata differs",
    64 * MiB,  # a work request is asked after for seconds; what is smaller has been streamed by then
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
    instead_of_keys='use auth = "api_key" and its keys',
)
