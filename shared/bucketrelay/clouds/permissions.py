"""Which call takes which permission, and what the functions are granted, as data.

docs/permissions.md is made of it, and tests hold the code and the templates to it. Each cloud's own are in its folder's
`permissions.py`, and not in `facts.py`, because a function that starts has no use for them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bucketrelay.values import dataclass


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
class Permissions:
    """Of one kind of store.

    Attributes:
        calls: every one that this program makes to a store.
        grants: what the functions may do.
    """

    calls: tuple[Call, ...]
    grants: tuple[Grant, ...]


# By the name of a call, the places in the code that make it or its like at another cloud, and what for.
PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "HeadObject": "`clouds`: what the target holds, the second look at the source",
        "GetObject": "`clouds`: the source's bytes, checkpoints, failed lists",
        "GetObjectTagging": "`clouds`: an object that has tags, where the target can hold them",
        "PutObject": "`clouds`: small objects, lists, checkpoints; `doctor`; `drivers.heartbeat`, also to the source",
        "DeleteObject": (
            '`core.converge`, with `deletes = "follow"`; `core.checkpoints`; `replay`; `doctor`; '
            "`drivers.heartbeat`, also of the source"
        ),
        "CreateMultipartUpload": "`core.upload`, above `part_size`; copies by the server; `doctor`",
        "UploadPart": "`core.parts`",
        "UploadPartCopy": "`clouds`: copies by the server",
        "ListParts": "`core.upload`: what has arrived; copies by the server",
        "CompleteMultipartUpload": "`core.upload`; copies by the server",
        "AbortMultipartUpload": "`core.upload` and the sweep: what nobody goes on with; `doctor`",
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
