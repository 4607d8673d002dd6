"""What the Events service says of a change: the shape of the captures under `tests/payloads`, and nothing more."""

import hashlib
import uuid

from bucketrelay_emulators.engine.values import Change

COMPARTMENT = "ocid1.compartment.oc1..aaaaexample"


def event(change: Change) -> dict[str, object]:
    """One OCI event: createobject for a new name, updateobject for an overwrite, deleteobject.

    No size and no content type, whole seconds, the name not encoded. A deleteobject carries the ETag and the version
    of what was deleted: which ones the real service names is not documented.
    """
    if change.kind == "Delete":
        kind, subject = "deleteobject", change.replaced
    else:
        kind, subject = ("updateobject" if change.replaced else "createobject"), change.obj
    return {
        "eventType": f"com.oraclecloud.objectstorage.{kind}",
        "cloudEventsVersion": "0.1",
        "eventTypeVersion": "2.0",
        "source": "ObjectStorage",
        "eventTime": change.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "contentType": "application/json",
        "data": {
            "compartmentId": COMPARTMENT,
            "compartmentName": "example",
            "resourceName": change.key,
            "resourceId": f"/n/{change.namespace}/b/{change.bucket}/o/{change.key}",
            "availabilityDomain": "PHX-AD-1",
            "additionalDetails": {
                "bucketName": change.bucket,
                "versionId": str(uuid.UUID(subject.version)) if subject else "",
                "archivalState": "Available",
                "namespace": change.namespace,
                "bucketId": bucket_ocid(change.namespace, change.bucket),
                "eTag": subject.etag if subject else "",
            },
        },
        "eventID": str(uuid.uuid4()),
        "extensions": {"compartmentId": COMPARTMENT},
    }


def bucket_ocid(namespace: str, bucket: str) -> str:
    """An id that stays the same for a bucket's name."""
    return "ocid1.bucket.oc1.phx." + hashlib.sha256(f"{namespace}/{bucket}".encode()).hexdigest()[:32]
