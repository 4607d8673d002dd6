"""What is known of each kind of store, as data: `config` reads options by it, `doctor` and the pages are made from it.

Each cloud's own are in its folder's `facts.py`. Nothing here or there imports more than the standard library and the
words of `store`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from bucketrelay.store import Abilities, MiB

Kind = Literal["text", "secret", "flag", "whole", "number", "choice", "endpoint", "classes"]
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a store.

    Attributes:
        default: in words; "" where it is simply not set.
        choices: of a `choice`.
        low, high: of a number, both included.
    """

    name: str
    kind: Kind
    meaning: str
    default: str = ""
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0


@dataclass(frozen=True, slots=True)
class ServerCopy:
    """Copies that the server makes by itself.

    Attributes:
        reach: between which stores, and on which condition, for the page; `{least}` stands for the size.
        least: bytes of an object that is worth it.
    """

    reach: str
    least: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a cloud's store.

    Attributes:
        purpose: what it is made for: one of `PURPOSES`, where the clouds' calls for the same are one row.
        names: in the cloud's own words; more than one, where they are made together.
        permissions: each of which it takes; none where the call is the caller's own matter.
    """

    purpose: str
    names: tuple[str, ...]
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission of the functions, as the templates grant it: for docs/permissions.md.

    Attributes:
        needed_by: the call, and what for.
        statement: its name in the template; "" where it has none there.
        whom: to whom it is granted, where that is not always the function's own role.
        on: what it holds for; "" where the permission says that itself.
        limited: to the five permissions that an object's copy takes, of all that the words say.
    """

    permission: str
    needed_by: str
    statement: str = ""
    whom: str = ""
    on: str = ""
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """One kind of store.

    Attributes:
        form: of its URL.
        abilities: as the cloud itself documents them. A store declares less where its server is another, and more
            classes where it is told so.
        storage_classes: the cloud's words for them.
        calls: every one that this program makes to a store.
        grants: what the functions may do.
        needs: the permission that each of the doctor's checks takes, in the cloud's own words, by the check's name;
            `{bucket}` and `{prefix}` stand for the store's.
    """

    scheme: str
    name: str
    form: str
    abilities: Abilities
    options: tuple[Option, ...] = ()
    needs: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    storage_classes: frozenset[str] = frozenset()
    copies: ServerCopy | None = None
    calls: tuple[Call, ...] = ()
    grants: tuple[Grant, ...] = ()


# In any cloud's words, what is read rarely but at once. Not the archives (GLACIER, DEEP_ARCHIVE, COLD, Archive): what
# is in one cannot be read, so it could neither be copied nor compared again without being restored first. Who wants
# them says so with `storage_classes`.
RARELY_READ = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "INTELLIGENT_TIERING", "WARM", "InfrequentAccess")
# By the name of a call, the places in the code that make it or its like at another cloud, and what for.
PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "HeadObject": "`clouds`: what the target holds, the second look at the source",
        "GetObject": "`clouds`: the source's bytes, checkpoints, failed lists",
        "GetObjectTagging": "`clouds`: an object that has tags, where the target can hold them",
        "PutObject": "`clouds`: small objects, lists, checkpoints; `doctor`",
        "DeleteObject": '`core.converge`, with `deletes = "follow"`; `core.checkpoints`; `replay`; `doctor`',
        "CreateMultipartUpload": "`core.parts`, above `part_size`; copies by the server; `doctor`",
        "UploadPart": "`core.parts`",
        "UploadPartCopy": "`clouds`: copies by the server",
        "ListParts": "`core.parts`: what has arrived; copies by the server",
        "CompleteMultipartUpload": "`core.parts`; copies by the server",
        "AbortMultipartUpload": "`core.parts` and the sweep: what nobody goes on with; `doctor`",
        "ListObjectsV2": "the sweep, of checkpoints; the delete fuse, of claims; `replay`, of failed lists; `doctor`",
        "CopyObject": "`clouds.aws`: copies by the server, on AWS alone",
        "CopyObject, as a work request": (
            "`clouds.oracle`: from 64 MiB on; the service then writes as `objectstorage-{region}`"
        ),
        "GetWorkRequest": "`clouds.oracle`: whether the copy has ended; the caller's own",
        "ListWorkRequestErrors": "`clouds.oracle`: of a copy that fails, or does not end in time",
        "GetNamespace": "`clouds.oracle`: where the store's url has no namespace",
        "GetBucketVersioning": "`doctor` alone",
        "GetBucketLifecycle": "`doctor` alone",
        "GetBucketNotification": "`doctor` and `wire`",
    }
)
WORTH_A_COPY = 8 * MiB  # of what is smaller, the first look at the source has usually brought the bytes already

COMMON = (
    Option("endpoint", "endpoint", "the server's address; https where it says nothing else", "the cloud's own"),
    Option("region", "text", "the bucket's region", "as the cloud's own tools find it"),
    Option("access_key", "secret", "with `secret_key`; without both, the cloud's usual chain of credentials"),
    Option("secret_key", "secret", "goes with `access_key`"),
    Option("session_token", "secret", "of temporary keys"),
    Option("ca_file", "text", "authorities to trust instead of the system's, as PEM", "the system's"),
    Option("timeout", "number", "seconds to connect, and for each read and write", "10", low=0.1, high=3600),
    Option("retries", "whole", "how often a harmless request is made again", "2", low=0, high=100),
    Option("coms_id", "flag", "whether the inventory writes an object's id into its tag `coms-id`", "false"),
    Option("coms_bucket_id", "text", "what COMS's clients call the bucket: docs/serve.md"),
)
EVENT_KEYS = Option(
    "event_keys",
    "choice",
    "how keys are written in the bucket's events, where that is otherwise: docs/events.md",
    "as the sender does",
    ("encoded", "raw"),
)
CLASSES = Option(
    "storage_classes",
    "classes",
    'what becomes of a class of another store here: `{ GLACIER = "COLD" }`',
    "docs/what-travels.md",
)
