"""`bucketrelay dataset-sync` with a real stream, a real PostgreSQL and an HTTP receiver."""

import json
from urllib.parse import urlsplit

import pytest

from messages.archive import PASSPHRASE, Partner
from messages.post import put, taken
from messages.running import Child, running
from messages.world import SECRETS, until
from unit.crypt4gh.c4gh import command


def test_a_dataset_arrives_whole_and_is_told_once(world):
    ids = world.archive.fill(5, size=100_000)
    world.map(ids)
    with world.sync() as child:
        world.synced()
        assert child.end() == 0, child.text
    world.check(ids)
    assert len(world.partner.told) == 1
    assert world.partner.told[0]["dataset_id"] == "EGA-SE-0001-1"
    first = next(iter(world.archive.plain))
    (world.folder / "one").write_bytes((world.folder / "partner" / first).read_bytes())
    said = command(
        "crypt4gh", "decrypt", "--sk", f"{world.folder}/partner.sec", stdin=(world.folder / "one").read_bytes()
    )
    assert said.stdout == world.archive.plain[first], said.stderr
    said = command(
        "crypt4gh",
        "decrypt",
        "--sk",
        f"{world.folder}/c4gh.sec",
        stdin=(world.folder / "one").read_bytes(),
        passphrase=PASSPHRASE,
    )
    assert said.returncode != 0
    assert said.stdout == b""


def test_what_is_none_of_ours_is_left_alone_and_what_is_no_message_is_reported(world):
    ids = world.archive.fill(1)
    put(world.broker, world.queue, b"poison \xff")
    put(world.broker, world.queue, json.dumps({"type": "release", "dataset_id": "EGA-SE-1"}).encode())
    world.map(["SYNC-999-99999"], dataset="OTHER-0001-1")
    put(world.broker, world.queue, b'{"type": "mapping", "dataset_id": "EGA-SE-1", "accession_ids": []}')
    world.map(ids)
    with world.sync() as child:
        world.synced()
        found = [json.loads(message.body) for message in taken(world.broker, world.errors, 2)]
        assert child.end() == 0, child.text
    assert [said["reason"] for said in found] == ["is not JSON", "accession_ids: names no file"]
    assert found[0]["original-message"] == "poison \ufffd"
    world.check(ids)


def test_a_stream_goes_on_where_it_was_left(world):
    first, second = world.archive.fill(1), world.archive.fill(1, start=1)
    world.map(first, "EGA-SE-0001-1")
    with world.sync() as child:
        world.synced()
        child.end()
    world.map(second, "EGA-SE-0001-2")
    with world.sync() as child:
        world.synced(2)
        child.end()
    assert [told["dataset_id"] for told in world.partner.told] == ["EGA-SE-0001-1", "EGA-SE-0001-2"]


@pytest.mark.slow
def test_a_receiver_that_is_down_is_told_once_it_is_back(world):
    ids = world.archive.fill(1)
    world.partner.answers += [503, 500]
    world.map(ids)
    with world.sync() as child:
        world.synced()
        child.end()
    world.check(ids)
    assert len(world.partner.told) == 1


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"header": b"no header at all"}, "is no Crypt4GH object"),
        pytest.param({"body": b"cut"}, "3 bytes of it, and", marks=pytest.mark.slow),
        pytest.param({"path": "../../etc/x.c4gh"}, "is no path below the store", marks=pytest.mark.slow),
        pytest.param({"foreign": True}, "encrypted for somebody else", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_made_readable_publishes_nothing_and_says_why(world, more, word):
    if more.pop("foreign", False):
        more["reader"] = world.archive.partner
    path = more.pop("path", "someone/in/bad.c4gh")
    world.archive.add("SYNC-123-00000", path, b"data" * 100, **more)
    world.map(["SYNC-123-00000"])
    with world.sync() as child:
        until(lambda: any(word in each["error"] for each in world.dead()))
        assert child.end() == 0, child.text
    assert world.files() == []
    assert world.partner.told == []


def test_a_wrong_passphrase_ends_in_one_line(world):
    with running("dataset-sync", cwd=world.folder, environ={**SECRETS, "C4GH_PW": "wrong-4711"}) as child:
        assert child.ends() == 2
    assert "c4gh.sec: is not opened by this passphrase: correct it" in child.text
    assert "4711" not in child.text
    assert "Traceback" not in child.text


def test_the_archives_own_variables_and_file_are_enough(world):
    ids = world.archive.fill(2)
    (world.folder / "relay.toml").unlink()
    told = f"""
sync: {{centerPrefix: EGA-SE, remote: {{host: "{world.partner.url}/ignored", user: sync}}}}
storage:
  archive: {{posix: [{{path: "{world.folder}/archive"}}]}}
  sync: {{posix: [{{path: "{world.folder}/partner"}}]}}
"""
    (world.folder / "config.yaml").write_text(told)
    database, broker = urlsplit(world.archive.database), urlsplit(world.broker)
    environ = {
        "BROKER_HOST": "127.0.0.1",
        "BROKER_PORT": str(broker.port),
        "BROKER_USER": "guest",
        "BROKER_PASSWORD": "guest",
        "BROKER_QUEUE": world.queue,
        "BROKER_EXCHANGE": world.exchange,
        "DB_HOST": "127.0.0.1",
        "DATABASE_PORT": str(database.port),
        "DB_USER": "relay",
        "DB_PASSWORD": "none",
        "DB_DATABASE": database.path[1:],
        "DB_SSLMODE": "disable",
        "C4GH_FILEPATH": f"{world.folder}/c4gh.sec",
        "C4GH_PASSPHRASE": PASSPHRASE,
        "C4GH_SYNCPUBKEYPATH": f"{world.folder}/partner.pub",
        "SYNC_REMOTE_PASSWORD": Partner.password,
    }
    world.map(ids)
    with running("dataset-sync", "--config", "config.yaml", cwd=world.folder, environ=environ) as child:
        world.synced()
        assert child.end() == 0, child.text
    world.check(ids)


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_killed_at_every_step_in_turn_each_file_arrives_once_and_one_post_counts(world, count):
    ids = world.archive.fill(count, size=20_000)
    child = Child("dataset-sync", cwd=world.folder, environ=SECRETS)
    world.map(ids)
    try:
        for number in range(6):
            child.start()
            until(lambda: child.process.poll() is not None or bool(world.partner.told), 0.4 + 0.35 * number, fail=False)
            child.kill()
        child.start()
        world.synced()
        assert child.end() == 0, child.text
    finally:
        if child.process.poll() is None:
            child.kill()
    world.check(ids)
    assert len(set(world.partner.keys)) == 1
