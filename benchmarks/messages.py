"""Copies by message beside a process for each of them, and new headers beside a plain copy: one run, one machine.

    python benchmarks/messages.py [COUNT]

Requests go through the job queue (SQLite) and a worker's kinds, without a broker; the other road is what medusa-copier
does, `rclone copyto` for each message, one after the other.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bucketrelay import config, wiring, wiring_jobs, wiring_messages
from bucketrelay.clouds.crypt4gh.header import PrivateKey
from bucketrelay.clouds.crypt4gh.store import ReencryptedStore
from bucketrelay.clouds.rclone.daemon import binary, shared_daemon
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.messages.delivery import Delivery
from bucketrelay.drivers.messages.intake import CopyIntake
from bucketrelay.jobs.queue import State
from bucketrelay.model import Task

TOML = """
log = "logs"
[stores.a]
url = "{scheme}{place}/a"
{more}
[stores.b]
url = "{scheme}{place}/b"
{more}
[stores.logs]
url = "file://{folder}/logs"
[copier]
broker = "amqp://nowhere"
requests = "in"
roots = {{ a = "a", b = "b" }}
[queue]
url = "sqlite:///{name}.db"
"""


def seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def ours(folder: Path, count: int, scheme: str, place: str, more: str = "") -> float:
    name = scheme.partition(":")[0]
    text = TOML.format(scheme=scheme, place=place, more=more, folder=folder, name=name)
    found = config.load(text, {}, folder)
    system, jobs = wiring.system(found, emit=lambda _: None), wiring_jobs.queue(found.queue)
    intake = CopyIntake(jobs, {"a": "a", "b": "b"}, "")
    for number in range(count):
        said = {"source_root": "a", "source_key": f"{number}", "target_root": "b", "target_key": f"{name}/{number}"}
        intake(Delivery(json.dumps({"action": "copyto", "parameters": said}).encode()))
    worker = wiring_jobs.worker(found, system, jobs, say=print)
    spent = seconds(lambda: worker.run(drain=True))
    assert worker.states[State.DONE] == count, worker.states
    jobs.close()
    system.close()
    return spent


def spawn_seconds(folder: Path, count: int, at_once: int) -> float:
    def copy(number: int) -> None:
        command = [binary("", os.environ), "--config", "", "copyto", f"{folder}/a/{number}", f"{folder}/b/s/{number}"]
        subprocess.run(command, check=True)

    def all_of_them() -> None:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(copy, range(count)))

    return seconds(all_of_them)


def reencrypt_seconds(folder: Path, size: int) -> tuple[float, float]:
    """Seconds for a body of *size* bytes as it is, and under a new header."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from unit.crypt4gh.c4gh import encrypted, pair

    archive, partner = pair(), X25519PrivateKey.generate()
    (folder / "a" / "large.c4gh").write_bytes(encrypted(os.urandom(size), archive))
    found = config.load(TOML.format(scheme="file://", place=folder, more="", folder=folder, name="c"), {}, folder)
    system = wiring.system(found, emit=lambda _: None)
    receiver = PrivateKey(partner.private_bytes_raw()).public
    view = ReencryptedStore(system.store("a"), archive.key, [receiver])
    seen = wiring_messages.read_through(system.runner, lambda name: view if name == "a" else system.store(name))
    plain, new = Task("x", "a", "large.c4gh", "b", "plain"), Task("x", "a", "large.c4gh", "b", "new")
    spent = seconds(lambda: system.runner.run([plain], Deadline())), seconds(lambda: seen.run([new], Deadline()))
    system.close()
    return spent


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in ("a", "b/s", "logs"):
            (folder / place).mkdir(parents=True)
        for number in range(count):
            (folder / "a" / f"{number}").write_bytes(os.urandom(4096))
        (folder / "rclone.conf").write_text(f"[r]\ntype = alias\nremote = {folder}\n")
        option = f'config = "{folder}/rclone.conf"'
        rows = [
            ("rclone copyto, a process each, one by one", spawn_seconds(folder, count, 1)),
            ("rclone copyto, a process each, 8 at once", spawn_seconds(folder, count, 8)),
            ("bucketrelay worker, rclone:// to rclone://", ours(folder, count, "rclone://", "r", option)),
            ("bucketrelay worker, file:// to file://", ours(folder, count, "file://", str(folder))),
        ]
        for word, spent in rows:
            print(f"{word:<45} {count / spent:8.1f} copies/s of 4 KiB")
        size = 256 * 1024 * 1024
        for word, spent in zip(
            ("copied as it is", "under a new Crypt4GH header"), reencrypt_seconds(folder, size), strict=True
        ):
            print(f"256 MiB {word:<37} {size / spent / 2**20:8.1f} MiB/s")
        shared_daemon("", f"{folder}/rclone.conf").close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
