"""Heartbeats: a small object through every route that has `probe`, so that a quiet route is told from a broken one.

It is written to the route's source and takes the road of every other object there: the event, the function or the
worker, the target. How long it takes to be at each target, and after its removal to be gone there, is kept in
`reports/heartbeats.py`. Whoever comes next goes on with one that is under way; one that has not come through when the
next is due is given up. The next one's object takes the place of what it left.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from bucketrelay.core.pair import link
from bucketrelay.deadline import Deadline
from bucketrelay.errors import OutOfTime, RelayError
from bucketrelay.model import Deletes, Meta, ObjectInfo
from bucketrelay.reports.heartbeats import Heartbeat, HeartbeatMarks, Open, Pulse
from bucketrelay.routes import Route
from bucketrelay.routes.probes import probe_key
from bucketrelay.store import Store
from bucketrelay.system import System
from bucketrelay.values import dataclass, field

PATIENCE = 20.0  # seconds for which one call watches what is under way; the rest is seen by the next
_FIRST, _LONGEST = 0.25, 1.0  # seconds between two looks
_PLAIN = Meta(content_type="text/plain")


def heartbeats(system: System, deadline: Deadline, *, patience: float = PATIENCE) -> list[str]:
    """Begin the heartbeats that are due, and watch all that are under way; returns what went wrong, a line each.

    Args:
        patience: seconds to watch at most.
    """
    problems: list[str] = []
    hearts = [heart for route in system.routes if route.probe and (heart := _heart(system, route, problems))]
    waiting, pause, waited = hearts, _FIRST, 0.0
    while waiting := [heart for heart in waiting if not heart.look(problems)]:
        if waited >= patience or deadline.remaining() <= pause:
            break
        system.sleep(pause)
        waited, pause = waited + pause, min(2 * pause, _LONGEST)
    for heart in hearts:
        heart.keep(problems)
    return problems


def _heart(system: System, route: Route, problems: list[str]) -> "Heart | None":
    kept = HeartbeatMarks(system.log())
    try:
        pulse, now = kept.read(route.name), system.now()
        due = pulse.begun is None or (now - pulse.begun).total_seconds() >= route.probe
        if system.rests(route.name):
            if due and (pulse.rested is None or (now - pulse.rested).total_seconds() >= route.probe):
                pulse.rested = now
                kept.write(route.name, pulse)
            return None
        heart = Heart(route, {name: system.store(name) for name in _stores(route)}, kept, pulse, system.now)
        if due and not heart.begin():
            return None
    except RelayError as error:
        problems.append(f"heartbeat of route {route.name}: {error}")
        return None
    return heart if pulse.open else None


def _stores(route: Route) -> Sequence[str]:
    return (route.source_store, *route.targets)


@dataclass(slots=True)
class Heart:
    """One route's: what is kept of it, and what it is about."""

    route: Route
    stores: Mapping[str, Store]
    kept: HeartbeatMarks
    pulse: Pulse
    now: Callable[[], datetime]
    _unseen: dict[str, datetime] = field(default_factory=dict)  # when it was last seen not to be at a target
    _troubles: dict[str, str] = field(default_factory=dict)  # the last error of a target
    _ended: bool = False

    def begin(self) -> bool:
        """Claim the next heartbeat, and write its object; False where another process has claimed it.

        Raises:
            RelayError: the source, or the log store, does not take it. A claim that was made comes to nothing then.
        """
        now, key = self.now(), probe_key(self.route)
        if self.pulse.open:
            self._give_up(self.pulse.open)
        old = self.pulse.key, self.pulse.target_key
        self.pulse.key, self.pulse.target_key = key, self.route.target_key(key)
        self.pulse.begun, self.pulse.open = now, Open(now)
        if not self.kept.write(self.route.name, self.pulse):
            return False
        if old[0] and old != (self.pulse.key, self.pulse.target_key):  # the route was changed
            self._clear(*old)
        if self._targets:
            body = f"bucketrelay: the heartbeat of route {self.route.name}, {now.isoformat()}; it goes by itself\n"
            self._source.put(key, body.encode(), _PLAIN)
        return True

    def look(self, problems: list[str]) -> bool:
        """See how far it has come; whether it has ended."""
        try:
            self._ended = self._ended or self._step()
        except RelayError as error:
            problems.append(f"heartbeat of route {self.route.name}: {error}")
            return True
        return self._ended

    def keep(self, problems: list[str]) -> None:
        """Write down how far it has come."""
        if self._ended:
            self.pulse.open = None
        problems += [f"heartbeat of route {self.route.name}: {trouble}" for trouble in self._troubles.values()]
        try:
            self.kept.write(self.route.name, self.pulse)
        except RelayError as error:
            problems.append(f"heartbeat of route {self.route.name}: {error}")

    @property
    def _source(self) -> Store:
        return self.stores[self.route.source_store]

    @property
    def _targets(self) -> list[str]:
        return [name for name in self.route.targets if self.route.writes(name, self.pulse.target_key)]

    def _step(self) -> bool:
        opened = self.pulse.open
        if opened is None:
            return True
        if opened.removed is None:
            probe = self._source.look(self.pulse.key)
            if probe is None:  # it was never written, or somebody has removed it: nothing can be measured
                self._clear(self.pulse.key, self.pulse.target_key)
                return True
            self._note_arrivals(opened, probe)
            waited = (self.now() - opened.begun).total_seconds()
            # One target that is broken costs the others nothing: half of the time belongs to the removal.
            if len(opened.created) < len(self._targets) and waited < self.route.probe / 2:
                return False
            self._source.delete(self.pulse.key)
            opened.removed = self.now()
        return self._note_removals(opened, opened.removed)

    def _note_arrivals(self, opened: Open, probe: ObjectInfo) -> None:
        """Note the targets at which it is now."""

        def see(name: str) -> None:
            copy, now = self._at(name), self.now()
            ends = link(self._source, self.pulse.key, self.stores[name], self.pulse.target_key)
            stamp = ends.of_target(copy)
            if copy and stamp and stamp.describes(probe):
                opened.created[name] = self._after(opened.begun, copy, self._unseen.get(name, opened.begun), now)
            else:
                self._unseen[name] = now

        self._each([name for name in self._targets if name not in opened.created], see)

    def _after(self, begun: datetime, copy: ObjectInfo, unseen: datetime, now: datetime) -> float:
        """Seconds until it was there: as the target's clock says, between what we have seen by ours."""
        written = min(max(copy.modified, unseen), now) if copy.modified else now
        return round(max(0.0, (written - begun).total_seconds()), 3)

    def _note_removals(self, opened: Open, removed: datetime) -> bool:
        """Note the targets from which it has gone, where the route follows deletes; elsewhere, remove it there."""
        follows = self.route.deletes is Deletes.FOLLOW

        def see(name: str) -> None:
            copy = self._at(name)
            if copy and follows:
                return
            if copy:
                self.stores[name].delete(self.pulse.target_key, expect=copy)
            gone = round((self.now() - removed).total_seconds(), 3) if follows else None
            self.pulse.last[name] = Heartbeat(opened.begun, opened.created.pop(name), gone)

        self._each(list(opened.created), see)
        return not opened.created

    def _each(self, names: Sequence[str], see: Callable[[str], None]) -> None:
        """Do it for each of these targets; what is wrong with one costs the others nothing."""
        for name in names:
            try:
                see(name)
            except OutOfTime:
                raise
            except RelayError as error:
                self._troubles[name] = str(error)

    def _give_up(self, opened: Open) -> None:
        """The next one is due: what of this one came through counts, the rest is not waited for any longer."""
        if opened.removed:
            self._note_removals(opened, opened.removed)
            return
        if probe := self._source.look(self.pulse.key):
            self._note_arrivals(opened, probe)
        for name, seconds in opened.created.items():  # nobody was there to remove it: that was not measured
            self.pulse.last[name] = Heartbeat(opened.begun, seconds, None)

    def _at(self, name: str) -> ObjectInfo | None:
        return self.stores[name].look(self.pulse.target_key)

    def _clear(self, key: str, target_key: str) -> None:
        """Remove what lies about under names that are in use no more, or is a copy of what is gone."""
        if (key, target_key) != (self.pulse.key, self.pulse.target_key):
            self._source.delete(key)
        for name in self.route.targets:
            copy = self.stores[name].look(target_key)
            if copy and self._is_copy(name, key, target_key, copy):
                self.stores[name].delete(target_key, expect=copy)

    def _is_copy(self, name: str, key: str, target_key: str, info: ObjectInfo) -> bool:
        return link(self._source, key, self.stores[name], target_key).of_target(info) is not None
