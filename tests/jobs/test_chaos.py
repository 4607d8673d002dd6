"""Nothing is lost, whatever is killed, cut, restarted or held up. Short here, long in `make slow`."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import httpx
import psycopg
import pytest

import postgres_server
from bucketrelay.drivers.worker.loop import Tunings, Worker, World
from bucketrelay.errors import StoreUnavailable
from bucketrelay.jobs.kinds import Ended, Kind
from bucketrelay.jobs.postgres import PostgresQueue
from bucketrelay.jobs.queue import Counts, Done, NewJob, Policy
from jobs.killed import queue as killed_queue
from jobs.rigs import POLICY, PostgresRig
from postgres_server import new_schema


def jobs(count):
    return (NewJob("photos to mirror", f"{n:06}", "task", {"key": f"{n:06}"}) for n in range(count))


def batched(some, most):
    some = iter(some)
    return iter(lambda: list(islice(some, most)), [])


# Workers, killed.


class Workers:
    """So many workers, each of which is begun again when it is gone; killed again and again."""

    def __init__(self, place, folder, count):
        self.place, self.folder, self.killed = place, folder, 0
        self.alive = [self.start() for _ in range(count)]

    def start(self):
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-m", "jobs.killed", self.place, str(self.folder)]
        return subprocess.Popen(command, env=environ)

    def kill(self, number):
        self.alive[number].kill()
        self.alive[number].wait()
        self.killed += 1
        self.alive[number] = self.start()

    def end(self):
        for process in self.alive:
            process.kill()
            process.wait()


def effects(folder):
    found = Counter()
    for path in folder.glob("*.done"):
        text = path.read_bytes().decode()
        found.update(line for line in text.split("\n")[:-1] if len(line) == 6)
    return found


@pytest.mark.parametrize(
    ("count", "workers", "kills"),
    [(2000, 2, 2), pytest.param(40_000, 4, 60, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_workers_that_are_killed_again_and_again_lose_no_job(tmp_path, request, database, count, workers, kills):
    place = (
        new_schema(request.getfixturevalue("postgres_url")) if database == "postgres" else str(tmp_path / "relay.db")
    )
    queue = killed_queue(place)
    assert queue.enqueue(jobs(count)).new == count
    dice, done = random.Random(1), 0
    fleet = Workers(place, tmp_path, workers)
    try:
        while queue.counts() != Counts():
            time.sleep(0.25 if done < kills else 0.1)
            if done < kills:
                # Only one that has done something: else nobody would get further than to his beginning.
                number = dice.randrange(workers)
                if (tmp_path / f"{fleet.alive[number].pid}.done").exists():
                    fleet.kill(number)
                    done += 1
    finally:
        fleet.end()

    found = effects(tmp_path)
    assert len(found) == count
    assert fleet.killed
    assert list(queue.dead()) == []
    twice = sum(times - 1 for times in found.values())
    print(f"{database}: {count} jobs, {fleet.killed} kills, {twice} done more than once")
    queue.close()


# PostgreSQL: connections cut.


class Cutter:
    """A TCP proxy that cuts the connection at the n-th piece of bytes that comes through, before or behind it."""

    def __init__(self, port):
        self.port, self.seen, self.cut_at, self.deliver = port, 0, None, False
        self._lock, self._sockets = threading.Lock(), []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.own_port = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def arm(self, cut_at, *, deliver):
        with self._lock:
            self.seen, self.cut_at, self.deliver = 0, cut_at, deliver

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port))
            with self._lock:
                self._sockets += [client, server]
            for pair in ((client, server), (server, client)):
                thread = threading.Thread(target=self._forward, args=pair)
                self._threads.append(thread)
                thread.start()

    def _forward(self, source, target):
        try:
            while piece := source.recv(65536):
                with self._lock:
                    self.seen += 1
                    cut, deliver = self.seen == self.cut_at, self.deliver
                if cut and not deliver:
                    break
                target.sendall(piece)
                if cut:
                    break
        except OSError:
            pass
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()


def course(queue):
    """Everything that is ever said to the database, once; the keys that were handed out and settled."""
    queue.enqueue([NewJob("q", key, "task") for key in "abc"])
    got = queue.claim(2)
    queue.extend(got)
    queue.settle([(job, Done()) for job in got])
    queue.counts()
    return {job.key for job in got}


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("deliver", [False, True])
def test_a_connection_that_is_cut_at_any_moment_loses_no_job(postgres_url, stride, deliver):
    rig = PostgresRig(new_schema(postgres_url))
    parts = psycopg.conninfo.conninfo_to_dict(rig.url)
    cutter = Cutter(int(parts["port"]))
    direct = rig.open()
    through = PostgresRig(rig.url.replace(f":{parts['port']}/", f":{cutter.own_port}/"))
    try:
        through.open()
        cutter.arm(None, deliver=False)
        course(through.opened[0])
        pieces = cutter.seen
        rig.run("DELETE FROM relay_job")
        for cut_at in range(1, pieces + 4, stride):
            queue = through.open()  # a process that has no connection yet
            cutter.arm(cut_at, deliver=deliver)
            done = course(queue)
            queue.close()
            done |= {job.key for job in drained(rig, direct)}
            assert done == set("abc"), f"cut at piece {cut_at} of {pieces}"
            assert direct.counts() == Counts()
    finally:
        through.close()
        rig.close()
        cutter.close()


def drained(rig, queue):
    """What is still there is done, leases that nobody knows of included."""
    found = []
    for _ in range(4):
        rig.later(POLICY.lease + 1)
        got = queue.claim(10)
        queue.settle([(job, Done()) for job in got])
        found += got
    return found


# PostgreSQL: the server.


@pytest.mark.slow
@pytest.mark.parametrize("word", ["SIGINT", "SIGQUIT"])
def test_a_server_that_is_restarted_costs_time_and_no_job(word):
    """SIGINT is its fast shutdown, SIGQUIT a crash: it recovers from its log."""
    import signal

    with postgres_server.server("fsync=on") as server:
        url, done = server.database(), Counter()
        policy = Policy(lease=3, attempts=1000)
        queue = PostgresQueue(url, "postgresql://…", policy)
        queue.enqueue(jobs(3000))

        def run(some, deadline):
            time.sleep(0.02)
            done.update(job.key for job in some)
            return [Ended(Done()) for _ in some]

        worker = Worker(queue, {"task": Kind(run)}, policy, World(lambda _: None), Tunings(threads=8, poll=0.1))
        thread = threading.Thread(target=worker.run, kwargs={"drain": True})
        thread.start()
        for _ in range(3):
            time.sleep(1.0)
            server.stop(getattr(signal, word))
            time.sleep(0.5)
            server.start()
        thread.join()

        assert len(done) == 3000
        print(f"{word}: {sum(done.values()) - 3000} of 3000 done more than once, server restarted 3 times")
        assert queue.counts() == Counts()
        queue.close()


@pytest.mark.slow
@pytest.mark.parametrize("count", [6000])
def test_a_standby_that_is_promoted_goes_on_with_every_job_that_was_accepted(tmp_path, count):
    """The primary crashes and stays away; who named both servers finds the other one, and goes on."""
    import signal

    with postgres_server.server() as primary, postgres_server.standby(primary) as second:
        place = f"postgresql://relay@127.0.0.1:{primary.port},127.0.0.1:{second.port}/postgres"
        queue = killed_queue(place)
        queue.enqueue(jobs(count // 2))
        accepted, over = [f"{n:06}" for n in range(count // 2)], threading.Event()
        fleet = Workers(place, tmp_path, 2)

        def send():
            """Jobs one by one, each again until it is accepted, as a sender of events does."""
            sender = killed_queue(place)
            for n in range(count // 2, count):
                while True:
                    with contextlib.suppress(StoreUnavailable):
                        sender.enqueue([NewJob("photos to mirror", f"{n:06}", "task")])
                        break
                accepted.append(f"{n:06}")
            sender.close()
            over.set()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            while len(effects(tmp_path)) < count // 6:
                time.sleep(0.05)
            primary.stop(signal.SIGQUIT)
            second.promote()
            thread.join()
            while queue.counts() != Counts():
                for number, process in enumerate(fleet.alive):
                    if process.poll() is not None:  # it found nothing to do for a moment
                        fleet.alive[number] = fleet.start()
                time.sleep(0.2)
        finally:
            fleet.end()

        assert over.is_set()
        found = effects(tmp_path)
        assert set(found) == set(accepted)
        assert len(accepted) == count
        assert list(queue.dead()) == []
        twice = sum(times - 1 for times in found.values())
        print(f"{count} jobs, the standby promoted after {count // 6}: none lost, {twice} done more than once")
        queue.close()


@pytest.mark.slow
def test_a_server_that_is_gone_is_said_to_be_and_nothing_hangs():
    with postgres_server.server() as server:
        queue = PostgresQueue(server.database(), "postgresql://…")
        queue.enqueue(jobs(1))
        server.stop()
        with pytest.raises(StoreUnavailable):
            queue.claim(1)
        server.start()
        assert len(queue.claim(1)) == 1
        queue.close()


@pytest.mark.parametrize("count", [4000, pytest.param(60_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kinds", [None, ("task", "other")], ids=["all kinds", "a worker's kinds"])
def test_a_transaction_that_pins_the_past_for_minutes_does_not_slow_the_queue_down(postgres_url, count, kinds):
    """Vacuum can remove nothing then, and a claim that steps over all that was claimed reads the square of it."""
    url = new_schema(postgres_url)
    queue = PostgresQueue(url, "postgresql://…")
    for some in batched(jobs(count), 100):  # as events come: what is put in at once is due at one moment
        queue.enqueue(some)
    with psycopg.connect(url) as pinned:
        pinned.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        pinned.execute("SELECT count(*) FROM relay_job")
        began = time.perf_counter()
        while got := queue.claim(40, kinds=kinds):
            queue.settle([(job, Done()) for job in got])
        took = time.perf_counter() - began
        queue.close()
        pinned.rollback()

    with psycopg.connect(url) as connection:
        query = (
            "SELECT idx_tup_read FROM pg_stat_user_indexes "
            "WHERE indexrelname = 'relay_job_ready' AND schemaname = current_schema()"
        )
        (read,) = connection.execute(query).fetchone()
    print(f"{count} jobs under a pinned xmin: {count / took:,.0f}/s, {read / count:.1f} index entries read for each")
    # A look from the very beginning each second, and each claim its own: not each claim all before it.
    assert read < count * (20 + 2 * took)


def test_a_worker_whose_clock_is_wrong_by_hours_takes_what_is_due_and_nothing_else(postgres_url, monkeypatch):
    rig = PostgresRig(new_schema(postgres_url))
    queue = rig.open()
    queue.enqueue([NewJob("q", "now", "task"), NewJob("q", "later", "task", delay=3600)])

    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert [job.key for job in rig.open().claim(10)] == ["now"]
    assert rig.open().claim(10) == ()
    rig.close()


# HTTP.


@pytest.mark.parametrize(("count", "threads"), [(300, 8), pytest.param(30_000, 16, marks=pytest.mark.slow)])
def test_events_by_the_hundred_a_second_are_all_in_the_queue(tmp_path, count, threads, monkeypatch):
    from bucketrelay_emulators.local_clouds import local_clouds
    from jobs.test_serve import records, start
    from jobs.world import World as Configured

    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    with local_clouds() as clouds:
        world = Configured(tmp_path, clouds["s3"])
    process, url = start(world)

    def post(numbers):
        with httpx.Client(base_url=url, timeout=60, trust_env=False, verify=False) as client:
            return sum(client.post("/events", json=records(f"{n:06}")).status_code == 202 for n in numbers)

    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        accepted = sum(pool.map(post, [range(n, count, threads) for n in range(threads)]))
    took = time.perf_counter() - began
    process.kill()
    process.communicate(timeout=30)

    print(f"{count} events in {took:.1f} s: {count / took:.0f}/s")
    with world.queue() as queue:
        waiting = {name: counts.pending for name, counts in queue.queues().items()}
        assert (accepted, waiting) == (count, {"photos to mirror": count})
