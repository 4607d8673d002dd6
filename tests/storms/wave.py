"""Many storms at once, until nothing of any of them is left to be delivered."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from storms.clock import Clock
from storms.course import Course
from storms.house import keep_house
from storms.plan import storm
from storms.shapes import Message
from storms.weather import LOG, storm_of
from storms.world import World

WRITERS = 4  # threads that write
QUIET = 0.5  # seconds
PATIENCE = 900.0  # seconds without the end of a single storm: something hangs, however busy the machine is


class NeverEnds(Exception):
    """A storm did not come to rest."""


class Wave:
    """The storms of some seeds, *most* at once; with *meeting*, only over routes that meet."""

    def __init__(self, world: World, most: int, *, meeting: bool = False) -> None:
        self._world, self._most = world, most
        self._lanes = (*(() if meeting else world.lanes), *world.meetings)
        self.courses: dict[str, Course] = {}  # by the storm's name
        self._free = threading.Semaphore(most)

    def run(self, seeds: Sequence[int]) -> None:
        """Returns when all are over, what was given up has been replayed, and a schedule has come by.

        Raises:
            NeverEnds: a storm's events fail for minutes on end, or work goes on by itself.
        """
        self._world.event, self._world.ended = self._told, self._message_ended
        with Clock() as clock, ThreadPoolExecutor(WRITERS) as pool:
            for seed in seeds:
                self._place()
                plan = storm(seed, self._lanes)
                self._world.posts[plan.lane.source].await_calm(1, PATIENCE)
                course = Course(plan, self._world, clock, pool, self._over)
                self.courses[course.plan.name] = course
                course.start()
            for _ in range(self._most):
                self._place()
        for remote in self._world.remotes.values():
            remote.call("calm", LOG)
        self._replay()
        self._world.housekeeping.update(keep_house(self._world))
        self._await_quiet()

    def _await_quiet(self) -> None:
        """Until nothing is to be delivered; and then nobody may do anything any more."""
        end = time.monotonic() + PATIENCE
        while not all(course.idle for course in self.courses.values()):
            if time.monotonic() > end:
                those = ", ".join(f"{name}/" for name, course in self.courses.items() if not course.idle)
                raise NeverEnds(f"after the housekeeping, {those} go on for {PATIENCE:.0f} s")
            time.sleep(0.05)
        before = self._world.counts()["requests"]
        time.sleep(QUIET)
        if more := self._world.counts()["requests"] - before:
            raise NeverEnds(f"{more} requests where nothing was left to do")

    def _place(self) -> None:
        if not self._free.acquire(timeout=PATIENCE):
            those = [name for name, course in self.courses.items() if not course.over]
            raise NeverEnds(f"no storm has ended for {PATIENCE:.0f} s; {', '.join(f'{name}/' for name in those)} go on")

    def _over(self, _: Course) -> None:
        self._free.release()

    def _told(self, cloud: str, event: dict[str, Any]) -> None:
        if course := self.courses.get(storm_of(event["key"])):
            course.told(cloud, event)

    def _message_ended(self, message: Message, why: str, who: str) -> None:
        self.courses[message.storm].ended(message, why, who)

    def _replay(self) -> None:
        """What the platforms have given up, by the command that is there for it."""
        for lane in self._world.lanes:
            given_up = sum(course.left for course in self.courses.values() if course.plan.lane == lane)
            if given_up:
                self._world.replayed += given_up
                config = self._world.folder / f"{lane.source}.toml"
                command = [sys.executable, "-m", "bucketrelay", "replay", "-q", "--config", str(config)]
                command += ["--route", lane.name]
                env = {"PATH": os.defpath, "HOME": str(self._world.folder), "PYTHONPATH": str(self._world.product)}
                done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise NeverEnds(f"{lane.name}: bucketrelay replay: {done.stdout[-2000:]}{done.stderr[-2000:]}")
