"""What routes that meet must end with: the newest write at all ends, by the product's order; deletes as agreed.

The order of two users' writes is the second by their stores' clocks; of one second, any of them (the contract goes on
with a digest, which is the product's own). Excused, and counted, is what docs/security.md says can be lost: a user's
own write that falls between a look and a write on a store that knows no conditional writes, or one that left the ETag
as it was, which is what conditions compare.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from storms.changes import bare
from storms.course import Course, Version
from storms.lanes import End, Meeting
from storms.world import World

Dumps = Mapping[End, Mapping[str, Any]]
LOST = "lost between look and write, as documented"


def dumps(world: World) -> Dumps:
    """What all ends hold, without our stamps."""
    ends = dict.fromkeys(end for meeting in world.meetings for end in meeting.ends)
    held = {end: world.remotes[end.cloud].call("dump", end.bucket) for end in ends}
    return {end: {key: bare(state) for key, state in dump.items()} for end, dump in held.items()}


def differences(world: World, courses: Sequence[Course], held: Dumps, counts: Counter[str]) -> list[str]:
    """What is wrong with the ends of the storms that met, a line for each key."""
    found = []
    for course in courses:
        found += course.broken
        if course.restless:
            found.append(f"{course.plan.name}/ goes on by itself: {course.events} events")
        if isinstance(course.plan.lane, Meeting):
            for key in sorted({write.key for write in course.plan.writes}):
                look = _Look(course, key, {end: held[end].get(key) for end in course.plan.lane.ends}, world.words)
                counts[f"storms, {course.plan.lane.kind}"] += 1
                counts[LOST] += look.excused
                found += [f"{key!r}: {words}: {look.held}" for words in look.complaints()]
    return found


class _Look:
    """One key, as all ends hold it at rest."""

    def __init__(self, course: Course, key: str, held: Mapping[End, Any], words: Sequence[str]) -> None:
        self.held, self._words = held, words
        assert isinstance(course.plan.lane, Meeting)
        self._meeting: Meeting = course.plan.lane
        self._versions = [version for version in course.versions.values() if version.key == key]
        self._deletes = [(end, second) for name, end, second in course.deletes if name == key]
        self._large = any(write.size > 5 << 20 for write in course.plan.writes)

    def complaints(self) -> Iterator[str]:
        """What is wrong."""
        for end, state in self.held.items():
            if state and state not in [version.state for version in self._versions]:
                yield f"{end.store} holds what nobody wrote"
        if self._meeting.kind in ("facing", "ring"):
            yield from self._of_circle()
        elif self._meeting.kind == "shared":
            yield from self._of_shared([source for source, _ in self._meeting.ways])
        else:
            yield from self._of_diamond()

    # All ends alike.

    def _of_circle(self) -> Iterator[str]:
        present = [state for state in self.held.values() if state]
        gap = len(present) < len(self.held) and self._meeting.kind == "ring"  # nothing is carried across it
        if not self._alike and not gap:
            yield "the ends differ"
        elif len(present) < len(self.held) and not self._deletes:
            yield "an end is missing"
        elif not self._is_newest() and not self._may_be_lost():
            yield f"the newest write is not everywhere: {self._newest()}"

    @property
    def excused(self) -> bool:
        """Whether the newest write was lost, and may be."""
        circle = self._meeting.kind in ("facing", "ring")
        return circle and self._alike and not self._is_newest() and self._may_be_lost()

    @property
    def _alike(self) -> bool:
        present = [state for state in self.held.values() if state]
        return all(state == present[0] for state in present)

    def _newest(self) -> list[Version]:
        last = max((version.second for version in self._versions), default=0)
        return [version for version in self._versions if version.second == last]

    def _is_newest(self) -> bool:
        """Whether all ends hold the newest write; or some of them what they like, as it was deleted afterwards."""
        newest = self._newest()
        if not newest or any(second >= newest[0].second for _, second in self._deletes):
            return True
        return all(state in [version.state for version in newest] for state in self.held.values())

    def _may_be_lost(self) -> bool:
        return any(
            version.end.cloud == "obs"
            or (version.deed in ("meta", "edit") and version.end.cloud == "s3")
            or ("moto" in self._words and version.end.cloud == "s3" and (self._large or bool(self._deletes)))
            for version in self._newest()
        )

    # Many to one.

    def _of_shared(self, sources: Sequence[End]) -> Iterator[str]:
        present = [self.held[end] for end in sources if self.held[end]]
        into = self.held[self._meeting.shared] if self._meeting.shared else None
        if len(present) == len(sources):
            if into not in self._newest_of(present):
                yield "the shared target is not the newest of its sources"
        elif self._meeting.deletes == "follow" and into and into not in present:
            yield "the shared target holds what no source has"

    def _newest_of(self, states: Sequence[Any]) -> list[Any]:
        seconds = [max((v.second for v in self._versions if v.state == state), default=0) for state in states]
        return [state for state, second in zip(states, seconds, strict=True) if second == max(seconds)]

    # One to two, and both to a fourth.

    def _of_diamond(self) -> Iterator[str]:
        (top, left), (_, right) = self._meeting.ways[:2]
        if self.held[right] != self.held[top]:
            yield f"{right.store} is not as {top.store}"
        own = [version for version in self._versions if version.end == left]
        last = own[-1] if own else None  # in the order of their events, which tells more than their seconds
        allowed = [self.held[top], *([last.state] if last else [])]
        gone = any(end == left for end, _ in self._deletes)
        if self.held[left] not in allowed and not (gone and self.held[left] is None):
            yield f"{left.store} is neither as {top.store} nor as its own user left it"
        yield from self._of_shared([left, right])
