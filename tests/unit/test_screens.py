"""What people see, on terminals of 80 and 120 columns and in a pipe: the files below `screens/`, without colours.

SCREENS=write python -m pytest tests/unit/test_screens.py     # then look at the difference
"""

import io
import json
import os
import re
import sys
import uuid
from pathlib import Path

import pytest

from bucketrelay.cli import cli
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from payloads.event_builders import records

SCREENS = Path(__file__).parent / "screens"
KEY = "invoices/2026/11/customer-0000471/invoice-000123 (final version).pdf"
WIDTHS = {"80": 80, "120": 120, "piped": None}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
URN = "urn:fss:cn-north-4:0123456789abcdef:function:default:relay:latest"


class Screen(io.StringIO):
    """Standard output or error as a terminal or as a pipe; both in the order in which they are written."""

    encoding = "utf-8"

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.fixture(scope="module")
def obs():
    with ObsEmulator() as obs:
        for bucket in ("photos", "mirror", "archive", "relay-logs"):
            obs.create_bucket(bucket)
        yield obs


@pytest.fixture
def world(obs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for bucket in ("photos", "mirror", "archive", "relay-logs"):
        for held in list(obs.engine.bucket(bucket).list()):
            obs.engine.bucket(bucket).delete(held.key)
    obs.engine.bucket("photos").put(KEY, b"x" * 1536, headers={})
    obs.engine.bucket("photos").put("in/a b.jpg", b"1", headers={})
    keys = (
        f'endpoint = "{obs.endpoint}"\naccess_key = "{obs.access_key}"\nsecret_key = "{obs.secret_key}"\nretries = 0\n'
    )
    stores = {"photos": "photos", "mirror": "mirror", "archive": "archive/from-photos", "logs": "relay-logs/photos"}
    text = "".join(f'[stores.{name}]\nurl = "obs://{place}"\n{keys}' for name, place in stores.items())
    route = '[[routes]]\nname = "photos"\nsource = "photos"\ntargets = ["mirror", "archive"]\ndeletes = "follow"\n'
    (tmp_path / "relay.toml").write_text(f'log = "logs"\n{text}{route}exclude = ["**/*.tmp"]\n')
    event = records(*(told(key) for key in (KEY, "in/a b.jpg", "never-there.jpg", "in/x.tmp")))
    (tmp_path / "event.json").write_text(json.dumps(event))
    yield obs
    obs.faults.clear()


def told(key):
    from urllib.parse import quote_plus

    part = {"bucket": {"name": "photos"}, "object": {"key": quote_plus(key)}}
    return {"eventVersion": "3.0", "eventSource": "OBS", "eventName": "ObjectCreated:Put", "obs": part}


def shown(width, *words):
    """The exit status and what a person sees, standard error in its place."""
    screen = Screen(width is not None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width or 80))
        patch.setenv("TERM", "xterm")
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=1))  # of a probe, which may be folded anywhere
        for stream in ("stdout", "stderr"):
            patch.setattr(sys, stream, screen)
        try:
            cli.main([*words], prog_name="bucketrelay", standalone_mode=False)
            status = 0
        except SystemExit as error:
            status = error.code
    return status, screen.getvalue()


def compare(name, said):
    said = "".join(f"{line.rstrip()}\n" for line in COLOURS.sub("", said).splitlines())
    said = re.sub(r"\d+ s apart", "0 s apart", re.sub(r"in \d+\.\d s$", "in 1.0 s", said, flags=re.MULTILINE))
    path = SCREENS / f"{name}.txt"
    if os.environ.get("SCREENS") == "write":
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")
    return said


def refuse(world):
    world.faults.order(
        Fault(
            operation="PutObject",
            kind="refuse",
            status=403,
            code="AccessDenied",
            message="Access Denied",
            match=lambda request: request.bucket == "archive",
            times=ALWAYS,
        )
    )


@pytest.fixture(params=WIDTHS)
def width(request):
    return request.param


def test_check(world, width):
    status, said = shown(WIDTHS[width], "check")

    assert status == 0
    compare(f"check-{width}", said)


def test_a_dry_run(world, width):
    status, said = shown(WIDTHS[width], "replicate", "event.json", "--dry-run")

    assert status == 0
    compare(f"replicate-dry-{width}", said)


def test_replicate(world, width):
    refuse(world)
    status, said = shown(WIDTHS[width], "replicate", "event.json")

    assert status == 1
    assert ("\x1b[31m" in said) == (width != "piped")
    whole = compare(f"replicate-{width}", said)
    assert KEY.replace(" ", "") in re.sub(r"\s", "", whole)  # folded, but nothing of a key is cut


def test_replay(world, width):
    refuse(world)
    shown(None, "-q", "replicate", "event.json")
    world.faults.clear()
    status, said = shown(WIDTHS[width], "replay")

    assert status == 0
    compare(f"replay-{width}", said)


def test_doctor(world, width):
    refuse(world)
    status, said = shown(WIDTHS[width], "doctor")

    assert status == 1
    compare(f"doctor-{width}", said)


def test_wire(world, width):
    status, said = shown(WIDTHS[width], "wire", "photos", "--function", URN, "--dry-run")

    assert status == 0
    compare(f"wire-{width}", said)


def test_every_screen_has_its_test():
    names = ("check", "replicate-dry", "replicate", "replay", "doctor", "wire")

    assert {path.stem for path in SCREENS.glob("*.txt")} == {f"{n}-{w}" for n in names for w in WIDTHS} | {"demo"}
