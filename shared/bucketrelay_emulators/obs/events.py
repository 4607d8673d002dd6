"""A change in a bucket as the event that OBS sends: records of version 3.0 and 2.0, and EventGrid's CloudEvent.

Shapes, names and encodings are those of the captured samples; the owner, addresses and rule names are made up.
"""

import itertools
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Literal
from urllib.parse import quote_plus

from bucketrelay_emulators.engine.values import Change
from bucketrelay_emulators.obs.xml import iso

Shape = Literal["v3", "v2", "eventgrid"]
Event = Mapping[str, Any]
_OWNER = "28a70000000000000000000000000001"
_CHINA = timezone(timedelta(hours=8))
_counter = itertools.count(1)


def event(change: Change, shape: Shape = "v3", *, region: str = "cn-north-4") -> dict[str, Any]:
    """What a function is handed for this change."""
    if shape == "eventgrid":
        return _eventgrid(change, region)
    return {"Records": [_record_v2(change, region) if shape == "v2" else _record_v3(change, region)]}


def _name(change: Change) -> str:
    return "ObjectRemoved:Delete" if change.kind == "Delete" else f"ObjectCreated:{change.kind}"


def _sequencer(time: datetime) -> str:
    # Digits 9 to 19 are Unix milliseconds in the captured ones; the rest only has to grow.
    return f"{0:08X}{int(time.timestamp() * 1000):011X}{next(_counter):013X}"


def _object(change: Change, version: str, sequencer: str) -> dict[str, Any]:
    written = {"eTag": change.obj.etag, "size": len(change.obj.body)} if change.obj else {}
    return {"key": quote_plus(change.key), **written, "versionId": version, "sequencer": sequencer}


def _record_v3(change: Change, region: str) -> dict[str, Any]:
    return {
        "eventVersion": "3.0",
        "eventSource": "OBS",
        "eventRegion": region,
        "eventTime": iso(change.time),
        "eventName": _name(change),
        "userIdentity": {"ID": _OWNER},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-obs-request-id": uuid.uuid4().hex, "x-obs-id-2": uuid.uuid4().hex},
        "obs": {
            "Version": "1.0",
            "configurationId": "replicate",
            "bucket": {"name": change.bucket, "ownerIdentity": {"ID": _OWNER}, "bucket": change.bucket},
            "object": _object(change, "null", _sequencer(change.time)),
        },
    }


def _record_v2(change: Change, region: str) -> dict[str, Any]:
    return {
        "eventVersion": "2.0",
        "eventSource": "aws:s3",
        "awsRegion": region,
        "eventTime": iso(change.time),
        "eventName": _name(change),
        "userIdentity": {"principalId": _OWNER},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": uuid.uuid4().hex, "x-amz-id-2": uuid.uuid4().hex},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "replicate",
            "bucket": {
                "name": change.bucket,
                "ownerIdentity": {"PrincipalId": _OWNER},
                "arn": f"arn:aws:s3:::{change.bucket}",
            },
            "object": _object(change, "null", _sequencer(change.time)),
        },
    }


def _eventgrid(change: Change, region: str) -> dict[str, Any]:
    request, name = uuid.uuid4().hex, _name(change)
    suffix = name.rpartition(":")[2]
    return {
        "specversion": "1.0",
        "id": request,
        "source": "HC.OBS.DWR",
        # The envelope writes PUT, POST and COPY in capitals, but the longer names as they are.
        "type": f"OBS:DWR:{name.partition(':')[0]}:{suffix.upper() if suffix in ('Put', 'Post', 'Copy') else suffix}",
        "subject": quote_plus(change.key),
        "time": f"{change.time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S.%f}000Z",
        "datacontenttype": "application/json",
        "ttl": "4000",
        "dataschema": "",
        "data": {
            "eventVersion": "3.0",
            "eventSource": "OBS",
            # Local time labelled as UTC, as captured: only the envelope's time can be trusted.
            "eventTime": iso(change.time.astimezone(_CHINA).replace(tzinfo=timezone.utc)),
            "eventName": name,
            "eventRegion": region,
            "userIdentity": {"ID": _OWNER},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {
                "x-obs-id-2": "",
                "x-obs-request-id": request,
                "x-amz-request-id": "",
                "x-amz-id-2": "",
            },
            "obs": {
                "Version": "1.0",
                "configurationId": "5d1b530b-0000-4000-8000-000000000001",
                "bucket": {"bucket": change.bucket, "name": change.bucket, "arn": "", "ownerIdentity": {"ID": _OWNER}},
                "object": {"oldpsxpth": "", **_object(change, f"G00{request[:29].upper()}null", "1")},
            },
        },
    }
