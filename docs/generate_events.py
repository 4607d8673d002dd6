# ruff: noqa: INP001 - a script, no package
"""Prints docs/events.md, from the table of senders that the reading of events goes by.

python docs/generate_events.py > docs/events.md
"""

import sys

from bucketrelay.events.record import NO_CHANGE
from bucketrelay.events.senders import FORMS, RECORDS

HEAD = """\
<!-- Generated: python docs/generate_events.py > docs/events.md -->
# Events: who sends them, and what is made of them

Of an event only one thing is believed: which key. So the one thing that must be right is how that key is written, and
that depends on who sent it: AWS and MinIO encode it as a form does (`a b` is `a+b`), Ceph sends it as it is.

## Records
`{"Records": [...]}`, the form that S3 made and others took over. The record's `eventSource` tells who sent it.

| sender | `eventSource` | the key is | where that stands |
|---|---|---|---|
"""
FORMS_HEAD = """
A server that is not in the table (Garage among them) is taken to encode keys, as S3's documentation has it.

## Forms of their own
| sender | known by | the key is | where that stands |
|---|---|---|---|
"""
FOOT = """
OBS encodes the keys of all its records. EventGrid's trigger has a switch, `Key_encode`, that its events do not show; we
take it to be on.

## Where it is otherwise: `event_keys`
A store says so, and that settles it for the events of its bucket:

```toml
[stores.photos]
url = "s3://photos"
endpoint = "https://s3.example.org"
event_keys = "raw"        # or "encoded"
```
It goes for records of S3 servers, for EventGrid and for OCI. EventBridge, Batch Operations and the forms of other
servers leave no choice. A key that cannot have been encoded (`100% done`) is refused with this very hint, and never
looked for under a wrong name.

## Envelopes
Whatever an event travels in is opened, several deep: SQS, SNS, SNS in SQS, EventBridge Pipes (a bare array), SMN,
failure records of Lambda and FunctionGraph, OCI's arrays, and HTTP requests: a webhook by a Lambda function URL, API
Gateway (both versions), a load balancer, or FunctionGraph's APIG, with a body in base64 or not. An HTTP request is
answered as one.

## What asks for nothing
`ObjectCreated`, `ObjectRemoved`, `LifecycleExpiration` and what other senders call them are reasons to look, and so is
`ObjectRestore:Completed`: what came out of the archive can be copied now. Known to change nothing that a copy could
show, and passed over with a word in the log:

"""
LAST = """
An event about an object whose name is in neither list is a reason to look. `bucketrelay replicate EVENT.json --dry-run`
says of each event what would be done for it, or why nothing would.
"""


def page() -> str:
    """The whole text."""
    records = "".join(f"| {s.name} | `{s.known_by}` | {s.keys} | {s.reference} |\n" for s in RECORDS)
    forms = "".join(f"| {s.name} | {s.known_by} | {s.keys} | {s.reference} |\n" for s in FORMS)
    names = ", ".join(f"`{name}`" for name in NO_CHANGE)
    return f"{HEAD}{records}{FORMS_HEAD}{forms}{FOOT}{names}.\n{LAST}"


if __name__ == "__main__":
    sys.stdout.write(page())
