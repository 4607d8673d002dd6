"""A dataset's whole world: an archive, a stream, a partner, a configuration; and the command that moves them."""

import contextlib
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import postgres_server
from bucketrelay.cli import cli
from messages.archive import PASSPHRASE, Archive, Partner
from messages.post import channel, declare, put
from messages.running import PATIENCE, Child, running
from unit.crypt4gh.c4gh import decrypted

CONFIG = """
log = "logs"
[stores.archive]
url = "file://{folder}/archive"
[stores.partner]
url = "file://{folder}/partner"
[stores.logs]
url = "file://{folder}/logs"

[limits]
part_size = "5MiB"

[queue]
lease = 2
attempts = {attempts}

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


class World:
    def __init__(
        self, folder: Path, broker: str, postgres: str, partner: Partner, name, kind: str = "stream", attempts: int = 8
    ) -> None:
        self.folder, self.broker, self.partner = folder, broker, partner
        self.queue, self.exchange, self.errors = name("mapping_stream"), name("sda"), name("errors")
        self.archive = Archive(folder, postgres_server.new_database(postgres))
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
            attempts=attempts,
            remote=partner.url,
        )
        (folder / "relay.toml").write_text(told)

    def map(self, ids: list[str], dataset: str = "EGA-SE-0001-1") -> None:
        body = {"type": "mapping", "dataset_id": dataset, "accession_ids": ids}
        put(self.broker, self.queue, json.dumps(body).encode(), correlation_id="c1")

    def sync(self) -> contextlib.AbstractContextManager[Child]:
        return running("dataset-sync", cwd=self.folder, environ=SECRETS)

    def synced(self, count: int = 1, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while len(self.partner.told) < count:
            assert time.monotonic() < end, (self.folder / "child.out").read_text()
            time.sleep(0.05)

    def check(self, ids: list[str]) -> None:
        """Every file is there once, whole, for the partner's key alone."""
        received = sorted(p.relative_to(self.folder / "partner") for p in self.files())
        assert [str(path) for path in received] == sorted(self.archive.plain)
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
        """Asked again and again until there are some: here, and not each time in a process of its own."""
        words = ["--config", str(self.folder / "relay.toml"), "queue", "dead", "--json"]
        done = CliRunner().invoke(cli, words, env=SECRETS)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]


def until(true, seconds: float = PATIENCE, *, fail: bool = True) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() >= end:
            assert not fail
            return
        time.sleep(0.05)
