"""One poisoned object among ten thousand, one store that hangs among several: the others notice nothing of it."""

import itertools
import re
import threading
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest

from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.core.budget import OVERHEAD, Budget
from bucketrelay.core.checkpoints import LogCheckpoints
from bucketrelay.core.converge import Converge
from bucketrelay.core.delete_fuse import Fuse
from bucketrelay.core.resources import Resources
from bucketrelay.core.results import Results
from bucketrelay.core.run import Runner
from bucketrelay.deadline import Deadline
from bucketrelay.drivers import function as entry
from bucketrelay.drivers.answers import TasksFailed
from bucketrelay.errors import Damaged, StoreRefused, StoreUnavailable
from bucketrelay.model import Address, Meta, Outcome, Task
from bucketrelay.reports import lists
from bucketrelay.routes import Route
from bucketrelay.store import Abilities, Store
from bucketrelay.system import System
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator
from bucketrelay_emulators.proxy import FaultProxy
from fakes import OneByOne

PART = 8  # bytes
POISONED = "in/4711 poisoned.bin"


def now():
    return datetime(2026, 11, 21, 9, tzinfo=timezone.utc)


@dataclass
class World:
    """Stores by name, and the real core between them."""

    stores: dict[str, Store]
    threads: int = 8
    memory: int = 1 << 20  # bytes of objects at once
    log: MemoryStore = field(default_factory=lambda: MemoryStore(Address("s3", "log")))

    def __post_init__(self):
        self.budget = Budget(int(self.memory * OVERHEAD), self.threads)
        resources = Resources(PART, self.budget, LogCheckpoints(lambda: self.log))
        self.results = Results(self.urls, now)
        self.core = Converge(self.stores.__getitem__, resources, Fuse(lambda route, most, wanted: wanted), self.results)
        self.converge = self.core.one

    def urls(self, task):
        source, target = self.stores[task.source].address, self.stores[task.target].address
        return source.of(task.key), target.of(task.target_key)

    def runner(self, deliver=None):
        return Runner(OneByOne(deliver) if deliver else self.core, self.budget, self.results)

    def handle(self, keys):
        """What a function does with one payload that has an event for each key; `source` goes to all other stores."""
        targets = tuple(name for name in self.stores if name != "source")
        route = Route("all", Address("s3", "photos"), "source", targets)
        system = System((route,), self.runner(), lambda: self.log, lambda _: self.log, 0.0, now, lambda line: None)
        records = [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": "photos"}} | told(key),
            }
            for key in keys
        ]
        return entry.handle({"Records": records}, system, cloud="s3", seconds=600.0, invocation="i")

    def listed(self, folder):
        keys = [key for key in self.log.keys() if key.startswith(folder)]
        return [line for key in keys for line in lists.read(self.log, key)]


def told(key):
    return {"object": {"key": key.replace(" ", "+"), "size": 5}}


def names(count):
    return [f"in/{number}.bin" for number in range(count - 1)] + [POISONED]


@pytest.mark.slow
def test_of_ten_thousand_objects_one_is_poisoned_and_the_others_are_copied():
    world = World({"source": MemoryStore(Address("s3", "photos")), "copy": MemoryStore(Address("obs", "copy"))})
    for key in names(10_000):
        world.stores["source"].write(key, key.encode()[-5:])
    world.stores["source"].fail("fetch", StoreRefused(f"s3://photos/{POISONED}: 403"), times=ALWAYS, key=POISONED)
    report = world.handle(names(10_000))
    (failed,), done = world.listed(lists.FAILED), world.listed(lists.SUCCESS)

    assert (failed.key, failed.error) == (POISONED, f"s3://photos/{POISONED}: 403")
    assert Counter(result.outcome for result in done) == {Outcome.COPIED: 9_999}
    assert sorted(world.stores["copy"].keys()) == sorted(set(names(10_000)) - {POISONED})
    with pytest.raises(TasksFailed, match="poisoned"):
        report.answer()


POISONS = {
    "fetch-refused": ("source", "fetch", StoreRefused("403")),
    "fetch-unavailable": ("source", "fetch", StoreUnavailable("503")),
    "fetch-damaged": ("source", "fetch", Damaged("cut")),
    "fetch-defect": ("source", "fetch", ZeroDivisionError("a defect")),
    "second-look-unavailable": ("source", "look", StoreUnavailable("503")),
    "look-defect": ("copy", "look", KeyError("etag")),
    "put-refused": ("copy", "put", StoreRefused("the object is too large")),
    "put-out-of-memory": ("copy", "put", MemoryError("a defect")),
}


