"""`bucketrelay dataset-sync`, killed at every step in turn: each file arrives once and whole, and one POST counts."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from messages.archive import PASSPHRASE
from messages.killed import STEPS
from messages.running import Child
from messages.world import SECRETS, World
from unit.crypt4gh.c4gh import command

FEW = ["its row is durable, it is not acknowledged", "half of a body is written", *list(STEPS)[-2:-1]]


@pytest.fixture
def patient(tmp_path, amqp, postgres, partner, name) -> World:
    """A world whose jobs may be given up by many workers that were killed."""
    return World(tmp_path, amqp, postgres, partner, name, attempts=100)


@pytest.mark.parametrize(
    ("count", "steps"),
    [(4, FEW), pytest.param(200, list(STEPS), marks=[pytest.mark.slow, pytest.mark.timeout(1800)])],
    ids=["4 files", "200 files"],
)
def test_killed_at_every_step_in_turn_each_file_arrives_once_and_one_post_counts(patient, count, steps):
    ids = patient.archive.fill(count - 1, size=20_000)
    patient.archive.add("SYNC-123-99999", "someone_example.org/in/large.bam.c4gh", b"large " * (count * 20_000))
    patient.map([*ids, "SYNC-123-99999"])
    child = Child("dataset-sync", cwd=patient.folder, environ=SECRETS)
    for step in steps:
        child.killed_at(step)
    _finish(patient, child)
    patient.check([*ids, "SYNC-123-99999"])
    assert len(set(patient.partner.keys)) == 1
    assert patient.dead() == []
    assert _left(patient) == []
    sampled = list(patient.archive.plain)[:: 1 if count > 10 else count]
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(lambda path: _opens(patient, path), sampled))


def test_killed_between_the_publication_of_a_large_file_and_its_tidying_up_nothing_of_it_is_left(patient):
    patient.archive.add("SYNC-123-99999", "someone_example.org/in/large.bam.c4gh", b"large " * 1_000_000)
    patient.map(["SYNC-123-99999"])
    child = Child("dataset-sync", cwd=patient.folder, environ=SECRETS)
    child.killed_at("a file is published, not recorded")
    assert _left(patient) != []
    _finish(patient, child)
    patient.check(["SYNC-123-99999"])
    assert _left(patient) == []


def _finish(world: World, child: Child) -> None:
    """Start the process once more, and let it end by itself when all is synchronised."""
    child.start()
    try:
        world.synced()
        assert child.end() == 0, child.text
    finally:
        child.stop()


def _left(world: World) -> list[Path]:
    """What is there of uploads: parts at the partner's, and checkpoints."""
    parts = (world.folder / "partner" / ".bucketrelay" / "uploads").rglob("*")
    return [*parts, *(world.folder / "logs").glob("checkpoints/*")]


def _opens(world: World, path: str) -> bool:
    """Whether the `crypt4gh` command decrypts a file with the partner's key, and not with the archive's."""
    raw, keys = (world.folder / "partner" / path).read_bytes(), world.folder
    ours = command("crypt4gh", "decrypt", "--sk", f"{keys}/partner.sec", stdin=raw)
    theirs = command("crypt4gh", "decrypt", "--sk", f"{keys}/c4gh.sec", stdin=raw, passphrase=PASSPHRASE)
    return ours.stdout == world.archive.plain[path] and theirs.returncode != 0 and theirs.stdout == b""
