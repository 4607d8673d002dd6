"""What `bucketrelay doctor` finds out about copies and datasets by message, each fault with its remedy."""

import json
import shutil

import psycopg
import pytest
from click.testing import CliRunner

from bucketrelay.cli import cli
from messages.rabbitmq import POOR
from messages.world import SECRETS, World
from postgres_server import new_database

COPIER = """
[copier]
broker = "{broker}"
requests = "{requests}"
replies = "{replies}"
roots = {{ staging = "archive" }}
"""


def found(world: World, section: str = "[datasets]", **secrets: str) -> dict[str, dict]:
    """The findings of *section*, by check."""
    told = ["doctor", "--json", "--config", str(world.folder / "relay.toml")]
    result = CliRunner().invoke(cli, told, env={**SECRETS, **secrets})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == any(line["ok"] is False for line in lines)
    return {line["check"]: line for line in lines if line["store"] == section}


def rewritten(world: World, old: str, new: str) -> None:
    told = (world.folder / "relay.toml").read_text()
    assert old in told
    (world.folder / "relay.toml").write_text(told.replace(old, new))


def test_what_a_dataset_needs_is_there(world):
    seen = found(world)
    assert list(seen) == ["broker", "queue", "exchange", "archive", "keys", "remote"]
    assert all(each["ok"] and not each["remedy"] for each in seen.values()), seen
    assert seen["queue"]["detail"] == f"{world.queue} is there, a stream"


def _wrong_password(world):
    rewritten(world, "guest:guest", "guest:wrong-4711")


def _no_queue(world):
    rewritten(world, world.queue, "no-such-queue")


def _no_exchange(world):
    rewritten(world, world.exchange, "no-such-exchange")


def _another_database(world):
    rewritten(world, world.archive.database, new_database(world.archive.database))


def _no_column(world):
    with psycopg.connect(world.archive.database) as connection:
        connection.execute("ALTER TABLE sda.files DROP COLUMN header")


def _no_permission(world):
    name = world.queue.replace("-", "_")
    with psycopg.connect(world.archive.database) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"GRANT USAGE ON SCHEMA sda TO {name}; GRANT SELECT ON sda.files TO {name}")
    rewritten(world, "relay@", f"{name}@")


def _no_key(world):
    (world.folder / "c4gh.sec").write_text("no key")


def _own_key(world):
    shutil.copy(world.folder / "c4gh.pub", world.folder / "partner.pub")


def _remote_down(world):
    rewritten(world, world.partner.url, "http://127.0.0.1:9")


def _remote_refuses(world):
    world.partner.password = "another"


def _remote_without_broker(world):
    world.partner.answers.append(503)


@pytest.mark.parametrize(
    ("plant", "check", "ok", "word"),
    [
        (_wrong_password, "broker", False, "ACCESS_REFUSED"),
        (_no_queue, "queue", None, "is missing, and is made by the first command that needs it"),
        (_no_exchange, "exchange", False, "there is no exchange no-such-exchange"),
        (_another_database, "archive", False, "does not exist"),
        (_no_column, "archive", False, "header does not exist"),
        (_no_permission, "archive", False, "permission denied for table checksums"),
        (_no_key, "keys", False, "c4gh.sec"),
        (_own_key, "keys", False, "the partner could read nothing"),
        (_remote_down, "remote", False, "127.0.0.1:9"),
        (_remote_refuses, "remote", False, "answers 401"),
        (_remote_without_broker, "remote", False, "answers 503"),
    ],
)
def test_each_fault_is_found_with_its_remedy(world, plant, check, ok, word):
    plant(world)
    seen = found(world)
    assert (seen[check]["ok"], word in seen[check]["detail"]) == (ok, True), seen
    assert seen[check]["remedy"]
    assert [name for name, each in seen.items() if not each["ok"]] == [check]
    assert ("queue" in seen) == (check != "broker")  # what an earlier failure has answered is not asked
    assert "4711" not in json.dumps(seen)


def test_a_wrong_passphrase_is_found(world):
    seen = found(world, C4GH_PW="wrong-4711")
    assert "is not opened by this passphrase" in seen["keys"]["detail"]
    assert "4711" not in json.dumps(seen)


def test_a_copier_needs_to_read_requests_and_to_send_replies(world, name):
    queues = {"requests": world.errors, "replies": name("replies")}
    told = (world.folder / "relay.toml").read_text() + COPIER.format(broker=world.broker, **queues)
    (world.folder / "relay.toml").write_text(told)
    seen = found(world, "[copier]")
    assert {check: each["ok"] for check, each in seen.items()} == {"broker": True, "queue": True, "replies": None}
    assert seen["queue"]["detail"] == f"{world.errors} is there, a queue"
    (world.folder / "relay.toml").write_text(told.replace("guest:guest", f"{POOR}:{POOR}"))
    seen = found(world, "[copier]")
    assert {check: each["ok"] for check, each in seen.items()} == {"broker": True, "queue": False, "replies": False}
    assert "ACCESS_REFUSED" in seen["queue"]["detail"]
    assert "read" in seen["queue"]["remedy"]
    # RabbitMQ 3 refuses the exchange, 4.3 the look at the queue before it: the remedy names both.
    assert "ACCESS_REFUSED" in seen["replies"]["detail"]
    assert "amq.default, and to configure the queue" in seen["replies"]["remedy"]


def test_nothing_is_taken_from_a_queue_or_put_into_it(world):
    world.map(["SYNC-123-00000"])
    found(world)
    ids = world.archive.fill(1)
    world.map(ids)
    with world.sync() as child:
        world.synced()
        child.end()
    world.check(ids)