@pytest.mark.parametrize("poison", POISONS)
def test_whatever_the_poison_is_it_is_in_the_failed_list_with_its_reason_and_the_others_are_copied(poison):
    world = World({"source": MemoryStore(Address("s3", "photos")), "copy": MemoryStore(conditional=False)})
    for key in names(300):
        world.stores["source"].write(key, b"12345")
    store, verb, error = POISONS[poison]
    world.stores[store].fail(verb, error, times=ALWAYS, key=POISONED)
    world.handle(names(300))
    (failed,) = world.listed(lists.FAILED)

    assert (failed.key, failed.outcome) == (POISONED, Outcome.FAILED)
    assert str(error) in failed.error
    assert len(world.listed(lists.SUCCESS)) == 299
    assert world.budget._free == world.budget._total


@pytest.fixture(scope="module")
def clouds():
    """OBS, as the source, behind a proxy; OCI as the target."""
    with ExitStack() as stack:
        obs, oracle = stack.enter_context(ObsEmulator()), stack.enter_context(OciEmulator())
        proxy = stack.enter_context(FaultProxy(obs.endpoint))
        obs.create_bucket("photos")
        oracle.create_bucket("copy")
        keys = {"access_key": obs.access_key, "secret_key": obs.secret_key}
        source = obs_store(Address("obs", "photos"), endpoint=proxy.endpoint, path_style=True, retries=0, **keys)
        place = Address("oci", "copy", oracle.namespace)
        target = oci_store(place, endpoint=oracle.endpoint, config_file=oracle.config_file, retries=0)
        stack.callback(source.close)
        stack.callback(target.close)
        yield obs, proxy, oracle, source, target


@pytest.mark.parametrize(
    ("count", "fault", "says"),
    [
        (100, Fault(key=POISONED, times=ALWAYS, status=403), r"AccessDenied \(403\)"),
        (30, Fault(key=POISONED, times=ALWAYS, kind="reset_before"), "hung up"),
        (30, Fault(key=POISONED, times=ALWAYS, kind="corrupt", operation="GetObject"), "another md5"),
    ],
    ids=["refused", "reset", "changed"],
)
def test_over_http_one_poisoned_object_among_many_is_the_only_one_that_fails(clouds, count, fault, says):
    obs, proxy, oracle, source, target = clouds
    world = World({"source": source, "copy": target}, threads=4)
    for key in names(count):
        obs.engine.bucket("photos").put(key, b"12345")
    proxy.faults.order(fault)
    world.handle(names(count))
    proxy.faults.clear()
    (failed,) = world.listed(lists.FAILED)
    copied = [obj.key for obj in oracle.bucket("copy").list()]
    for key in copied:
        target.delete(key)

    assert failed.key == POISONED
    assert re.search(says, failed.error)
    assert f"obs://photos/{POISONED}" in failed.error
    assert sorted(copied) == sorted(set(names(count)) - {POISONED})
    assert len(world.listed(lists.SUCCESS)) == count - 1


@contextmanager
def hanging(store, verb, reached=lambda: None):
    """Every request of the kind hangs, until the end of the block."""
    gate = threading.Event()

    def hang():
        reached()
        gate.wait()

    store.arrange(verb, hang, times=ALWAYS)
    try:
        yield
    finally:
        gate.set()


def before_it_is_let_go(world, tasks, down, patience=20.0):
    """How many of the tasks that are not *down* ended while those that are hung.

    Counted; *patience*, in seconds for one task of some microseconds, only ends a test that fails.
    """
    ended, others = threading.Semaphore(0), [task for task in tasks if not down(task)]

    def deliver(task, deadline):
        result = world.converge(task, deadline)
        if not down(task):
            ended.release()
        return result

    runner = threading.Thread(target=world.runner(deliver).run, args=(tasks, Deadline()))
    runner.start()
    count = sum(1 for _ in itertools.takewhile(bool, (ended.acquire(timeout=patience) for _ in others)))
    return count, len(others), runner


