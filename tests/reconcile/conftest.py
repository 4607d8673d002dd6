"""Two real S3 servers (`rclone serve s3`), a proxy before the target, and the commands as people type them."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bucketrelay import config, wiring
from bucketrelay_emulators.proxy import FaultProxy

ACCESS, SECRET = "AKIARECONCILE0000000", "reconcile-secret-9f1c2e"
RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
SHARED = Path(__file__).parents[2] / "shared"


@contextmanager
def _server(folder):
    command = [
        RCLONE,
        "--config",
        "",
        "serve",
        "s3",
        "--addr",
        "127.0.0.1:0",
        "--auth-key",
        f"{ACCESS},{SECRET}",
        str(folder),
    ]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.parent)}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as server:
        said = ""
        for line in server.stderr:
            said += line
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail(f"rclone serve s3 did not start: {said}")
        reader = threading.Thread(target=server.stderr.read, daemon=True)  # a full pipe would stop the server
        reader.start()
        yield found[0]
        server.kill()
        reader.join()


class World:
    """`photos` on one server, `mirror` and `ops-logs` on another, which the product reaches through a proxy."""

    def __init__(self, folder, source, target, proxy):
        self.folder, self.urls, self.proxy = folder, {"source": source, "target": target}, proxy
        self.where = {"source": folder / "a" / "photos", "target": folder / "b" / "mirror"}
        keys = f'access_key = "{ACCESS}"\nsecret_key = "{SECRET}"\nregion = "us-east-1"\nretries = 0\ntimeout = 60\n'
        at = {"source": (source, "photos"), "target": (proxy.endpoint, "mirror"), "logs": (proxy.endpoint, "ops-logs")}
        text = "".join(
            f'[stores.{name}]\nurl = "s3://{bucket}"\nendpoint = "{url}"\n{keys}' for name, (url, bucket) in at.items()
        )
        route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\ndeletes = "follow"\n'
        self.toml = f'log = "logs"\n{text}{route}'
        (folder / "relay.toml").write_text(self.toml)

    def system(self, emit=lambda _: None):
        return wiring.system(config.load(self.toml, {}), emit=emit)

    def command(self, *words):
        return [sys.executable, "-m", "bucketrelay", *words, "--config", str(self.folder / "relay.toml")]

    @property
    def environ(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "PYTHONPATH": str(SHARED)}

    def run(self, *words):
        return subprocess.run(self.command(*words), env=self.environ, capture_output=True, text=True, check=False)

    def book(self, *words):
        done = self.run("reconcile", "r", "--json", *words)
        assert done.stdout, done.stderr
        return json.loads(done.stdout), done.returncode

    def rclone_check(self):
        """What rclone says of the two buckets: its exit status, and its words."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "RCLONE_CONFIG": ""}
        for name, url in self.urls.items():
            options = {"TYPE": "s3", "PROVIDER": "Rclone", "ENDPOINT": url}
            options |= {"ACCESS_KEY_ID": ACCESS, "SECRET_ACCESS_KEY": SECRET}
            environ |= {f"RCLONE_CONFIG_{name.upper()}_{option}": value for option, value in options.items()}
        words = [RCLONE, "check", "--download", "source:photos", "target:mirror"]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    def books(self):
        return sorted((self.folder / "b" / "ops-logs" / "reconcile").rglob("books.json"))


@pytest.fixture
def world(tmp_path):
    for bucket in ("a/photos", "b/mirror", "b/ops-logs"):
        (tmp_path / bucket).mkdir(parents=True)
    with ExitStack() as held:
        source, target = (held.enter_context(_server(tmp_path / name)) for name in "ab")
        yield World(tmp_path, source, target, held.enter_context(FaultProxy(target)))
