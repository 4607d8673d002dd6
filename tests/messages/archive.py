"""An archive as the sensitive-data-archive keeps it, small: two tables, encrypted bodies, headers apart; and a partner.

The tables have the columns that matter, under their names; made from facts about that archive, not from its files.
"""

import base64
import hashlib
import json
import tempfile
import threading
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
from crypt4gh.keys import c4gh

from bucketrelay.clouds.crypt4gh.keys import private_key
from unit.crypt4gh.c4gh import Pair, divided, encrypted

TABLES = """
CREATE SCHEMA sda;
CREATE TABLE sda.files (id serial PRIMARY KEY, stable_id text UNIQUE, submission_user text, submission_file_path text,
    archive_file_path text, archive_file_size bigint, header text, archive_location text);
CREATE TABLE sda.checksums (id serial PRIMARY KEY, file_id int REFERENCES sda.files (id), checksum text, type text,
    source text);
CREATE TABLE sda.datasets (id serial PRIMARY KEY, stable_id text UNIQUE);
CREATE TABLE sda.file_dataset (file_id int REFERENCES sda.files (id), dataset_id int REFERENCES sda.datasets (id));
"""
PASSPHRASE = "archive passphrase 1"


@cache
def _keys() -> dict[str, bytes]:
    """The key files of archive and partner, by their names: what a passphrase is derived with takes its time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        c4gh.generate(folder / "c4gh.sec", folder / "c4gh.pub", PASSPHRASE.encode(), b"")
        c4gh.generate(folder / "partner.sec", folder / "partner.pub", b"", b"")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


@dataclass
class Partner:
    """The receiving end's API: what it is told, and what it answers."""

    user: str = "sync"
    password: str = "remote-secret-1"
    answers: list[int] = field(default_factory=list)  # the next ones; 200 when there are none
    told: list[dict] = field(default_factory=list)  # with a 200
    keys: list[str] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        partner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self._answer(self._status() if self.path == "/ready" else 404)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = self._status()
                if status == 200 and self.path == "/dataset":
                    partner.told.append(json.loads(body))
                    partner.keys.append(self.headers["Idempotency-Key"])
                self._answer(status if self.path == "/dataset" else 404)

            def _status(self) -> int:
                signed = base64.b64encode(f"{partner.user}:{partner.password}".encode()).decode()
                status = partner.answers.pop(0) if partner.answers else 200
                return status if self.headers["Authorization"] == f"Basic {signed}" else 401

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Archive:
    """Keys, files and tables in a folder and a database."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database
        for place in ("archive", "partner"):
            (folder / place).mkdir()
        for name, text in _keys().items():
            (folder / name).write_bytes(text)
        self.key = Pair(private_key(folder / "c4gh.sec", PASSPHRASE).raw)
        self.partner = Pair(private_key(folder / "partner.sec", None).raw)
        self.plain: dict[str, bytes] = {}  # by path
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(TABLES)

    def add(self, stable: str, path: str, data: bytes, *, user: str = "someone@example.org", **more: object) -> None:
        """A file of the archive: its body in the store, the rest in the tables."""
        head, body = divided(encrypted(data, more.get("reader", self.key)))
        place = f"{abs(hash(stable)):x}"
        location = str(more.get("location", ""))  # a folder beside the archive's
        (self.folder / (location or "archive") / place).write_bytes(more.get("body", body))
        sums = [
            ("UNENCRYPTED", "MD5", hashlib.md5(data).hexdigest()),
            ("UNENCRYPTED", "SHA256", hashlib.sha256(data).hexdigest()),
        ]
        with psycopg.connect(self.database) as connection:
            row = (stable, user, path, place, len(body), more.get("header", head).hex(), location)
            (number,) = connection.execute(
                "INSERT INTO sda.files (stable_id, submission_user, submission_file_path, archive_file_path, "
                "archive_file_size, header, archive_location) VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
                row,
            ).fetchone()
            for source, kind, value in [*sums, ("ARCHIVED", "SHA256", "0" * 64)]:
                connection.execute(
                    "INSERT INTO sda.checksums (file_id, checksum, type, source) VALUES (%s, %s, %s, %s)",
                    (number, value, kind, source),
                )
        self.plain[path] = data

    def gather(self, dataset: str, ids: list[str]) -> None:
        """A dataset in the tables."""
        with psycopg.connect(self.database) as connection:
            connection.execute("INSERT INTO sda.datasets (stable_id) VALUES (%s)", (dataset,))
            connection.execute(
                "INSERT INTO sda.file_dataset SELECT file.id, whole.id FROM sda.files AS file, sda.datasets AS whole "
                "WHERE file.stable_id = ANY (%s) AND whole.stable_id = %s",
                (ids, dataset),
            )

    def fill(self, count: int, size: int = 1000, start: int = 0) -> list[str]:
        """*count* files; their stable ids."""
        ids = [f"SYNC-123-{number:05}" for number in range(start, start + count)]
        for number, stable in enumerate(ids):
            data = (b"%d of the data " % (start + number)) * (size // 10 + number % 7)
            self.add(stable, f"someone_example.org/in/{start + number:04}.bam.c4gh", data)
        return ids
