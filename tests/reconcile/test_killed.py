"""A process that is killed with SIGKILL at any write of its bookmark leaves the same books as one that is not."""

import json
import subprocess

import pytest

from bucketrelay_emulators.engine.faults import Fault

COUNT = 3500


def _fill(world):
    """Straight into the servers' directories; a tenth is missing at the target, some keys are nobody's."""
    for n in range(COUNT):
        (world.where["source"] / f"k{n:05}").write_bytes(b"%d" % n)
        if n % 10:
            (world.where["target"] / f"k{n:05}").write_bytes(b"%d" % n)
    (world.where["target"] / "k00001-else").write_bytes(b"1")


def _plain(book):
    return {name: value for name, value in book.items() if name not in ("time", "seconds")}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("words", [("--check", "--depth", "listing"), ("--depth", "listing")], ids=["check", "repair"])
def test_killed_at_any_page_and_run_again_the_books_are_the_same(world, words):
    _fill(world)
    killed = number = 0
    out = err = b""
    while not out and number < 30:
        number += 1
        # The first or second write of a bookmark is the last thing that this process does.
        held = []
        world.proxy.faults.order(
            Fault(kind="act", method="PUT", key="*bookmark*", skip=number % 2, act=lambda held=held: held[0].kill())
        )
        command = world.command("reconcile", "r", "--json", *words)
        with subprocess.Popen(command, env=world.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            held.append(process)
            out, err = process.communicate()
        world.proxy.faults.clear()
        killed += process.returncode < 0  # else its end, or a server that was too slow: that is an end like any other
    assert killed >= 4, (out, err)
    book = json.loads(out)
    assert (book["source_objects"], book["target_objects"]) == (COUNT, COUNT - COUNT // 10 + 1)
    assert (book["missing"], book["right"], book["kept"], book["failed"]) == (COUNT // 10, COUNT - COUNT // 10, 1, 0)
    assert book["complete"]
    if "--check" not in words:
        assert book["repaired"] == COUNT // 10
        assert world.book("--check", "--depth", "listing")[1] == 0
    (folder,) = {path.parent for path in world.books()} if "--check" in words else {world.books()[0].parent}
    lines = [json.loads(line) for line in (folder / "missing.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == [f"k{n:05}" for n in range(0, COUNT, 10)]
