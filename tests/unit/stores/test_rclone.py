"""What the contract suite does not ask of rclone's stores: the daemon's life, refusals in its words, large objects."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketrelay import config, wiring
from bucketrelay.clouds.rclone.daemon import Rclone, binary
from bucketrelay.clouds.rclone.remote import key_of, moment, path_of
from bucketrelay.clouds.rclone.store import RcloneStore
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, OutOfTime, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Meta, Outcome, Task
from bucketrelay.store import MiB
from bucketrelay.testing.memory import MemoryStore
from contracts.rig_rcd import daemon, directory, server, store


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("remote")
    (made / "top").mkdir()
    return made


@pytest.fixture(scope="module")
def rclone(place):
    remotes = {
        "place": directory(place),
        "gone": server("http://127.0.0.1:9", "AKIA000", "secret-1"),
        "odd": {"type": "x"},
    }
    with daemon(remotes) as made:
        yield made


@pytest.fixture
def made(rclone, tmp_path) -> RcloneStore:
    return store(rclone, "place", "top/", tmp_path)


def process(rclone: Rclone) -> int:
    """The id of rclone itself, below its shell."""
    shell = rclone._shell.pid
    found = subprocess.run(["pgrep", "-P", str(shell)], capture_output=True, text=True, check=True)
    return int(found.stdout.split()[0])


def test_a_daemon_that_was_killed_is_started_again(rclone, made):
    made.put("a", b"1", Meta())
    os.kill(process(rclone), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while True:  # the very next call may still meet the one that is dying
        try:
            assert bytes(made.fetch("a", 1).body) == b"1"
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline


def test_rclone_ends_when_its_process_does_however_that_ends_and_leaves_no_folder(place, tmp_path):
    code = f"""
import os, subprocess, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from contracts.rig_rcd import *
from pathlib import Path
told = {{"RCLONE_CONFIG_PLACE_TYPE": "alias", "RCLONE_CONFIG_PLACE_REMOTE": {str(place)!r}}}
made = Rclone(config=os.devnull, environ={{**os.environ, **told}})
print(made.call("rc/noop").status, made._shell.pid, made._folder, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    status, shell, folder = done.stdout.split()
    assert status == "200"
    end = time.monotonic() + 20
    while Path(f"/proc/{shell}").exists() and Path(f"/proc/{shell}/cmdline").read_bytes():
        assert time.monotonic() < end, "rclone outlived its process"
        time.sleep(0.05)
    assert not Path(folder).exists()


def test_the_socket_is_in_a_folder_of_ours_and_the_password_in_no_command_line(rclone, made):
    made.look("a")
    assert rclone._folder.stat().st_mode & 0o077 == 0
    shown = Path(f"/proc/{process(rclone)}/cmdline").read_bytes()
    assert rclone._secret.encode() not in shown


def test_a_stranger_on_the_socket_is_refused(rclone, made):
    made.look("a")
    other = Rclone(config=os.devnull)
    other._folder, other._shell = rclone._folder, rclone._shell
    assert other.call("rc/noop").status in (401, 404) or other.call("core/version").status == 401
    other._folder = other._shell = None
    other.close()


def test_a_program_that_is_not_there_is_a_mistake():
    with pytest.raises(ConfigError, match="binary: there is no program no-such-rclone"):
        Rclone("no-such-rclone").call("rc/noop")
    assert binary("", os.environ).endswith("rclone")


def test_a_configuration_that_cannot_be_read_is_said_in_rclones_words(tmp_path):
    (tmp_path / "rclone.conf").mkdir()
    broken = Rclone(config=str(tmp_path / "rclone.conf"))
    try:
        with pytest.raises((StoreUnavailable, StoreRefused), match="rclone"):
            RcloneStore(Address("rclone", "x"), broken, MemoryStore).look("a")
    finally:
        broken.close()


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (403, "SignatureDoesNotMatch"), (401, "Unauthorized")]
)
def test_a_server_that_refuses_is_a_refusal_and_no_absence(tmp_path, status, code):
    """Also of a bare HEAD, which has no body to say why: `rclone copyto` takes that for an object that is missing."""
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    with refusing(status, body) as url, daemon({"there": server(url, "AKIA000", "secret-1")}) as rclone:
        made = store(rclone, "there", "bucket/", tmp_path)
        for ask in (
            lambda: made.look("a"),
            lambda: made.fetch("a", 1),
            lambda: made.put("a", b"1", Meta()),
            lambda: next(iter(made.list()), None),
        ):
            with pytest.raises(StoreRefused, match=r"rclone://there.*or grant the permission") as caught:
                ask()
            assert "secret-1" not in str(caught.value)


