"""From a configuration to a system: what is checked before anything is connected."""

import json
import math
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from bucketrelay import config, wiring, wiring_stores
from bucketrelay.clouds.registry import SCHEMES
from bucketrelay.drivers import function
from bucketrelay.drivers.dry_run import dry_run
from bucketrelay.errors import ConfigError
from bucketrelay.http.pace import SELDOM
from bucketrelay.wiring_stores import NO_KEYS, Stores
from unit.http.peers import Peer, ok, request

EVENTS = Path(__file__).parents[1] / "payloads" / "events"
TOML = """
log = "logs"
[stores.a]
url = "{a}"
region = "r-1"
{option}
[stores.b]
url = "{b}"
[stores.logs]
url = "{logs}"
[[routes]]
name = "r"
source = "a"
targets = ["b"]
{route}
"""


def load(a="obs://src-bucket", b="file:///there", logs="file:///logs", option="", route=""):
    return config.load(TOML.format(a=a, b=b, logs=logs, option=option, route=route), {})


def test_every_scheme_of_the_registry_has_what_makes_its_store():
    assert set(wiring_stores._MAKERS) == set(SCHEMES)


def test_an_rclone_store_is_made_without_starting_rclone():
    text = TOML.format(a="s3://src-bucket", b="rclone://remote/path", logs="file:///logs", option="", route="")
    found = config.load(text.replace('path"', 'path"\nbinary = "no-such-program"'), {})
    store = wiring.system(found).store("b")
    assert store.address.url == "rclone://remote/path"
    with pytest.raises(ConfigError, match="binary: there is no program no-such-program"):
        store.look("x")


@pytest.mark.parametrize(
    ("b", "logs", "route"),
    [
        ("file:///t/failed_object", "file:///t", ""),
        ("file:///t", "file:///t", 'add_prefix = "checkpoints/"'),
    ],
)
def test_a_route_whose_copies_would_all_land_among_the_lists_is_a_mistake(b, logs, route):
    with pytest.raises(ConfigError, match="among the lists"):
        load(b=b, logs=logs, route=route)


@pytest.mark.parametrize(
    ("b", "logs", "route"),
    [
        ("file:///t", "file:///t/lists", 'add_prefix = "2026/"'),
        ("file:///t/copies", "file:///t/lists", ""),
        ("file:///t", "file:///t/lists", ""),
        ("file:///t", "file:///t", ""),
        ("file:///t", "file:///t/2026/lists", 'add_prefix = "2026/"'),
    ],
)
def test_lists_beside_the_copies_and_among_them_are_fine(b, logs, route):
    assert load(b=b, logs=logs, route=route).log == "logs"


@pytest.mark.parametrize(("option", "key"), [("", "a b.jpg"), ('event_keys = "raw"', "a+b.jpg")])
def test_how_keys_are_written_in_events_can_be_said_of_the_source(option, key):
    system = wiring.system(load(option=option), emit=lambda line: None)
    event = json.loads((EVENTS / "obs-eventgrid-created.json").read_text())  # where its own word does not tell
    event["data"]["obs"]["object"]["key"] = "a+b.jpg"
    found = dry_run(event, system, cloud="obs")

    assert ([task.key for task in found.tasks], found.refused) == ([key], ())
    assert math.isfinite(system.margin)


def test_the_stores_of_one_server_share_its_pace_and_the_log_store_waits_for_nobody():
    keys = 'access_key = "a"\nsecret_key = "b"\n'
    first, second = ('endpoint = "http://127.0.0.1:9"\n', 'endpoint = "http://127.0.0.1:8"\n')
    places = {"a": first, "b": first, "c": second, "logs": first}
    text = 'log = "logs"\n' + "".join(f'[stores.{n}]\nurl = "s3://{n * 3}"\n{e}{keys}' for n, e in places.items())
    found = config.load(text + '[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b", "c"]\n', {})
    stores = Stores(found.stores, lambda: ("", "", ""), found.log)
    paces = {name: stores.get(name)._requests._pace for name in places}

    assert paces["a"] is paces["b"]
    assert len(set(map(id, paces.values()))) == 3
    assert [pace._rate._least == SELDOM for pace in paces.values()] == [False, False, False, True]


def test_a_cold_process_connects_to_both_sides_while_it_asks_whether_the_route_is_paused():
    reached = {name: threading.Event() for name in "ab"}
    missing = b"<Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>"
    refusal = ok(missing).replace(b"200 OK", b"404 Not Found")

    def side(name):
        def play(sock):
            reached[name].set()
            while method := request(sock)[0].split()[0]:
                sock.sendall(refusal[: -len(missing)] if method == "HEAD" else refusal)

        return play

    def log(sock):
        assert request(sock)[0].startswith("GET /logs/marks/paused/r ")
        assert all(each.wait(5) for each in reached.values())  # nobody has asked them anything yet
        sock.sendall(refusal)
        assert request(sock)[0].startswith("PUT /logs/success_object/")
        sock.sendall(ok(b"", "ETag: x"))

    with ExitStack() as stack:
        peers = {
            name: stack.enter_context(Peer(play))
            for name, play in {"a": side("a"), "b": side("b"), "logs": log}.items()
        }
        text = TOML.format(a="s3://src-bucket", b="s3://b", logs="s3://logs", option="", route="")
        for name, peer in peers.items():
            options = (
                f'region = "r-1"\nendpoint = "{peer.url}"\npath_style = true\naccess_key = "a"\nsecret_key = "b"\n'
            )
            text = text.replace(f"[stores.{name}]\n", f"[stores.{name}]\n{options}")
        lines = []
        system = wiring.system(config.load(text.replace('region = "r-1"\n\n', "\n"), {}), emit=lines.append)
        event = json.loads((EVENTS / "s3-put.json").read_text())
        event["Records"][0]["s3"]["bucket"]["name"] = "src-bucket"
        report = function.handle(event, system, cloud="s3", seconds=60, invocation="i")
        system.close()

    assert [result.outcome.value for result in report.results] == ["unchanged"], lines


def test_a_bucket_of_ceph_or_of_a_store_that_says_raw_has_keys_as_they_are():
    event = json.loads((EVENTS / "s3-put.json").read_text())
    event["Records"][0]["s3"]["bucket"]["name"] = "src"
    event["Records"][0]["s3"]["object"]["key"] = "a+b.jpg"

    def key(option):
        (task,) = dry_run(event, wiring.system(load(a="s3://src", option=option)), cloud="s3").tasks
        return task.key

    assert (key(""), key('event_keys = "raw"')) == ("a b.jpg", "a+b.jpg")
    event["Records"][0]["eventSource"] = "ceph:s3"
    assert (key(""), key('event_keys = "encoded"')) == ("a+b.jpg", "a b.jpg")


def test_a_store_whose_adapter_was_left_out_of_the_archive_says_how_to_bring_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "bucketrelay.clouds.aws.store", None)
    stores = Stores(load(a="s3://src").stores, lambda: NO_KEYS)

    with pytest.raises(ConfigError, match=r"stores\.a: s3:// stores need what was left out.*build the archive with"):
        stores.get("a")
