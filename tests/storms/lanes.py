"""The routes that storms go over: one way, and such as meet. Each storm writes below its lane's name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from storms.changes import ENDS, SOURCE

WEST, EAST = ENDS


class End(NamedTuple):
    """A bucket that users write."""

    cloud: str
    bucket: str

    @property
    def store(self) -> str:
        """Its name in the configuration."""
        return f"{self.bucket.partition('-')[0]}-{self.cloud}"


@dataclass(frozen=True)
class Lane:
    """A route: the storms of a lane write below its name, and compare with all of its targets."""

    source: str
    targets: tuple[str, ...]
    deletes: str = "follow"
    replayed: bool = False  # events are given a few times only; the rest is for `bucketrelay replay`

    @property
    def name(self) -> str:
        kind = "replayed" if self.replayed else self.deletes
        return f"{self.source}-to-{'-and-'.join(self.targets)}-{kind}"

    @property
    def writers(self) -> tuple[End, ...]:
        """Where users write."""
        return (End(self.source, SOURCE),)


@dataclass(frozen=True)
class Meeting:
    """Several routes for the same keys.

    Args:
        kind: facing, ring: all ends end the same. shared: many to one. diamond: one to two, and both to a fourth.
        ways: from where to where; each is a route.
        shared: the end into which the routes are shared.
    """

    kind: str
    ways: tuple[tuple[End, End], ...]
    writers: tuple[End, ...]
    deletes: str = "follow"
    shared: End | None = None
    replayed: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}-{'-'.join(end.store for end in self.ends)}-{self.deletes}"

    @property
    def ends(self) -> tuple[End, ...]:
        """All, in the order of the ways."""
        return tuple(dict.fromkeys(end for way in self.ways for end in way))

    @property
    def targets(self) -> tuple[str, ...]:
        """The clouds of the ends that are written by routes."""
        return tuple(dict.fromkeys(target.cloud for _, target in self.ways))

    @property
    def source(self) -> str:
        """The cloud of the first writer."""
        return self.writers[0].cloud


def lanes(clouds: Sequence[str]) -> list[Lane]:
    """From each cloud to each one, to each two, and one that keeps what is deleted, and one that is replayed."""
    found = []
    for number, source in enumerate(clouds):
        found += [Lane(source, (target,)) for target in clouds]
        found += [Lane(source, pair) for pair in combinations(clouds, 2)]
        other = clouds[(number + 1) % len(clouds)]
        found += [Lane(source, (other,), deletes="keep"), Lane(source, tuple(clouds[-2:]), replayed=True)]
    return found


def meetings(clouds: Sequence[str]) -> list[Meeting]:
    """Facing routes between all clouds and within each, both rings of three, many to one, diamonds; keep and follow."""
    found = list(_facing(clouds))
    if len(clouds) > 2:
        for order in (tuple(clouds[:3]), tuple(reversed(clouds[:3]))):
            ends = tuple(End(cloud, WEST) for cloud in order)
            ways = tuple(zip(ends, (*ends[1:], ends[0]), strict=True))
            found += [Meeting("ring", ways, ends, deletes) for deletes in ("keep", "follow")]
        found += list(_into_one(clouds))
    return found


def _facing(clouds: Sequence[str]) -> Iterator[Meeting]:
    pairs = [(End(one, WEST), End(other, WEST)) for one, other in combinations(clouds, 2)]
    for one, other in pairs:
        for deletes in ("keep", "follow"):
            yield Meeting("facing", ((one, other), (other, one)), (one, other), deletes)
    for cloud in clouds:
        one, other = End(cloud, WEST), End(cloud, EAST)
        yield Meeting("facing", ((one, other), (other, one)), (one, other))


def _into_one(clouds: Sequence[str]) -> Iterator[Meeting]:
    for number, cloud in enumerate(clouds):
        one, other = (clouds[(number + step) % len(clouds)] for step in (1, 2))
        top, left, right, into = End(cloud, WEST), End(one, WEST), End(other, WEST), End(cloud, EAST)
        both = ((left, into), (right, into))
        for deletes in ("keep", "follow"):
            yield Meeting("shared", both, (left, right), deletes, shared=into)
        yield Meeting("diamond", ((top, left), (top, right), *both), (top, left), shared=into)
