"""A task that was overtaken: a newer one has written the target between its look and its write.

Where the target enforces conditions, the older task must not have the last word, not even for a moment.
"""

import pytest

from bucketrelay.errors import CannotCopy
from bucketrelay.model import Address, Meta, Outcome
from bucketrelay.store import Abilities
from bucketrelay.testing.memory import MemoryStore

OLDEST, OLD, NEW = b"12345", b"54321", b"newer"
LARGE = bytes(range(100))

pytestmark = pytest.mark.parametrize("conditional", [True], ids=["conditional"])


def overtaken(world, verb, newer):
    """Whatever our next *verb* of the target wants to do: before, the source changes and another task copies it.

    Returns what the target holds after each *verb* from then on.
    """
    seen = []

    def overtake():
        world.source.write("k", newer)
        assert world.run().outcome is Outcome.COPIED
        world.target.arrange(verb, lambda: seen.append(world.target.body("k")), times=99, after=True)

    world.target.arrange(verb, overtake)
    return seen


@pytest.mark.parametrize("copied", [True, False], ids=["overwritten", "created"])
@pytest.mark.parametrize(
    ("verb", "old", "new"),
    [("put", OLD, NEW), ("commit", LARGE, NEW), ("commit", LARGE, LARGE[::-1])],
    ids=["whole", "parts, then whole", "parts"],
)
def test_an_older_copy_does_not_replace_a_newer_one(world, verb, old, new, copied):
    world.target._abilities = Abilities(min_part=1, streams=True)
    if copied:
        world.source.write("k", OLDEST)
        world.run()
    world.source.write("k", old)
    seen = overtaken(world, verb, new)
    result = world.run()

    assert result.outcome is Outcome.UNCHANGED
    assert seen == []
    assert world.target.body("k") == new
    assert list(world.target.uploads()) == []


@pytest.fixture
def by_server(world):
    some = Abilities(min_part=1, streams=True, creates_once=True)
    world.target = MemoryStore(Address("s3", "target"), now=world.now, copies=True, abilities=some)
    return world


class Keeping(MemoryStore):
    """Its old versions can still be copied, so that nothing but the condition is in the way of an old one."""

    def write(self, key, body=b"", meta=None):
        info = super().write(key, body, meta)
        self.__dict__.setdefault("versions", {})[info.etag] = self.bucket.objects[key]
        return info

    def version(self, info, verb=""):
        return self.versions[info.etag]


@pytest.mark.parametrize("copied", [True, False], ids=["overwritten", "created"])
def test_nor_does_an_older_copy_by_the_server(by_server, copied):
    world = by_server
    world.source = Keeping(world.source.address, now=world.now)
    if copied:
        world.source.write("k", OLDEST)
        world.run()
    world.source.write("k", OLD)
    seen = overtaken(world, "copy_from", NEW)

    assert world.run().outcome is Outcome.UNCHANGED
    assert seen == []
    assert world.target.body("k") == NEW


def test_nor_does_a_delete_remove_the_copy_of_an_object_that_was_created_again(world):
    world.source.write("k", OLD)
    world.run()
    world.source.remove("k")
    deleted = []

    def overtake():
        world.source.write("k", NEW)
        assert world.run().outcome is Outcome.COPIED
        world.target.arrange("delete", lambda: deleted.append("k"), after=True)

    world.target.arrange("delete", overtake)

    assert world.run().outcome is Outcome.UNCHANGED
    assert deleted == []
    assert world.target.body("k") == NEW


def test_what_the_server_would_not_copy_is_carried_with_the_metadata_of_its_own_bytes(by_server):
    world, seen = by_server, []
    world.source.write("k", OLD, Meta(user={"v": "old"}))

    def refuse():
        world.source.write("k", NEW, Meta(user={"v": "new"}))
        raise CannotCopy("403")

    world.target.arrange("copy_from", refuse)
    world.target.arrange("put", lambda: seen.append(world.target.info("k").meta.user["v"]), times=99, after=True)

    assert world.run().outcome is Outcome.COPIED
    assert seen == ["new"]
    assert world.target.body("k") == NEW
