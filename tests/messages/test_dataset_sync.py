"""`bucketrelay dataset-sync` with a real stream, a real PostgreSQL and an HTTP receiver."""

import contextlib
import json
import time
from pathlib import Path

import pytest

import postgres_server
from messages.archive import PASSPHRASE, Archive, Partner
from messages.post import channel, declare, put, taken
from messages.running import Child, running
from unit.crypt4gh.c4gh import command, decrypted

CONFIG = """
log = "logs"
[stores.archive]
url = "file://{folder}/archive"
[stores.partner]
url = "file://{folder}/partner"
[stores.logs]
url = "file://{folder}/logs"

[queue]
lease = 2

[datasets]
broker = "{broker}"
queue = "{queue}"
exchange = "{exchange}"
database = "{database}"
center_prefix = "EGA-SE"
archive = "archive"
target = "partner"
key_file = "c4gh.sec"
passphrase = "${{C4GH_PW}}"
receiver_key = "partner.pub"
remote = {{ url = "{remote}", user = "sync", password = "${{REMOTE_PW}}" }}
"""
SECRETS = {"C4GH_PW": PASSPHRASE, "REMOTE_PW": Partner.password}


@pytest.fixture(scope="session")
def postgres():
    with postgres_server.server() as server:
        yield server


@pytest.fixture
def partner():
    made = Partner()
    made.start()
    yield made
    made.stop()


class World:
    def __init__(self, folder: Path, broker: str, postgres, partner: Partner, name, kind: str = "stream") -> None:
        self.folder, self.broker, self.partner = folder, broker, partner
        self.queue, self.exchange, self.errors = name("mapping_stream"), name("sda"), name("errors")
        self.archive = Archive(folder, postgres_server.new_database(postgres.url()))
        (folder / "logs").mkdir()
        declare(broker, self.queue, kind)
        with channel(broker) as ch:
            ch.exchange_declare(self.exchange, "topic", durable=True, auto_delete=False)
            ch.queue_declare(self.errors, durable=True, auto_delete=False)
            ch.queue_bind(self.errors, self.exchange, "error")
        told = CONFIG.format(
            folder=folder,
            broker=broker,
            queue=self.queue,
            exchange=self.exchange,
            database=self.archive.database,
            remote=partner.url,
        )
        (folder / "relay.toml").write_text(told)

    def map(self, ids: list[str], dataset: str = "EGA-SE-0001-1") -> None:
        body = {"type": "mapping", "dataset_id": dataset, "accession_ids": ids}
        put(self.broker, self.queue, json.dumps(body).encode(), correlation_id="c1")

    def sync(self) -> contextlib.AbstractContextManager[Child]:
        return running("dataset-sync", cwd=self.folder, environ=SECRETS)

    def synced(self, count: int = 1, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while len(self.partner.told) < count:
            assert time.monotonic() < end, (self.folder / "child.out").read_text()
            time.sleep(0.05)

    def check(self, ids: list[str]) -> None:
        """Every file is there once, whole, for the partner's key alone."""
        there = sorted(p.relative_to(self.folder / "partner") for p in self.files())
        assert [str(path) for path in there] == sorted(self.archive.plain)
        for path, data in self.archive.plain.items():
            raw = (self.folder / "partner" / path).read_bytes()
            assert decrypted(raw, self.archive.partner) == data
            with pytest.raises(ValueError, match="No supported"):
                decrypted(raw, self.archive.key)
        told = self.partner.told[-1]
        assert sorted(file["file_id"] for file in told["dataset_files"]) == sorted(ids)

    def files(self) -> list[Path]:
        return [p for p in (self.folder / "partner").rglob("*.c4gh") if ".bucketrelay" not in p.parts]

    def dead(self) -> list[dict]:
        with running("queue", "dead", "--json", cwd=self.folder, environ=SECRETS) as child:
            child.process.wait(30)
        lines = [line for line in child.text.splitlines() if line.startswith("{")]
        return [found for line in lines if "attempts" in (found := json.loads(line))]


@pytest.fixture
def world(tmp_path, amqp, postgres, partner, name) -> World:
    return World(tmp_path, amqp, postgres, partner, name)


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
        _until(lambda: any(word in each["error"] for each in world.dead()))
        assert child.end() == 0, child.text
    assert world.files() == []
    assert world.partner.told == []


def test_a_wrong_passphrase_ends_in_one_line(world):
    with running("dataset-sync", cwd=world.folder, environ={**SECRETS, "C4GH_PW": "wrong-4711"}) as child:
        assert child.process.wait(30) == 2
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
    from urllib.parse import urlsplit

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
            _until(
                lambda: child.process.poll() is not None or bool(world.partner.told), 0.4 + 0.35 * number, fail=False
            )
            child.kill()
        child.start()
        world.synced(seconds=240)
        assert child.end() == 0, child.text
    finally:
        if child.process.poll() is None:
            child.kill()
    world.check(ids)
    assert len(set(world.partner.keys)) == 1


def _until(true, seconds: float = 60, *, fail: bool = True) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() >= end:
            assert not fail
            return
        time.sleep(0.05)
