"""`bucketrelay copier` as its clients see it: a real broker, real stores, and Medusa's side of the conversation."""

import json
import signal
import time
from pathlib import Path

import pytest

from bucketrelay.drivers.messages.broker import Place
from messages.medusa import Registry
from messages.post import declare, depth, put, taken
from messages.running import PATIENCE, running

CONFIG = """
[stores.staging]
url = "file://{folder}/staging"

[stores.main]
url = "file://{folder}/main"

[queue]
lease = 2

[copier]
broker = "{url}"
requests = "{requests}"
replies = "{replies}"
roots = {{ staging = "staging", main = "main", "also main" = "main" }}
"""


@pytest.fixture
def queues(name) -> tuple[str, str]:
    return name("medusa_to_copier"), name("copier_to_medusa")


def world(folder: Path, url: str, queues: tuple[str, str]) -> Registry:
    """Two directories, the queues, a configuration; and the registry that wants copies."""
    for place in ("staging", "main"):
        (folder / place).mkdir()
    for queue in queues:
        declare(url, queue)
    told = CONFIG.format(folder=folder, url=url, requests=queues[0], replies=queues[1])
    (folder / "relay.toml").write_text(told)
    return Registry(url, *queues)


def ask(url: str, queues: tuple[str, str], *requests: object) -> None:
    put(url, queues[0], *(said if isinstance(said, bytes) else json.dumps(said).encode() for said in requests))


def replies(url: str, queues: tuple[str, str], count: int, seconds: float = PATIENCE) -> list[dict]:
    return [json.loads(message.body) for message in taken(url, queues[1], count, seconds)]


def copyto(source: str, target: str, **more: object) -> dict:
    parameters = {"source_root": "staging", "source_key": source, "target_root": "main", "target_key": target}
    return {"action": "copyto", "parameters": {**parameters, **more}, "pass_through": {"id": source}}


def test_every_kind_of_request_has_its_answer(tmp_path, lasting, queues):
    amqp = lasting.url
    world(tmp_path, amqp, queues)
    told = (tmp_path / "relay.toml").read_text()  # with TLS, and an authority that the system does not know
    told = told.replace(f'broker = "{amqp}"', f'broker = "{lasting.secure}"\nca_file = "{lasting.ca_file}"')
    (tmp_path / "relay.toml").write_text(told)
    (tmp_path / "staging" / "a.tif").write_bytes(b"picture")
    asked = [
        copyto("a.tif", "1/a.tif"),
        copyto("missing.tif", "1/missing.tif"),
        copyto("a.tif", "1/a.tif", target_root="nowhere"),
        copyto("a.tif", ""),
        {"action": "triple", "parameters": {}, "pass_through": {"id": "triple"}},
        b"Not JSON",
        b"null",
    ]
    ask(amqp, queues, *asked)
    with running("copier", cwd=tmp_path) as child:
        found = replies(amqp, queues, len(asked))
        assert child.end() == 0, child.text
    by_id = {str(reply["pass_through"].get("id")) + reply.get("message", "")[:13]: reply for reply in found}
    assert list(by_id["a.tif"]) == ["pass_through", "rclone_status", "status", "action", "parameters"]
    assert by_id["a.tif"]["rclone_status"] == 0
    missing = by_id["missing.tifUnknown copyi"]
    assert (missing["rclone_status"], missing["status"]) == (4, "failure")
    assert "missing.tif: object not found" in missing["message"]
    assert by_id["a.tifUnrecognized "]["message"] == "Unrecognized root was provided."
    assert by_id["a.tifNot all reque"]["message"].endswith("target_key")
    assert by_id["tripleUnrecognized "]["message"] == "Unrecognized Action"
    assert sorted(r["raw_request"] for r in found if "raw_request" in r) == ["Not JSON", "null"]
    assert (tmp_path / "main" / "1" / "a.tif").read_bytes() == b"picture"
    assert depth(amqp, queues[0]) == depth(amqp, queues[1]) == 0


@pytest.mark.slow
def test_a_copy_that_is_there_already_is_a_success_and_not_written_again(tmp_path, amqp, queues):
    world(tmp_path, amqp, queues)
    (tmp_path / "staging" / "a").write_bytes(b"1")
    with running("copier", cwd=tmp_path) as child:
        ask(amqp, queues, copyto("a", "b"))
        assert replies(amqp, queues, 1)[0]["status"] == "success"
        before = (tmp_path / "main" / "b").stat()
        ask(amqp, queues, copyto("a", "b"))
        assert replies(amqp, queues, 1)[0]["status"] == "success"
        assert (tmp_path / "main" / "b").stat().st_mtime_ns == before.st_mtime_ns
        (tmp_path / "staging" / "a").write_bytes(b"2")
        ask(amqp, queues, copyto("a", "b"))
        assert replies(amqp, queues, 1)[0]["status"] == "success"
        assert (tmp_path / "main" / "b").read_bytes() == b"2"
        child.end()


