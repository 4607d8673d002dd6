"""Medusa's side of the conversation through hundreds of requests, while broker and worker are killed."""

import json
from pathlib import Path

import pytest

from messages.forwarder import Forwarder
from messages.medusa import Registry, Row
from messages.running import Child
from messages.test_copier import world
from messages.world import until


class Mixed(Registry):
    """A registry that is wrong in one of ten requests, each time in another way."""

    def request(self, number: int, row: Row) -> dict | str:
        asked = super().request(number, row)
        wrong = {
            1: {**asked, "action": "triple"},
            2: {**asked, "parameters": {**asked["parameters"], "target_root": "nowhere"}},
            3: {**asked, "parameters": {**asked["parameters"], "target_key": ""}},
            4: {**asked, "parameters": {**asked["parameters"], "source_key": "\ud800"}},
        }
        return wrong.get(kind_of(number), asked)


def kind_of(number: int) -> int:
    """0: the source is missing; 1 to 4: as above; else right."""
    return number % 50 // 10 if number % 10 == 0 else -1


WORDS = {
    0: "object not found",
    1: "Unrecognized Action",
    2: "Unrecognized root was provided.",
    3: "Not all request parameters were provided.",
    4: "Not a text: source_key",
}


def asked(folder: Path, url: str, queues: tuple[str, str], count: int) -> Mixed:
    """*count* copies that are wanted, and their sources."""
    known = world(folder, url, queues)
    registry = Mixed(url, known.outgoing, known.incoming)
    for number in range(1, count + 1):
        if kind_of(number):
            (folder / "staging" / f"{number}.tif").write_bytes(b"%d" % number)
        registry.want((f"{number}.tif", f"out/{number}.tif"))
    registry.send_copy_messages()
    return registry


def check(folder: Path, registry: Mixed, count: int) -> None:
    """Each request is answered, as it deserves; what was to be copied is there, and nothing else."""
    assert registry.waiting == []
    assert sorted(registry.rows) == [number for number in range(1, count + 1) if kind_of(number) >= 0]
    for number, row in registry.rows.items():
        assert WORDS[kind_of(number)] in row.error, (number, row.error)
    copied = {path.name: path.read_bytes() for path in (folder / "main" / "out").iterdir()}
    right = [number for number in range(1, count + 1) if kind_of(number) < 0]
    assert copied == {f"{number}.tif": b"%d" % number for number in right}
    # At least once: an answer that comes again says the same.
    said: dict[int, set[str]] = {}
    for reply in registry.replies:
        said.setdefault(reply["pass_through"]["workflow_accrual_key_id"], set()).add(json.dumps(reply, sort_keys=True))
    assert [number for number, answers in said.items() if len(answers) > 1] == []


def copied(folder: Path) -> int:
    return sum(1 for _ in (folder / "main").rglob("*.tif"))


def test_nothing_is_lost_while_the_worker_is_killed_and_the_broker_away(tmp_path, amqp, name):
    queues, way = (name("medusa_to_copier"), name("copier_to_medusa")), Forwarder(amqp)
    registry = asked(tmp_path, amqp, queues, 60)
    told = (tmp_path / "relay.toml").read_text()
    (tmp_path / "relay.toml").write_text(told.replace(amqp, way.url))
    child = Child("copier", cwd=tmp_path)
    child.start()
    try:
        until(lambda: copied(tmp_path) > 0)
        child.kill()
        child.start()
        until(lambda: way.busy)
        way.cut()
        child.says("is tried again")
        way.mend()
        registry.await_copy_messages()
        assert child.end() == 0, child.text
    finally:
        child.stop()
        way.cut()
    check(tmp_path, registry, 60)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_requests_are_answered_while_broker_and_worker_are_killed_four_times(tmp_path, broker, name):
    queues = name("medusa_to_copier"), name("copier_to_medusa")
    registry = asked(tmp_path, broker.url, queues, 1000)
    child = Child("copier", cwd=tmp_path)
    try:
        for part in range(4):
            child.start()
            until(lambda part=part: copied(tmp_path) > 200 * part)
            child.kill()
            child.start()
            broker.kill() if part % 2 else broker.stop()
            child.says("is tried again")
            broker.start()
            child.says("is read again")
            child.kill()
            child.out.rename(tmp_path / f"child.{part}")
        child.start()
        registry.await_copy_messages()
        assert child.end() == 0, child.text
    finally:
        child.stop()
    check(tmp_path, registry, 1000)
