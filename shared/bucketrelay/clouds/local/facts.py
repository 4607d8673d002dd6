"""Local directories, as data: they have no options of their own, and the file system's permissions."""

from bucketrelay.clouds.facts import Facts
from bucketrelay.store import Abilities, GiB, KiB

ABILITIES = Abilities(
    user_bytes=64 * KiB,
    streams=True,
    consistent=True,
    min_part=1,
    max_part=16 * 1024 * GiB,
    max_object=16 * 1024 * GiB,
)
FACTS = Facts("file", "a local directory", "file:///directory", ABILITIES, instead_of_keys="remove it")