ORDERS = {
    "first": lambda tasks, down: sorted(tasks, key=lambda task: not down(task)),
    "last": lambda tasks, down: sorted(tasks, key=down),
    "mixed": lambda tasks, down: tasks,
}


def tasks_of(links, count):
    """Tasks from each source to each target, interleaved."""
    return [Task(f"{s}-{t}", s, str(n), t, f"{s}/{n}") for n in range(count) for s, t in links]


def stores(*named):
    made = {name: MemoryStore(Address("s3", name), abilities=Abilities(min_part=1)) for name in named}
    for name, store in made.items():
        if name.startswith("source"):
            for number in range(40):
                store.write(str(number), b"12345")
    return made


def isolated(world, tasks, down, store, verb, *, patience=20.0, **how):
    with hanging(world.stores[store], verb, **how):
        count, others, runner = before_it_is_let_go(world, tasks, down, patience)
    runner.join()
    assert count == others
    assert world.budget._free == world.budget._total


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("verb", ["look", "put"])
@pytest.mark.parametrize("threads", [2, 3, 16])
def test_a_target_that_hangs_holds_up_no_task_of_another(order, verb, threads):
    world = World(stores("source", "down", "b"), threads=threads)

    def down(task):
        return task.target == "down"

    tasks = ORDERS[order](tasks_of([("source", "down"), ("source", "b")], 40), down)
    isolated(world, tasks, down, "down", verb)


def test_a_large_object_that_hangs_in_its_parts_takes_no_more_than_the_targets_share():
    world = World(stores("source", "down", "b", "c"), threads=6)
    world.stores["source"].write("0", bytes(100))
    tasks = tasks_of([("source", "down"), ("source", "b"), ("source", "c")], 40)
    tasks.sort(key=lambda task: task.target != "down")
    isolated(world, tasks, lambda task: task.target == "down", "down", "put_part")


def test_a_target_that_hangs_holds_up_no_task_of_another_where_memory_is_short():
    world = World(stores("source", "down", "b"), threads=4, memory=2 * PART)
    tasks = tasks_of([("source", "down"), ("source", "b")], 40)
    count, hung = itertools.count(1), threading.Event()
    # The others begin when both threads of the target that is down hang, with objects in memory; if they ever do.
    world.stores["b"].arrange("look", lambda: hung.wait(0.05), times=ALWAYS)

    def reached():
        if next(count) == 2:
            hung.set()

    isolated(world, tasks, lambda task: task.target == "down", "down", "put", patience=2.0, reached=reached)


def test_a_source_that_hangs_holds_up_no_task_of_another_route_to_the_same_target():
    world = World(stores("source", "source-down", "b"), threads=4)
    tasks = tasks_of([("source-down", "b"), ("source", "b")], 40)
    isolated(world, tasks, lambda task: task.source == "source-down", "source-down", "fetch", patience=2.0)


def test_a_target_that_refuses_everything_costs_the_others_nothing():
    world = World(stores("source", "down", "b"), threads=2)
    world.stores["down"].drop_bucket()
    results = world.runner().run(tasks_of([("source", "down"), ("source", "b")], 40), Deadline())

    assert Counter((result.target.split("/")[2], result.outcome) for result in results) == {
        ("down", Outcome.FAILED): 40,
        ("b", Outcome.COPIED): 40,
    }


def test_a_task_that_hangs_holds_up_one_thread_of_its_own_target():
    world = World(stores("source", "b"), threads=2)
    gate = threading.Event()
    world.stores["b"].arrange("put", gate.wait, key="source/0")
    tasks = tasks_of([("source", "b")], 40)
    count, others, runner = before_it_is_let_go(world, tasks, lambda task: task.key == "0")
    gate.set()
    runner.join()

    assert (count, others) == (39, 39)


def test_metadata_that_no_header_can_hold_poisons_its_own_object_alone():
    world = World({"source": MemoryStore(), "copy": MemoryStore()})
    for key in names(50):
        world.stores["source"].write(key, b"12345", Meta(user={"n": "\n" * (key == POISONED) or "plain"}))
    world.handle(names(50))

    assert len(world.listed(lists.SUCCESS)) == 50
    assert [r.key for r in world.listed(lists.SUCCESS) if r.degraded] == [POISONED]
