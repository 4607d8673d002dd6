"""A relay.toml with an S3 bucket played by moto, a directory to copy to, and a queue; and the commands as processes."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from bucketrelay import config, routes, wiring_jobs
from bucketrelay.cli import cli
from bucketrelay.jobs.tasks import task_job
from bucketrelay.model import Change, ObjectEvent
from bucketrelay_emulators.local_clouds import S3_KEYS, S3_REGION

BUCKET = "photos"
_TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)  # by a worker


@dataclass
class World:
    """A folder to run commands in."""

    folder: Path
    cloud: object  # LocalS3
    more: str = ""  # of the configuration

    def __post_init__(self):
        self.cloud.create(BUCKET)
        for name in ("mirror", "logs"):
            (self.folder / name).mkdir()
        self.configure()

    def configure(self, *, endpoint: str = "", more: str = "", bucket: str = BUCKET) -> None:
        keys = "".join(f'{name} = "{value}"\n' for name, value in S3_KEYS.items())
        (self.folder / "relay.toml").write_text(
            f'log = "logs"\n[stores.photos]\nurl = "s3://{bucket}"\nendpoint = "{endpoint or self.cloud.endpoint}"\n'
            f'region = "{S3_REGION}"\ntimeout = 20\nretries = 0\n{keys}'
            f'[stores.mirror]\nurl = "file://{self.folder}/mirror"\n[stores.logs]\nurl = "file://{self.folder}/logs"\n'
            f'[[routes]]\nname = "photos"\nsource = "photos"\ntargets = ["mirror"]\ndeletes = "follow"\n'
            f"{self.more}{more}"
        )

    @property
    def config(self):
        return config.load((self.folder / "relay.toml").read_text(), {}, self.folder)

    @contextmanager
    def queue(self):
        with closing(wiring_jobs.queue(self.config.queue)) as made:
            yield made

    def enqueue(self, *keys: str, bucket: str = BUCKET) -> None:
        tasks = [
            task
            for key in keys
            for task in routes.plan(ObjectEvent("s3", bucket, key, Change.CREATED), self.config.routes)
        ]
        with self.queue() as queue:
            queue.enqueue([task_job(task) for task in tasks])

    def write(self, *keys: str) -> None:
        for key in keys:
            self.cloud.write(BUCKET, key, f"bytes of {key}".encode())

    def mirrored(self) -> set[str]:
        place = self.folder / "mirror"
        return {
            str(path.relative_to(place))
            for path in place.rglob("*")
            if path.is_file() and ".bucketrelay" not in str(path)
        }

    def lists(self, folder: str = "success_object") -> list[dict]:
        lines = [path.read_text().splitlines() for path in (self.folder / "logs" / folder).rglob("*.jsonl")]
        return [json.loads(line) for some in lines for line in some]

    def start(self, *words: str, **more) -> subprocess.Popen:
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "bucketrelay", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environ, **{**pipes, **more})

    def run(self, *words: str) -> subprocess.CompletedProcess:
        """A command that ends by itself, within this process: one of its own shows nothing more, and is slow."""
        before = {number: signal.getsignal(number) for number in _TAKEN}
        try:
            done = CliRunner().invoke(cli, [*words, "--config", str(self.folder / "relay.toml")])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    def run_alone(self, *words: str) -> subprocess.CompletedProcess:
        """The same as a user runs it: a process."""
        process = self.start(*words)
        out, err = process.communicate(timeout=100)
        return subprocess.CompletedProcess(words, process.returncode, out, err)