def test_a_copy_of_all_below_a_prefix_has_one_reply_with_counts(tmp_path, amqp, queues):
    world(tmp_path, amqp, queues)
    for number in range(7):
        (tmp_path / "staging" / "in" / "x").mkdir(parents=True, exist_ok=True)
        (tmp_path / "staging" / "in" / "x" / f"{number}").write_bytes(b"12345")
    (tmp_path / "staging" / "inner").write_bytes(b"not below it")
    parameters = {"source_root": "staging", "source_prefix": "in", "target_root": "main", "target_prefix": "out"}
    with running("copier", cwd=tmp_path) as child:
        ask(amqp, queues, {"action": "copy", "parameters": parameters})
        (found,) = replies(amqp, queues, 1)
        assert (found["status"], found["copied"], found["unchanged"], found["failed"], found["bytes"]) == (
            "success",
            7,
            0,
            0,
            35,
        )
        progress = {**parameters, "progress": True}
        ask(amqp, queues, {"action": "copy", "parameters": progress, "pass_through": {"n": 2}})
        first, last = replies(amqp, queues, 2)
        assert (first["status"], last["status"], last["unchanged"]) == ("progress", "success", 7)
        ask(amqp, queues, {"action": "copy", "parameters": {**parameters, "source_prefix": "no"}})
        (found,) = replies(amqp, queues, 1)
        assert (found["status"], found["rclone_status"]) == ("failure", 3)
        child.end()
    assert sorted(p.name for p in (tmp_path / "main" / "out" / "x").iterdir()) == [str(n) for n in range(7)]
    assert not (tmp_path / "main" / "inner").exists()


@pytest.mark.slow
def test_halted_by_usr2_it_ends_well_and_loses_nothing(tmp_path, amqp, queues):
    world(tmp_path, amqp, queues)
    with running("copier", cwd=tmp_path) as child:
        ask(amqp, queues, copyto("a", "b"))
        replies(amqp, queues, 1)
        assert child.end(signal.SIGUSR2) == 0, child.text
    ask(amqp, queues, copyto("c", "d"))
    with running("copier", cwd=tmp_path) as child:
        assert replies(amqp, queues, 1)[0]["pass_through"] == {"id": "c"}
        assert child.end(signal.SIGINT) == 0


@pytest.mark.slow
def test_a_worker_elsewhere_does_the_copying_where_the_copier_has_none(tmp_path, amqp, queues):
    world(tmp_path, amqp, queues)
    (tmp_path / "staging" / "a").write_bytes(b"1")
    ask(amqp, queues, copyto("a", "b"))
    with running("copier", "--no-worker", cwd=tmp_path) as copier:
        _until(lambda: depth(amqp, queues[0]) == 0)
        assert depth(amqp, queues[1]) == 0
        with running("worker", cwd=tmp_path) as worker:
            assert replies(amqp, queues, 1)[0]["status"] == "success"
            assert worker.end() == 0
        assert copier.end() == 0, copier.text


def test_a_wrong_password_ends_in_one_line_and_a_wrong_section_in_usage(tmp_path, amqp, queues):
    world(tmp_path, amqp, queues)
    told = (tmp_path / "relay.toml").read_text()
    (tmp_path / "relay.toml").write_text(told.replace("guest:guest", "guest:wrong"))
    with running("copier", cwd=tmp_path) as child:
        assert child.ends() == 1
        assert "correct user, password and vhost" in child.text
        assert "Traceback" not in child.text
    (tmp_path / "relay.toml").write_text(told.replace("[copier]", "[copier]\nreplays = 1").replace('"main"', '"mian"'))
    with running("copier", cwd=tmp_path) as child:
        assert child.ends() == 2
    assert 'copier.replays: is an unknown key; did you mean "replies"?' in child.text
    assert 'copier.roots.main: no store is named "mian"; did you mean "main"?' in child.text


def test_medusas_own_file_is_enough(tmp_path, amqp, queues):
    world(tmp_path, amqp, queues)
    (tmp_path / "relay.toml").unlink()
    place = Place(amqp)
    port = place.shown.rpartition(":")[2]
    remotes = "".join(f"[{n}]\ntype = alias\nremote = {tmp_path / n}\n" for n in ("staging", "main"))
    (tmp_path / "rclone.conf").write_text(remotes)
    (tmp_path / "medusa_copier.yaml").write_text(
        f"""
server: {{name: medusa_copier, sleep_on_empty: 60}}
amqp:
  incoming_queue: {queues[0]}
  outgoing_queue: {queues[1]}
  connection: {{":port": {port}, ":ssl": false, ":host": 127.0.0.1, ":user": guest, ":password": guest, ":vhost": /}}
log: {{level: :info, destination: stdout}}
rclone_config_path: {tmp_path}/rclone.conf
roots:
  staging: {{rclone_config: staging}}
  main-root: {{rclone_config: main}}
"""
    )
    (tmp_path / "staging" / "a b.tif").write_bytes(b"picture")
    ask(
        amqp,
        queues,
        copyto("a b.tif", "1/2/a b.tif", target_root="main-root"),
        copyto("no", "1", target_root="main-root"),
    )
    with running("copier", "--medusa", "medusa_copier.yaml", cwd=tmp_path) as child:
        found = {reply["pass_through"]["id"]: reply for reply in replies(amqp, queues, 2)}
        assert child.end() == 0, child.text
    assert found["a b.tif"]["status"] == "success"
    assert found["no"]["rclone_status"] == 4
    assert (tmp_path / "main" / "1" / "2" / "a b.tif").read_bytes() == b"picture"


def _until(true, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
