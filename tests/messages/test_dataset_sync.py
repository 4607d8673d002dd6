"""`bucketrelay dataset-sync` with a real stream, a real PostgreSQL and an HTTP receiver."""

import json
from urllib.parse import urlsplit

from messages.archive import PASSPHRASE, Partner
from messages.post import put, taken
from messages.running import running
from messages.world import SECRETS
from unit.crypt4gh.c4gh import command, decrypted


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


def test_files_of_several_places_and_users_are_told_to_each_user(world):
    (world.folder / "second").mkdir()
    told = (world.folder / "relay.toml").read_text()
    second = f'[stores.second]\nurl = "file://{world.folder}/second"\n[queue]'
    places = f'archive_location = {{ second = "second", "{world.folder}/archive" = "archive" }}\n'
    (world.folder / "relay.toml").write_text(told.replace("[queue]", second) + places)
    world.archive.add("SYNC-123-00001", "a/in/1.c4gh", b"first", user="adam@example.org")
    world.archive.add("SYNC-123-00002", "z/in/2.c4gh", b"second" * 9999, user="zoe@example.org", location="second")
    world.archive.add("SYNC-123-00003", "a/in/3.c4gh", b"third" * 99, user="adam@example.org", location="second")
    ids = [f"SYNC-123-0000{number}" for number in (1, 2, 3)]
    world.map(ids)
    with world.sync() as child:
        world.synced(2)
        assert child.end() == 0, child.text
    told = {each["user"]: [file["file_id"] for file in each["dataset_files"]] for each in world.partner.told}
    assert told == {"adam@example.org": [ids[0], ids[2]], "zoe@example.org": [ids[1]]}
    assert {each["dataset_id"] for each in world.partner.told} == {"EGA-SE-0001-1"}
    assert len(set(world.partner.keys)) == len(world.partner.told) == 2
    for path, data in world.archive.plain.items():
        assert decrypted((world.folder / "partner" / path).read_bytes(), world.archive.partner) == data
