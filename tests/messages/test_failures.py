"""What can go wrong around a dataset or a copy: said clearly in one line, nothing published, nothing lost.

A wrong passphrase and poison messages are in test_dataset_sync, a broker that is killed in test_copier_killed.
"""

import json
import threading

import pytest

from bucketrelay.config.values import BrokerConfig, Secret
from bucketrelay.drivers.messages.broker import Place, QueueReader
from bucketrelay.drivers.messages.delivery import Letter
from bucketrelay.drivers.messages.intake import REPLY, letter_job
from bucketrelay.drivers.messages.letters import LetterSender
from bucketrelay.jobs.sqlite import SqliteQueue
from bucketrelay.wiring_invocation import sender_of
from messages.forwarder import Forwarder
from messages.post import declare, put, taken
from messages.running import running
from messages.small_disk import small_disk
from messages.test_broker import Taken
from messages.test_copier import ask, copyto, replies
from messages.test_copier import world as copier
from messages.world import SECRETS, World, until
from unit.crypt4gh.c4gh import decrypted


def dead_of(world: World, word: str) -> str:
    """The reason that a job died of, once one has; in one line."""
    until(lambda: any(word in each["error"] for each in world.dead()))
    said = next(each["error"] for each in world.dead() if word in each["error"])
    assert "\n" not in said
    return said


# What is wrong with a file, by the words that say so.
BAD = {
    "is no Crypt4GH object": {"header": b"no header at all"},
    "3 bytes of it, and": {"body": b"cut"},
    "is no path below the store": {"path": "../../etc/x.c4gh"},
    "encrypted for somebody else": {"foreign": True},
    "say in archive_location which store that is": {"location": "elsewhere"},
    "the archive has no file": {"absent": True},
}


def test_what_cannot_be_made_readable_publishes_nothing_and_says_why_and_costs_others_nothing(world):
    (world.folder / "elsewhere").mkdir()
    told = (world.folder / "relay.toml").read_text()
    (world.folder / "relay.toml").write_text(told + 'archive_location = { "archive-2" = "archive" }\n')
    for number, planted in enumerate(BAD.values()):
        stable, more = f"BAD-123-0000{number}", dict(planted)
        if more.pop("foreign", False):
            more["reader"] = world.archive.partner
        path = more.pop("path", f"someone/in/{number}.c4gh")
        if not more.pop("absent", False):
            world.archive.add(stable, path, b"data" * 100, **more)
        world.map([stable], f"EGA-SE-BAD-{number}")
    world.archive.plain.clear()
    ids = world.archive.fill(1)
    world.map(ids)
    with world.sync() as child:
        world.synced()
        for word in list(BAD)[:-1]:
            child.says(word)
        child.says("the archive has no file 'BAD-123-00005': tried again later")  # it may come
        assert child.end() == 0, child.text
    assert "Traceback" not in child.text
    said = [each["error"] for each in world.dead()]
    assert [word for word in list(BAD)[:-1] if not any(word in error for error in said)] == []
    assert [error for error in said if "\n" in error] == []
    world.check(ids)  # nothing else stands there
    assert [told["dataset_id"] for told in world.partner.told] == ["EGA-SE-0001-1"]


def test_a_receiver_that_is_down_is_told_once_it_is_back(world):
    ids = world.archive.fill(1)
    world.partner.answers += [503]
    world.map(ids)
    with world.sync() as child:
        child.says("503")
        assert world.partner.told == []
        world.synced()
        assert child.end() == 0, child.text
    world.check(ids)
    assert len(world.partner.told) == 1


@pytest.mark.parametrize(
    "status", [pytest.param(400, marks=pytest.mark.slow), pytest.param(302, marks=pytest.mark.slow), 201]
)
def test_an_answer_that_is_not_200_is_no_success(world, status):
    ids = world.archive.fill(1)
    world.partner.answers += [status]
    world.map(ids)
    with world.sync() as child:
        said = dead_of(world, "200 is the only answer that means that it was taken")
        assert str(status) in said
        assert child.end() == 0, child.text
    assert world.partner.told == []
    with running("queue", "retry", "--all", cwd=world.folder, environ=SECRETS) as child:
        assert child.ends() == 0
    with world.sync() as child:
        world.synced()
        assert child.end() == 0, child.text
    world.check(ids)


class Minutes:
    """Time that passes by waiting alone: after some of it the way is mended; it is over when nothing is left to do."""

    def __init__(self, way: Forwarder, minutes: float, over) -> None:
        self.way, self.left, self.over, self.pauses = way, 60 * minutes, over, []
        self.mended = threading.Event()

    def is_set(self) -> bool:
        return self.over()

    def wait(self, timeout: float) -> bool:
        if self.left > 0:
            self.left -= timeout
            self.pauses.append(timeout)
            if self.left <= 0:
                self.way.mend()
                self.mended.set()
        return self.is_set()


def test_a_broker_that_is_down_for_minutes_is_waited_for_and_nothing_is_lost(amqp, name):
    queue, way, said = name("q"), Forwarder(amqp, up=False), []
    declare(amqp, queue)
    put(amqp, queue, b"1", b"2")
    seen = Taken(2)
    minutes = Minutes(way, 30, seen.stop.is_set)
    QueueReader(Place(way.url), queue, say=said.append).run(seen, minutes)
    way.cut()
    assert seen.bodies == [b"1", b"2"]
    assert minutes.mended.is_set()
    assert max(minutes.pauses) == 5  # seconds after which a broker that is back is noticed
    assert len(minutes.pauses) < 400
    assert [line.rpartition(": ")[2] if "again" in line else line for line in said[1:]] == [f"{queue} is read again"]
    assert "cannot be read, and is tried again: " in said[0]
    assert len(said) == 2


