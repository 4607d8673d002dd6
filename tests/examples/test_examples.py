"""Each folder of examples/, its page's commands run as they stand there, against local stand-ins of the clouds.

Of a relay.toml only the stores' options are others (where the stand-ins listen, and their keys), and of a page only the
addresses. What begins with `bucketrelay` runs in this process, and as a shell types it in the slow test.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from bucketrelay.config import load
from bucketrelay_emulators.local_clouds import local_clouds
from page.conftest import Server
from receivers import Oms, Receiver

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
SECRETS = {"HW_AK": "a", "HW_SK": "b", "HOOK_SECRET": "c", "PWD": "/srv"}
BUCKETS = {
    "s3": ("photos-eu", "photos-eu-logs", "office-berlin", "office-tokyo", "office-logs"),
    "obs": ("photos-archive", "photos-mirror", "ops-logs"),
    "oci": ("photos-mirror",),
}
STORE = re.compile(r'^(\[stores\.\w+]\n)(url = "(s3|obs|oci)://[^"]+")[^\n]*\n(?:[^\n[]+\n)*', re.MULTILINE)


@pytest.fixture(scope="module")
def clouds():
    with local_clouds() as found:
        for scheme, names in BUCKETS.items():
            for name in names:
                found[scheme].create(name)
        yield found


@pytest.fixture(autouse=True)
def nothing_left(clouds, monkeypatch):
    """Empty buckets, and no setting of whoever runs the tests."""
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    for scheme, names in BUCKETS.items():
        for name in names:
            for key in clouds[scheme].keys(name):
                clouds[scheme].remove(name, key)


class Example:
    """A copy of a folder, at home with the stand-ins."""

    def __init__(self, name, folder, clouds, patch, addresses=()):
        self.folder, self.patch, self.addresses = folder / name, patch, dict(addresses)
        shutil.copytree(EXAMPLES / name, self.folder)
        self.page = self.moved((self.folder / "README.md").read_text(encoding="utf-8"))
        path = self.folder / "relay.toml"
        path.write_text(STORE.sub(lambda found: local(found, clouds), self.moved(path.read_text(encoding="utf-8"))))
        self.go(self.folder)

    def moved(self, text):
        for theirs, ours in self.addresses.items():
            text = text.replace(theirs, ours)
        return text

    def go(self, folder):
        self.patch.chdir(folder)
        self.patch.setenv("PWD", str(folder))

    def play(self):
        """Every block of the page, from top to bottom; a block of text is what the last command printed."""
        said = ""
        for language, text in blocks(self.page):
            if language == "text":
                assert said == text
            elif language == "sh":
                for line in text.replace("\\\n", " ").splitlines():
                    said = self.type(line)
                    yield line, said

    def type(self, line):
        command, _, otherwise = line.partition(" || ")
        first, *rest = shlex.split(command)
        if first == "cd":
            self.go(Path.cwd() / rest[0])
        elif first == "export":
            self.patch.setenv(*rest[0].split("=", 1))
        else:
            assert first == "bucketrelay", line
            return run(rest, otherwise)
        return ""


def blocks(page):
    return [(found[1], found[2]) for found in re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]


def local(found, clouds):
    """A store's table with the options of its stand-in in place of its own."""
    options = "".join(f"{name} = {json.dumps(str(value))}\n" for name, value in clouds[found[3]].options.items())
    return f"{found[1]}{found[2]}\n{options}"


def run(words, otherwise=""):
    done = CliRunner().invoke(cli, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    if done.exit_code and otherwise:
        return subprocess.run(["bash", "-euc", otherwise], capture_output=True, text=True, check=True).stdout
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_configuration_has_no_mistake_and_names_its_schema(name):
    text = (EXAMPLES / name / "relay.toml").read_text(encoding="utf-8")

    assert load(text, SECRETS, Path("/srv")).routes
    schema = re.match(r"#:schema (\S+)\n", text)
    assert schema
    assert (EXAMPLES / name / schema[1]).resolve() == EXAMPLES.parent / "docs/relay.schema.json"


def test_the_index_names_every_folder():
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"\]\((.+?)\)", page))) == NAMES
    assert len(NAMES) == 5


def test_one_bucket_to_two_clouds(tmp_path, clouds, monkeypatch):
    example = Example("one-to-many", tmp_path, clouds, monkeypatch)
    for key in ("in/cat.jpg", "in/cat.tmp", "out/dog.jpg"):
        clouds["s3"].write("photos-eu", key, key.encode())

    for _ in example.play():
        pass

    assert clouds["obs"].keys("photos-archive") == ["from-aws/2026/cat.jpg"]
    assert clouds["oci"].keys("photos-mirror") == ["2026/cat.jpg"]
    assert clouds["oci"].read("photos-mirror", "2026/cat.jpg").body == b"in/cat.jpg"


