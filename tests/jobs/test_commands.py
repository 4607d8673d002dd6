"""`bucketrelay worker` and `bucketrelay queue …`, as processes."""

import json
import os
import signal
import socket
import threading
from contextlib import closing

import psycopg
import pytest

from bucketrelay import config, wiring_jobs
from bucketrelay.jobs.inventory import key_job
from bucketrelay.jobs.queue import Dead, NewJob
from jobs.world import World
from postgres_server import new_schema


@pytest.fixture
def world(tmp_path, s3, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path, s3)


def wait_for(true, seconds=30):
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen")


def test_the_first_command_makes_the_tables_beside_the_configuration(world):
    done = world.run("queue", "status", "--json")

    assert json.loads(done.stdout) == {"pending": 0, "running": 0, "dead": 0, "paused": False, "oldest": None}
    assert done.returncode == 0
    assert (world.folder / "relay.db").is_file()


def test_a_drained_worker_has_copied_what_waited_and_written_the_lists(world):
    keys = {"a.jpg", "b/c d.jpg", "ü.jpg"}
    world.write(*keys)
    world.enqueue(*keys, "not there.jpg")
    waiting = json.loads(world.run("queue", "status", "--json").stdout)

    done = world.run_alone("worker", "--drain", "--json")

    assert waiting["pending"] == 4
    assert waiting["oldest"].endswith("Z")
    assert (done.returncode, done.stderr) == (0, "4 jobs done\n")
    assert world.mirrored() == keys
    assert {line["key"] for line in map(json.loads, done.stdout.splitlines())} == {*keys, "not there.jpg"}
    assert {(line["key"], line["outcome"]) for line in world.lists()} == {
        *((key, "copied") for key in keys),
        ("not there.jpg", "unchanged"),
    }
    assert world.run("worker", "--drain").returncode == 0


def test_jobs_that_die_are_said_listed_with_their_reason_and_tried_again(world):
    world.write("a.jpg")
    world.configure(bucket="no-such-bucket")
    world.enqueue("a.jpg", bucket="no-such-bucket")

    done = world.run("worker", "--drain")
    listed = [json.loads(line) for line in world.run("queue", "dead", "--json").stdout.splitlines()]

    assert done.returncode == 1
    assert "1 died: bucketrelay queue dead" in done.stderr
    assert [(dead["key"], dead["queue"], dead["attempts"]) for dead in listed] == [("a.jpg", "photos to mirror", 1)]
    assert "no-such-bucket" in listed[0]["error"]
    assert [line["outcome"] for line in world.lists("failed_object")] == ["failed"]
    assert "a.jpg\t1\t" in world.run("queue", "dead").stdout

    world.configure()
    assert world.run("queue", "retry").returncode == 2
    assert world.run("queue", "retry", "b.jpg").returncode == 1
    assert json.loads(world.run("queue", "retry", "a.jpg", "--json").stdout) == {"retried": 1}
    assert world.run("worker", "--drain").returncode == 0
    assert world.mirrored() == {"a.jpg"}


def test_all_dead_jobs_are_tried_again(world):
    with world.queue() as queue:
        queue.enqueue([NewJob("q", key, "task") for key in "abc"])
        queue.settle([(job, Dead("no")) for job in queue.claim(10)])

    assert "3 jobs wait again" in world.run("queue", "retry", "--all").stderr
    assert json.loads(world.run("queue", "status", "--json").stdout)["pending"] == 3


def test_a_paused_queue_hands_out_nothing_until_it_is_resumed(world):
    world.write("a.jpg")
    world.enqueue("a.jpg")

    assert json.loads(world.run("queue", "pause", "--json").stdout)["paused"] is True
    drained = world.run("worker", "--drain")
    assert drained.returncode == 1
    assert "paused" in drained.stderr
    assert world.mirrored() == set()
    assert "paused" in world.run("queue", "status").stderr

    assert world.run("queue", "resume").returncode == 0
    assert world.run("worker", "--drain").returncode == 0
    assert world.mirrored() == {"a.jpg"}


@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR2])
def test_a_worker_that_is_told_to_end_ends_well(world, word):
    world.write("a.jpg")
    world.enqueue("a.jpg")
    process = world.start("worker")
    wait_for(world.lists)

    process.send_signal(word)

    _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


@pytest.fixture
def silence():
    """A server that takes requests and answers none; and how many have come."""
    listening = socket.create_server(("127.0.0.1", 0))
    taken = []

    def take():
        while True:
            try:
                taken.append(listening.accept())
            except OSError:
                return

    thread = threading.Thread(target=take)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", taken
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()
    for connection, _ in taken:
        connection.close()


def test_told_twice_a_worker_ends_at_once_and_its_job_is_anothers(world, silence):
    endpoint, taken = silence
    world.write("a.jpg")
    world.configure(endpoint=endpoint, more="[queue]\nlease = 1\n")
    world.enqueue("a.jpg")
    process = world.start("worker")
    wait_for(lambda: taken)

    process.send_signal(signal.SIGTERM)
    for line in process.stderr:
        if "once more ends at once" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == 128 + signal.SIGTERM
    world.configure(more="[queue]\nlease = 1\n")
    assert world.run("worker", "--drain").returncode == 0
    assert world.mirrored() == {"a.jpg"}


def test_what_a_killed_worker_had_is_done_by_the_next(world, silence):
    endpoint, taken = silence
    world.write("a.jpg")
    world.configure(endpoint=endpoint, more="[queue]\nlease = 1\n")
    world.enqueue("a.jpg")
    process = world.start("worker")
    wait_for(lambda: taken)
    process.kill()
    process.communicate(timeout=30)

    world.configure(more="[queue]\nlease = 1\n")
    assert json.loads(world.run("queue", "status", "--json").stdout)["dead"] == 0
    assert world.run("worker", "--drain").returncode == 0
    assert world.mirrored() == {"a.jpg"}


def test_a_database_that_is_none_is_one_line(world):
    (world.folder / "relay.db").write_text("notes " * 1000)

    for words in (("queue", "status"), ("worker", "--drain")):
        done = world.run(*words)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "relay.db: file is not a database" in done.stderr


def test_everything_does_as_well_on_postgresql(world, postgres_url):
    """The password comes out of the environment; PostgreSQL here asks for none, and is told one that needs encoding."""
    url = new_schema(postgres_url).replace("relay@", "relay:${PG_PASSWORD}@")
    os.environ["PG_PASSWORD"] = "p@ss/w:rd%"
    try:
        world.write("a.jpg", "b.jpg")
        world.configure(more=f'[queue]\nurl = "{url}"\n')
        with closing(
            wiring_jobs.queue(config.load((world.folder / "relay.toml").read_text(), os.environ).queue)
        ) as queue:
            queue.enqueue([key_job("photos", "a.jpg")])
        assert json.loads(world.run("inventory", "photos", "--json").stdout)["new"] >= 2
        assert world.run("worker", "--drain").returncode == 0
        assert json.loads(world.run("queue", "status", "--json").stdout)["pending"] == 0
        assert not (world.folder / "relay.db").exists()
    finally:
        del os.environ["PG_PASSWORD"]
    with psycopg.connect(url.replace(":${PG_PASSWORD}", "")) as connection:
        assert connection.execute("SELECT count(*) FROM object WHERE path IN ('a.jpg', 'b.jpg')").fetchone() == (2,)
