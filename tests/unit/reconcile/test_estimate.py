"""What a backfill will take is what the servers count when it is done."""

import json
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from bucketrelay import config, wiring
from bucketrelay.cli import cli
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.reconcile import order
from bucketrelay.drivers.reconcile.estimate import Estimate, backfill, day
from bucketrelay.drivers.reconcile.rehearsal import Rehearsal
from bucketrelay.drivers.reconcile.run import Reconciliation
from bucketrelay.drivers.reconcile.ways import RunAtOnce
from bucketrelay.model import Outcome, Result
from bucketrelay.reports.prices import PRICES, Prices, read_prices
from bucketrelay.store import GiB, MiB
from bucketrelay.testing.memory import MemoryStore
from bucketrelay_emulators.local_clouds import local_obs, local_oci, store_table

NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def clouds():
    with ExitStack() as held:
        yield {"obs": held.enter_context(local_obs()), "oci": held.enter_context(local_oci())}


class World:
    """A route from a bucket of one cloud to one of the other, whose servers count requests."""

    def __init__(self, clouds, source, target, name):
        self.clouds, self.source, self.target = clouds, source, target
        self.buckets = {role: f"{name}-{role}" for role in ("source", "target", "log")}
        self.at = {"source": clouds[source], "target": clouds[target], "log": clouds["oci"]}
        for role, bucket in self.buckets.items():
            self.at[role].create(bucket)
        stores = "".join(store_table(role, self.at[role], bucket) for role, bucket in self.buckets.items())
        route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\ndeletes = "follow"\n'
        self.toml = f'log = "log"\n{stores}{route}[limits]\npart_size = "5MiB"\n'

    def system(self):
        return closing(wiring.system(config.load(self.toml, {}), emit=lambda _: None))

    def counted(self):
        """How many requests the servers have had, by bucket."""
        seen = {id(cloud): cloud.emulator.requests for cloud in self.clouds.values()}
        return Counter(request.bucket for requests in seen.values() for request in requests)


@pytest.mark.parametrize("small", [100, pytest.param(400, marks=pytest.mark.slow)])
def test_the_estimate_is_within_two_percent_of_what_the_servers_count(clouds, small):
    for source, target in (("obs", "oci"), ("oci", "obs")):
        world = World(clouds, source, target, f"near-{source}-{small}")
        for number in range(small):
            world.at["source"].write(world.buckets["source"], f"small/{number:04}", b"x")
        world.at["source"].write(world.buckets["source"], "large", b"x" * (16 * MiB))
        world.at["target"].write(world.buckets["target"], "small/0007", b"somebody else's")

        with world.system() as system:
            wish = order.wish(system, "r")
            found = next(iter(backfill(wish, order.world(system), 5 * MiB)))
            before = world.counted()
            repair = RunAtOnce(system, "test")
            work = Reconciliation(replace(wish, repair=repair, way="run"), order.world(system), Deadline())
            work.begin()
            books = work.run()

        real = {role: world.counted()[name] - before[name] for role, name in world.buckets.items()}
        told = {role: sum(n for (side, _), n in found.requests.items() if side == role) for role in real}
        assert books[0].counts.repaired == found.copies == small + 1
        assert found.bytes == small + 16 * MiB
        assert abs(found.requests.total() - sum(real.values())) <= 0.02 * sum(real.values()), (told, real)


@pytest.mark.parametrize(
    ("size", "writes", "reads"), [(1, 1, 2), (8 * MiB, 1, 2), (8 * MiB + 1, 4, 4), (80 * MiB, 12, 12)]
)
def test_an_object_in_parts_takes_a_read_and_a_write_for_each(size, writes, reads):
    rehearsal = Rehearsal(MemoryStore(), MemoryStore(conditional=False), MemoryStore(), 8 * MiB)

    requests = rehearsal.cost_of_copy(size)

    assert (requests["target", "write"], requests["source", "read"]) == (writes, reads)


def test_what_is_right_already_takes_two_looks():
    rehearsal = Rehearsal(MemoryStore(), MemoryStore(), MemoryStore(), 8 * MiB)

    assert rehearsal.cost_of_look() == {("source", "read"): 1, ("target", "read"): 1}


def test_a_day_like_the_last_is_its_tasks_and_its_lists():
    results = [told(Outcome.COPIED, 10), told(Outcome.COPIED, 10), told(Outcome.DELETED), told(Outcome.UNCHANGED)]

    found = day(results, 3, "r", "t", (MemoryStore(), MemoryStore(), MemoryStore()), 8 * MiB)

    assert (found.copies, found.deletes, found.unchanged, found.bytes) == (2, 1, 1, 20)
    assert found.requests["target", "write"] == 2
    assert found.requests["target", "delete"] == 1
    assert found.requests["log", "write"] >= 3


def told(outcome, size=0):
    return Result("r", "c", "created", "s3://a/k", "s3://b/k", "k", outcome, NOW, bytes=size)


def test_bytes_are_paid_for_where_they_leave_the_cloud():
    found = Estimate("r", "t", bytes=GiB, requests=Counter({("source", "read"): 10_000, ("target", "write"): 1000}))
    prices = {"s3": Prices(write=5.0, read=1.0, out=0.09), "oci": Prices(write=2.0, read=1.0, out=0.01)}

    inside = found.money({"source": "s3", "target": "s3", "log": "s3"}, prices)
    across = found.money({"source": "s3", "target": "oci", "log": "s3"}, prices)

    assert inside == (pytest.approx(15.0), ())
    assert across == (pytest.approx(12.09), ())


def test_a_price_that_is_not_known_is_named():
    found = Estimate("r", "t", requests=Counter({("source", "read"): 1, ("target", "write"): 1000}))

    money, unknown = found.money({"source": "s3", "target": "obs", "log": "s3"}, PRICES)

    assert unknown == ("obs",)
    assert money == pytest.approx(0.0004 / 1000)


@pytest.mark.parametrize(
    ("text", "words"),
    [({"s3": 1}, "no section"), ({"s3": {"puts": 1.0}}, "no price"), ({"s3": {"write": "x"}}, "no number")],
)
def test_prices_that_cannot_be_read_are_refused(text, words):
    with pytest.raises((TypeError, ValueError), match=words):
        read_prices(text)


def test_the_command_says_it_without_writing(tmp_path, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("source", "target", "log"):
        (tmp_path / name).mkdir()
    stores = "".join(f'[stores.{name}]\nurl = "file://{tmp_path}/{name}"\n' for name in ("source", "target", "log"))
    route = '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
    (tmp_path / "relay.toml").write_text(f'log = "log"\n{stores}{route}')
    (tmp_path / "ours.toml").write_text("[file]\nwrite = 1000.0\nread = 0.0\nlist = 0.0\ndelete = 0.0\n")
    (tmp_path / "source" / "k").write_bytes(b"12345")

    done = CliRunner().invoke(cli, ["estimate", "r", "--json", "--prices", "ours.toml"])
    last = CliRunner().invoke(cli, ["estimate", "r", "--day", "--json"])
    wrong = CliRunner().invoke(cli, ["estimate", "r", "--prices", "none.toml"])

    line = json.loads(done.stdout)
    assert (line["copies"], line["bytes"], line["requests"]["target"]["write"]) == (1, 5, 1)
    assert line["dollars"] == line["requests"]["target"]["write"] + line["requests"]["log"]["write"]
    assert json.loads(last.stdout)["copies"] == 0
    assert (wrong.exit_code, "none.toml" in wrong.stderr) == (2, True)
    assert not list((tmp_path / "log").iterdir())
