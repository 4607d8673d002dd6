"""A Ceph RGW on 127.0.0.1: a monitor, one OSD in memory, a gateway; from Debian's packages ceph-mon ceph-osd radosgw
ceph-common. Up in some 20 s; a context manager that ends what it started, by process id.

Settings as in Ceph's manual deployment (docs.ceph.com, "Manual Deployment"), cut down to what one node needs.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import final

NEEDED = ("ceph-mon", "ceph-osd", "radosgw", "ceph", "monmaptool", "ceph-authtool", "radosgw-admin")
ACCESS_KEY, SECRET_KEY = "RELAYKEY", "relay-ceph-secret"
_CONFIG = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon},v1:127.0.0.1:{old}]
mon initial members = a
keyring = {folder}/keyring
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
mon allow pool size one = true
run dir = {folder}/run
log file = {folder}/log/$name.log
admin socket = {folder}/run/$name.asok
public network = 127.0.0.0/8
ms bind ipv6 = false
[mon.a]
host = localhost
mon data = {folder}/mon
mon addr = 127.0.0.1
[osd.0]
host = localhost
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
public addr = 127.0.0.1
cluster addr = 127.0.0.1
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw data = {folder}/rgw
"""
_CAPS = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *"),
    "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
    "client.rgw": ("mon", "allow *", "osd", "allow *"),
}


def is_installed() -> bool:
    """Whether the packages are installed."""
    return all(map(shutil.which, NEEDED))


@final
class Ceph:
    """`endpoint` is the gateway's; `ACCESS_KEY` and `SECRET_KEY` are a user's."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ceph-"))
        self._mon, self._old, self._gateway = _ports(3)
        self._pids: list[int] = []
        self._rgw: subprocess.Popen[bytes] | None = None
        self.endpoint = f"http://127.0.0.1:{self._gateway}"

    def __enter__(self) -> "Ceph":
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the three processes, the gateway first, and remove what they wrote."""
        if self._rgw:
            self._rgw.terminate()
            self._rgw.wait(timeout=30)
        for pid in reversed(self._pids):
            _end(pid)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        folder, fsid = self._folder, str(uuid.uuid4())
        for name in ("mon", "osd", "rgw", "log", "run"):
            (folder / name).mkdir()
        ports = {"mon": self._mon, "old": self._old, "gateway": self._gateway}
        (folder / "ceph.conf").write_text(_CONFIG.format(fsid=fsid, folder=folder, **ports))
        addresses = f"[v2:127.0.0.1:{self._mon},v1:127.0.0.1:{self._old}]"
        self._run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", addresses, folder / "monmap")
        for number, (name, caps) in enumerate(_CAPS.items()):
            pairs = [word for at in range(0, len(caps), 2) for word in ("--cap", *caps[at : at + 2])]
            new = ["--create-keyring"] if number == 0 else []
            self._run("ceph-authtool", folder / "keyring", *new, "--gen-key", "-n", name, *pairs)
        self._ceph("ceph-mon", "--mkfs", "-i", "a", "--monmap", folder / "monmap", "--keyring", folder / "keyring")
        self._daemon("ceph-mon", "-i", "a")
        _until(lambda: self._answers("-s"), 60)
        osd = str(uuid.uuid4())
        self._ceph("ceph", "osd", "new", osd, "0")
        self._ceph("ceph", "auth", "import", "-i", folder / "keyring")
        self._ceph("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._daemon("ceph-osd", "-i", "0")
        log = (folder / "log" / "rgw.out").open("wb")
        command = ["radosgw", "-f", "-c", folder / "ceph.conf", "-n", "client.rgw"]
        with log:
            self._rgw = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        _until(self._greets, 120)
        user = ["user", "create", "--uid=relay", "--display-name=relay"]
        self._ceph("radosgw-admin", *user, f"--access-key={ACCESS_KEY}", f"--secret-key={SECRET_KEY}")

    def _daemon(self, program: str, *words: object) -> None:
        """Start a program that goes into the background by itself, and remember its process id."""
        path = self._folder / f"{program}.pid"
        self._ceph(program, *words, "--pid-file", path)
        _until(lambda: path.exists() and path.read_text().strip() != "", 30)
        self._pids.append(int(path.read_text()))

    def _ceph(self, program: str, *words: object) -> None:
        self._run(program, "-c", self._folder / "ceph.conf", *words)

    def _run(self, *words: object) -> None:
        done = subprocess.run([str(word) for word in words], capture_output=True, timeout=90, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr.decode(errors='replace')[-800:]}"

    def _answers(self, *words: str) -> bool:
        command = ["ceph", "-c", str(self._folder / "ceph.conf"), "--connect-timeout", "2", *words]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0

    def _greets(self) -> bool:
        try:
            with urllib.request.urlopen(self.endpoint, timeout=2) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


def _ports(count: int) -> list[int]:
    """Ports below 32768, where no outgoing connection takes one meanwhile."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() % 5_000, 32_000):
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no port is free")


def _until(ready: Callable[[], object], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < ends, "it did not come up"
        time.sleep(0.25)


def _end(pid: int) -> None:
    """End a process that is no child of ours, as it went into the background by itself."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
            for _ in range(50):
                os.kill(pid, 0)
                time.sleep(0.1)
        except ProcessLookupError:
            return
