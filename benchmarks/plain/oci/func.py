"""The baseline: an OCI replicator as functions are usually written, on oci. No checks, no lists."""

import io
import json
import os

import oci

CLIENT = oci.object_storage.ObjectStorageClient(
    oci.config.from_file(os.environ["CONFIG_FILE"]), service_endpoint=os.environ["ENDPOINT"]
)


def handler(ctx: object, data: io.BytesIO) -> str:
    """Copy what the event names to the bucket TARGET."""
    del ctx
    event = json.loads(data.getvalue())
    key, place = event["data"]["resourceName"], event["data"]["additionalDetails"]
    found = CLIENT.get_object(place["namespace"], place["bucketName"], key)
    CLIENT.put_object(place["namespace"], os.environ["TARGET"], key, found.data.content)
    return "copied"