@contextmanager
def refusing(status: int, body: bytes) -> Iterator[str]:
    """An S3 server that refuses everything."""

    class Handler(BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _refuse  # noqa: N815 — the names that http.server calls

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@pytest.mark.parametrize("remote", ["nowhere", "odd"])
def test_a_remote_that_is_not_configured_is_a_refusal(rclone, tmp_path, remote):
    with pytest.raises(StoreRefused, match=f"rclone://{remote}.*mend the remote in rclone's configuration"):
        store(rclone, remote, "top/", tmp_path).look("a")


def test_a_large_object_goes_in_parts_and_out_in_ranges(made, rclone, tmp_path):
    content = bytes(range(251)) * 40_000
    upload = made.begin("large", Meta(user={"a": "b"}))
    size = 3 * MiB
    parts = [made.put_part(upload, n + 1, content[n * size : (n + 1) * size]) for n in range(4)]
    made.commit(upload, parts)
    seen = made.look("large")
    assert (seen.size, seen.meta.user) == (len(content), {"a": "b"})
    assert bytes(made.read(seen, size - 5, 10)) == content[size - 5 : size + 5]
    assert list(made.uploads()) == []


def test_a_copy_by_rclone_that_has_no_time_is_called_off(made, rclone, tmp_path):
    made.put("a", b"1", Meta())
    with pytest.raises(OutOfTime):
        made.copy_from(made, made.look("a"), "b", Meta(), Deadline(0))
    assert made.look("b") is None


def test_a_route_between_two_of_rclones_stores_copies_without_a_byte_through_here(place, tmp_path, monkeypatch):
    for folder in ("one", "two", "logs"):
        (place / folder).mkdir(exist_ok=True)
    (tmp_path / "rclone.conf").write_text(f"[r]\ntype = alias\nremote = {place}\n")
    text = 'log = "logs"\n' + "".join(
        f'[stores.{n}]\nurl = "rclone://r/{n}"\nconfig = "{tmp_path}/rclone.conf"\n' for n in ("one", "two")
    )
    text += f'[stores.logs]\nurl = "file://{place}/logs"\n[[routes]]\nname = "x"\nsource = "one"\ntargets = ["two"]\n'
    text += 'deletes = "follow"\n'
    system = wiring.system(config.load(text, {}), emit=lambda _: None)
    source, target = system.store("one"), system.store("two")
    try:
        source.put("a/b", b"12345", Meta(content_type="text/plain", user={"k": "v"}))
        monkeypatch.setattr(RcloneStore, "_at_once", None)
        monkeypatch.setattr(RcloneStore, "_by_disk", None)
        from bucketrelay.model import Deletes

        task = Task("x", "one", "a/b", "two", "a/b", deletes=Deletes.FOLLOW)
        assert system.runner.run([task], Deadline())[0].outcome is Outcome.COPIED
        assert (bytes(target.fetch("a/b", 9).body), target.look("a/b").meta.user["k"]) == (b"12345", "v")
        assert system.runner.run([task], Deadline())[0].outcome is Outcome.UNCHANGED
    finally:
        source.rclone.close()
        system.close()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_key_survives_rclones_way_of_writing_it(key):
    assert key_of(path_of(key)) == key


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_none(text):
    found = moment(text)
    assert found is None or found.tzinfo is not None


def test_moments_of_rclone_have_nanoseconds_and_offsets():
    assert moment("2026-11-29T10:04:12.211195652Z").isoformat() == "2026-11-29T10:04:12.211195+00:00"
    assert moment("2026-11-29T10:04:12.5+01:00").isoformat() == "2026-11-29T10:04:12.500000+01:00"
    assert moment("2026-11-29T10:04:12Z").isoformat() == "2026-11-29T10:04:12+00:00"
    assert moment("yesterday") is None