def test_replies_wait_for_a_broker_that_is_down_for_minutes(tmp_path, amqp, name):
    queue, way, said = name("q"), Forwarder(amqp, up=False), []
    declare(amqp, queue)
    jobs = SqliteQueue(tmp_path / "relay.db")
    jobs.enqueue([letter_job(REPLY, f"{number}", Letter(b"%d" % number, queue)) for number in range(3)])
    minutes = Minutes(way, 30, lambda: not jobs.counts().pending)
    LetterSender(jobs, REPLY, sender_of(BrokerConfig(Secret(way.url), "broker")), said.append).run(minutes)
    way.cut()
    assert [bytes(message.body, "ascii") for message in taken(amqp, queue, 3)] == [b"0", b"1", b"2"]
    assert (jobs.counts().pending, jobs.counts().dead) == (0, 0)
    assert len(said) == 1
    assert "not confirmed" in said[0]
    jobs.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seconds", [150])
def test_a_broker_that_is_really_down_for_minutes(tmp_path, broker, postgres, partner, name, seconds):
    world = World(tmp_path, broker.url, postgres, partner, name)
    first, second = world.archive.fill(20), world.archive.fill(20, start=20)
    world.map(first)
    world.map(second, "EGA-SE-0001-2")
    put(broker.url, world.queue, b"poison")
    with world.sync() as child:
        until(lambda: len(world.files()) > 1)
        broker.stop()
        child.says("is tried again")
        threading.Event().wait(seconds)
        assert child.process.poll() is None
        broker.start()
        child.says("is read again")
        world.synced(2)
        (said,) = taken(broker.url, world.errors, 1)
        assert child.end() == 0, child.text
    assert json.loads(said.body)["original-message"] == "poison"
    # Each is told once, as soon as its files are there: side by side, in whichever order that is.
    assert sorted(told["dataset_id"] for told in world.partner.told) == ["EGA-SE-0001-1", "EGA-SE-0001-2"]
    assert sorted(str(path.relative_to(tmp_path / "partner")) for path in world.files()) == sorted(world.archive.plain)
    assert child.text.count("is tried again") <= 2  # the reader's and the sender's, not each attempt's


def test_a_full_target_disk_is_said_and_the_dataset_arrives_once_there_is_room(world):
    with small_disk(world.folder / "partner", "256k") as grow:
        ids = world.archive.fill(3, size=120_000)
        world.map(ids)
        with world.sync() as child:
            child.says("No space left on device: free some space or handles, then try again")
            assert world.partner.told == []
            whole = [path for path in world.files() if not _is_whole(world, path)]
            assert whole == []  # what stands there can be read; what does not fit has no name
            grow("64m")
            world.synced()
            assert child.end() == 0, child.text
        assert "Traceback" not in child.text
        world.check(ids)
        assert len(world.partner.told) == 1


def _is_whole(world, path) -> bool:
    plain = world.archive.plain[str(path.relative_to(world.folder / "partner"))]
    return decrypted(path.read_bytes(), world.archive.partner) == plain


def test_a_full_disk_below_the_job_queue_keeps_messages_in_the_broker(tmp_path, amqp, name):
    queues = name("medusa_to_copier"), name("copier_to_medusa")
    registry = copier(tmp_path, amqp, queues)
    (tmp_path / "jobs").mkdir()
    told = (tmp_path / "relay.toml").read_text()
    (tmp_path / "relay.toml").write_text(told.replace("[queue]\n", '[queue]\nurl = "sqlite:///jobs/relay.db"\n'))
    for number in range(40):
        (tmp_path / "staging" / f"{number}").write_bytes(b"%d" % number)
    registry.want(*((f"{number}", f"{number}/{'x' * 900}") for number in range(40)))
    with small_disk(tmp_path / "jobs", "128k") as grow, running("copier", cwd=tmp_path) as child:
        registry.send_copy_messages()
        child.says("make room on the disk")
        grow("64m")
        registry.await_copy_messages()
        assert child.end() == 0, child.text
    assert "Traceback" not in child.text
    assert (registry.waiting, registry.rows) == ([], {})


def test_a_disk_that_is_full_before_the_first_job_ends_in_one_line(tmp_path, amqp, name):
    queues = name("medusa_to_copier"), name("copier_to_medusa")
    copier(tmp_path, amqp, queues)
    (tmp_path / "jobs").mkdir()
    told = (tmp_path / "relay.toml").read_text()
    (tmp_path / "relay.toml").write_text(told.replace("[queue]\n", '[queue]\nurl = "sqlite:///jobs/relay.db"\n'))
    ask(amqp, queues, copyto("a", "b"))
    with small_disk(tmp_path / "jobs", "4k"), running("copier", cwd=tmp_path) as child:
        child.says("make room on the disk")
        child.stop()
    assert "Traceback" not in child.text
    with running("copier", cwd=tmp_path) as child:
        assert replies(amqp, queues, 1)[0]["pass_through"] == {"id": "a"}
        assert child.end() == 0, child.text
