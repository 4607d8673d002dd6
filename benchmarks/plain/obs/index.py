"""The baseline: an OBS replicator as functions are usually written, on ObsClient. No checks, no lists."""

import os
from typing import Any
from urllib.parse import unquote_plus

from obs import ObsClient

CLIENT = ObsClient(
    access_key_id=os.environ["ACCESS_KEY"],
    secret_access_key=os.environ["SECRET_KEY"],
    server=os.environ["ENDPOINT"],
    path_style=True,
    is_signature_negotiation=False,
)


def handler(event: dict[str, Any], context: object) -> None:
    """Copy what each record names to the bucket TARGET."""
    del context
    for record in event["Records"]:
        place = record["obs"]
        key = unquote_plus(place["object"]["key"])
        found = CLIENT.getObject(place["bucket"]["name"], key, loadStreamInMemory=True)
        put = CLIENT.putContent(os.environ["TARGET"], key, found.body.buffer)
        if put.status >= 300:
            raise RuntimeError(put.errorMessage)