def test_two_buckets_that_face_each_other(tmp_path, clouds, monkeypatch):
    example = Example("facing", tmp_path, clouds, monkeypatch)
    clouds["s3"].write("office-berlin", "plan.txt", b"of Berlin")

    said = dict(example.play())

    assert "copied" in said["bucketrelay replicate berlin.json"]
    assert "unchanged" in said["bucketrelay replicate tokyo.json"]
    for bucket in ("office-berlin", "office-tokyo"):
        assert clouds["s3"].read(bucket, "plan.txt").body == b"of Berlin"


def test_somebody_else_is_told(tmp_path, clouds, monkeypatch):
    obs = clouds["obs"]
    obs.emulator.grant(Oms.access_key, Oms.secret_key)
    with Receiver() as hook, Oms() as oms:
        addresses = {
            "https://example.com": hook.url,
            "https://oms.cn-north-4.myhuaweicloud.com": oms.url,
            "https://obs.cn-north-4.myhuaweicloud.com": obs.endpoint,
        }
        example = Example("forwards", tmp_path, clouds, monkeypatch, addresses)
        for _ in example.play():
            pass

    assert sorted(json.loads(got.body)["data"]["key"] for got in hook.got) == ["a.jpg", "b.jpg"]
    for got in hook.got:
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        digest = hmac.new(b"0123456789abcdef0123456789abcdef", signed, hashlib.sha256).digest()
        assert got.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert oms.asked == ["a.jpg"]
    assert [key for key in obs.keys("ops-logs") if key.startswith("oms_source_record/success_object/")]


def test_coming_from_rclone_nothing_is_copied_twice(tmp_path, clouds, monkeypatch):
    s3, obs = clouds["s3"], clouds["obs"]
    example = Example("from-rclone", tmp_path, clouds, monkeypatch)
    for key in ("old.jpg", "older.jpg", "new.jpg"):
        s3.write("photos-eu", key, key.encode())
    for key in ("old.jpg", "older.jpg"):  # what `rclone sync` has done already
        obs.write("photos-mirror", key, key.encode())

    said = [words for _, words in example.play()]

    assert said[0] == "they differ\n"
    assert "unchanged" in said[-1]
    assert obs.keys("photos-mirror") == ["new.jpg", "old.jpg", "older.jpg"]
    lines = [json.loads(line) for key in s3.keys("photos-eu-logs") if "success_object/" in key
             for line in s3.read("photos-eu-logs", key).body.splitlines()]  # fmt: skip
    assert [line["key"] for line in lines if line["outcome"] == "copied"] == ["new.jpg"]
    assert all("bucketrelay" in obs.read("photos-mirror", key).user for key in obs.keys("photos-mirror"))


def test_a_server_of_ones_own(tmp_path, clouds, monkeypatch):
    """What the page does, in this process; as a shell types it: in the slow test below."""
    example = Example("over-http", tmp_path, clouds, monkeypatch)
    clouds["s3"].write("photos-eu", "cat.jpg", b"cat")
    for name in ("mirror", "lists"):
        (example.folder / name).mkdir()
    event = (example.folder / "event.json").read_bytes()
    answer = next(text for language, text in blocks(example.page) if language == "json")
    path = example.folder / "relay.toml"  # the server of the tests has no environment
    path.write_text(path.read_text(encoding="utf-8").replace("${PWD}", str(example.folder)), encoding="utf-8")

    with (
        Server(SimpleNamespace(folder=example.folder)) as server,
        httpx.Client(base_url=server.url, timeout=30, trust_env=False, verify=False) as client,
    ):
        assert client.get("/healthz").status_code == 200
        assert client.post("/events", content=event).json() == json.loads(answer)
        run(["worker", "--drain"], "true")
        assert client.post("/replay", json={"route": "photos"}).status_code == 202
        assert client.get("/").status_code == 200
    run(["worker", "--drain"], "true")

    assert (example.folder / "mirror/cat.jpg").read_bytes() == b"cat"
    assert "photos" in run(["status"], "echo photos")


@pytest.mark.slow
def test_a_server_of_ones_own_as_it_is_typed(tmp_path, clouds, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
    example = Example("over-http", tmp_path, clouds, monkeypatch, {"8080": port})
    for key in ("cat.jpg", "dog.jpg"):
        clouds["s3"].write("photos-eu", key, key.encode())
    command = tmp_path / "bin/bucketrelay"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bucketrelay "$@"\n')
    command.chmod(0o755)
    script = "\n".join(text for language, text in blocks(example.page) if language == "sh")
    environ = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}

    done = subprocess.run(
        ["bash", "-euc", script], env=environ, cwd=example.folder, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"accepted":2,"refused":[]}' in done.stdout
    run(["worker", "--drain"])  # what the worker of the page had no time for before it was told to end
    assert (example.folder / "mirror/dog.jpg").read_bytes() == b"dog.jpg"
