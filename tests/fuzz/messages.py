"""What brokers, partners and key files bring: requests, mappings, datasets, Crypt4GH headers, rclone's answers."""

import base64
import json
import struct

from hypothesis import strategies as st

from bucketrelay.clouds.crypt4gh import header
from bucketrelay.clouds.crypt4gh.header import PrivateKey
from bucketrelay.clouds.crypt4gh.keys import parse_private, parse_public
from bucketrelay.clouds.rclone.remote import info_of, remote_of
from bucketrelay.drivers.messages import datasets, requests
from bucketrelay.drivers.messages.invocation import messages_in
from bucketrelay.errors import BadEvent
from fuzz.target import Target

KEY = PrivateKey(bytes(range(32)))
OPENED = struct.pack("<II", 0, 0) + bytes(32)
HEAD = header.join([header._close_packet(OPENED, PrivateKey(bytes(32)), KEY.public, bytes(12))])
SECRET = b"c4gh-v1\0\4none\0\4none\0\x20" + bytes(32)
REQUEST = {
    "action": "copyto",
    "parameters": {"source_root": "a", "source_key": "k", "target_root": "b", "target_key": "l"},
    "pass_through": {"id": 1},
}
MAPPING = {"type": "mapping", "dataset_id": "EGA-SE-1", "accession_ids": ["a", "b"]}
FILE = {"filepath": "in/a.c4gh", "file_id": "SYNC-123-00001", "sha256": "ab" * 32}
DATASET = {"dataset_id": "SYNC-001-12345", "dataset_files": [FILE], "user": "someone"}
MQ = {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": [{"basicProperties": {}, "data": "e30="}]}}
ITEM = {"Path": "a", "Size": 1, "ModTime": "2026-11-29T10:04:12.2Z", "Hashes": {"md5": "00"}, "Metadata": {"a": "b"}}


def _header(raw: bytes) -> None:
    packets = header.split(raw)
    assert header.join(packets) == raw[: header.length_of(packets)]
    assert len(header.reencrypt(packets, KEY, [KEY.public])) <= len(raw) + 16


def _keys(raw: bytes) -> None:
    block = b"-----BEGIN CRYPT4GH %s KEY-----\n%s\n-----END CRYPT4GH %s KEY-----"
    for kind, read in ((b"PRIVATE", lambda text: parse_private(text, None)), (b"PUBLIC", parse_public)):
        try:
            read(block % (kind, base64.b64encode(raw), kind))
        except ValueError:
            continue


def _request(raw: bytes) -> None:
    try:
        reply = requests.success(requests.parse(raw, {"a": "a", "b": "b"}.get))
    except requests.Refused as refusal:
        reply = refusal.reply
    assert json.loads(requests.text(reply))["status"] in ("success", "failure")


def _dataset(raw: bytes) -> None:
    for read in (datasets.mapping, datasets.parse_sync, datasets.metadata):
        try:
            read(raw)
        except datasets.BadMessage:
            continue


def _rclone(item: dict) -> None:
    info_of("a", item, remote_of({"Features": item, "MetadataInfo": item}))


def _texts(*samples: object) -> list[bytes]:
    return [json.dumps(sample).encode() for sample in samples]


TARGETS = (
    Target("crypt4gh header", _header, lambda: [HEAD], lambda: st.binary(max_size=200), (header.BadHeader,)),
    Target("crypt4gh key", _keys, lambda: [SECRET, bytes(32)], lambda: st.binary(max_size=120), ()),
    Target("copy request", _request, lambda: _texts(REQUEST), lambda: st.binary(max_size=80), ()),
    Target("archive message", _dataset, lambda: _texts(MAPPING, DATASET), lambda: st.binary(max_size=80), ()),
    Target(
        "message to a function", lambda said: messages_in(said, "q"), lambda: [MQ], lambda: st.just(MQ), (BadEvent,)
    ),
    Target("rclone item", _rclone, lambda: [ITEM], lambda: st.just(ITEM), (ValueError, TypeError, AttributeError)),
)
