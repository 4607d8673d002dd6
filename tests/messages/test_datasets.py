"""The archive's messages: what is required of them, and what the receiving end gets."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay.drivers.messages import datasets
from bucketrelay.drivers.messages.datasets import BadMessage, Mapped, Synced, SyncedFile

MAPPING = {"type": "mapping", "dataset_id": "EGA-SE-0001", "accession_ids": ["SYNC-123-00003", "SYNC-123-00004"]}
FILE = SyncedFile("user_x.org/in/a.bam.c4gh", "SYNC-123-00003", "ab" * 32)
SYNCED = {
    "dataset_id": "SYNC-001-12345",
    "dataset_files": [{"filepath": FILE.path, "file_id": FILE.id, "sha256": FILE.sha256}],
    "user": "someone@example.org",
}


def raw(said: object) -> bytes:
    return said if isinstance(said, bytes) else json.dumps(said).encode()


def without(said: dict, name: str) -> dict:
    return {key: value for key, value in said.items() if key != name}


def test_a_mapping_names_a_dataset_and_its_files():
    assert datasets.mapping(raw(MAPPING)) == Mapped("EGA-SE-0001", ("SYNC-123-00003", "SYNC-123-00004"))


def test_a_mapping_may_say_more_and_may_repeat_itself():
    found = datasets.mapping(raw({**MAPPING, "more": 1, "accession_ids": ["a", "b", "a"]}))
    assert found == Mapped("EGA-SE-0001", ("a", "b"))


@pytest.mark.parametrize("kind", ["release", "deprecate"])
def test_messages_that_come_by_the_same_key_and_ask_for_nothing_are_no_mistakes(kind):
    assert datasets.mapping(raw({"type": kind, "dataset_id": "EGA-SE-0001"})) is None


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (b"no json", "is not JSON"),
        (b"[]", "and no object"),
        (b"\xff", "is not JSON"),
        ({}, 'type: must be "mapping"'),
        ({**MAPPING, "type": "ingest"}, "type"),
        ({"type": "release"}, "dataset_id"),
        (without(MAPPING, "dataset_id"), "dataset_id"),
        ({**MAPPING, "dataset_id": "x"}, "at least 2"),
        ({**MAPPING, "dataset_id": "EGA SE"}, "white space"),
        ({**MAPPING, "dataset_id": "EGA-SE-1\n"}, "white space"),
        ({**MAPPING, "dataset_id": 12}, "dataset_id"),
        (without(MAPPING, "accession_ids"), "accession_ids"),
        ({**MAPPING, "accession_ids": "abc"}, "accession_ids"),
        ({**MAPPING, "accession_ids": []}, "names no file"),
        ({**MAPPING, "accession_ids": ["a", ""]}, r"accession_ids\[1\]"),
        ({**MAPPING, "accession_ids": ["a\n"]}, r"accession_ids\[0\]"),
        ({**MAPPING, "accession_ids": ["a", None]}, r"accession_ids\[1\]"),
        ({**MAPPING, "accession_ids": ["\ud800"]}, r"accession_ids\[0\]"),
    ],
)
def test_a_mapping_that_breaks_a_rule_is_refused_by_its_name(said, word):
    with pytest.raises(BadMessage, match=word):
        datasets.mapping(raw(said))


def test_the_receiving_end_reads_what_the_sending_end_writes():
    told = Synced("SYNC-001-12345", "someone@example.org", (FILE,))
    body = datasets.file_sync(told)
    assert json.loads(body) == SYNCED
    assert datasets.parse_sync(body) == told


def test_the_same_dataset_is_the_same_bytes_whatever_the_order_of_its_files():
    other = SyncedFile("user_x.org/in/b.bam.c4gh", "SYNC-123-00004", "cd" * 32)
    one = datasets.file_sync(Synced("SYNC-001-12345", "someone", (FILE, other)))
    assert one == datasets.file_sync(Synced("SYNC-001-12345", "someone", (other, FILE)))


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (b"", "is not JSON"),
        ({**SYNCED, "more": 1}, "more: is not known"),
        (without(SYNCED, "user"), "user"),
        ({**SYNCED, "user": "four"}, "at least 5"),
        ({**SYNCED, "dataset_id": "SYNC-00001"}, "at least 11"),
        ({**SYNCED, "dataset_id": "SYNC 001 12345"}, "white space"),
        ({**SYNCED, "dataset_files": []}, "at least one file"),
        ({**SYNCED, "dataset_files": ["x"]}, r"dataset_files\[0\]: must be an object"),
        ({**SYNCED, "dataset_files": [{**SYNCED["dataset_files"][0], "size": 1}]}, r"dataset_files\[0\].size"),
        ({**SYNCED, "dataset_files": [{**SYNCED["dataset_files"][0], "filepath": "abc"}]}, "filepath"),
        ({**SYNCED, "dataset_files": [{**SYNCED["dataset_files"][0], "file_id": "too-short"}]}, "file_id"),
        ({**SYNCED, "dataset_files": [{**SYNCED["dataset_files"][0], "sha256": "ab" * 32 + "\n"}]}, "64 hexa"),
        ({**SYNCED, "dataset_files": [{**SYNCED["dataset_files"][0], "sha256": "xy" * 32}]}, "64 hexa"),
        ({**SYNCED, "dataset_files": [without(SYNCED["dataset_files"][0], "sha256")]}, "sha256"),
    ],
)
def test_a_file_sync_that_breaks_a_rule_is_refused_by_its_name(said, word):
    with pytest.raises(BadMessage, match=word):
        datasets.parse_sync(raw(said))


def test_what_the_receiving_end_would_refuse_is_not_sent():
    with pytest.raises(BadMessage, match="sha256"):
        datasets.file_sync(Synced("SYNC-001-12345", "someone", (SyncedFile(FILE.path, FILE.id, ""),)))


def test_each_user_has_a_message_of_his_own():
    other = SyncedFile("in/b.c4gh", "SYNC-123-00004", "cd" * 32)
    found = datasets.by_user("SYNC-001-12345", [("zoe", FILE), ("adam", other), ("zoe", other)])
    assert [(each.user, len(each.files)) for each in found] == [("adam", 1), ("zoe", 2)]


def test_metadata_is_for_a_dataset_and_not_empty():
    assert datasets.metadata(raw({"dataset_id": "SYNC-001-12345", "metadata": {"a": 1}})) == "SYNC-001-12345"
    for wrong in ({}, [], None):
        with pytest.raises(BadMessage, match="metadata"):
            datasets.metadata(raw({"dataset_id": "SYNC-001-12345", "metadata": wrong}))
    with pytest.raises(BadMessage, match="more"):
        datasets.metadata(raw({"dataset_id": "SYNC-001-12345", "metadata": {"a": 1}, "more": 1}))


def test_the_pipeline_is_told_of_each_file_and_last_of_the_dataset():
    ingest, accession, mapping = datasets.ingestion(datasets.parse_sync(raw(SYNCED)))
    assert ingest == [{"type": "ingest", "user": SYNCED["user"], "filepath": FILE.path}]
    assert accession == [
        {
            "type": "accession",
            "user": SYNCED["user"],
            "filepath": FILE.path,
            "accession_id": FILE.id,
            "decrypted_checksums": [{"type": "sha256", "value": FILE.sha256}],
        }
    ]
    assert mapping == {"type": "mapping", "dataset_id": "SYNC-001-12345", "accession_ids": [FILE.id]}


def test_a_rejected_message_is_told_with_its_reason_and_itself():
    assert json.loads(datasets.rejection("is not JSON", b"no \xff")) == {
        "error": "Message validation failed in sync service",
        "reason": "is not JSON",
        "original-message": "no \ufffd",
    }


@pytest.mark.parametrize("path", ["a", "user_x.org/in/a b.c4gh", "ü/日本", "a..b/..c", ".hidden/x"])
def test_a_path_below_the_store_is_a_key(path):
    assert datasets.checked_path(path) == path


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "..", "a/../../b", "./a", "a/.", "a//b", "a/", "a\0b", "a\nb", "\ud800", "x" * 1025]
)
def test_a_path_that_leaves_the_store_or_fits_into_none_is_refused(path):
    with pytest.raises(BadMessage):
        datasets.checked_path(path)


@given(raw=st.binary(max_size=40) | st.text(max_size=20).map(lambda text: json.dumps({"type": text}).encode()))
def test_any_bytes_are_a_message_or_refused(raw):
    for read in (datasets.mapping, datasets.parse_sync, datasets.metadata):
        with suppress(BadMessage):
            read(raw)


@given(path=st.text(max_size=30))
def test_no_path_that_is_taken_leads_out_of_a_directory(path):
    import posixpath

    try:
        datasets.checked_path(path)
    except BadMessage:
        return
    assert posixpath.normpath(posixpath.join("/folder", path)) == "/folder/" + path
