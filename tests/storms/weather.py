"""Faults and a record of requests for each storm alone: many rage at the same servers at once."""

import re
import threading
import time
from collections import Counter, defaultdict
from typing import Any

from bucketrelay_emulators.engine.faults import Fault, Faults, Request, Requests
from bucketrelay_emulators.server.serving import Server

LOG = "log"
_STORM = re.compile(r"(?:^|/)(storm-\d+)/")
_LOGGED = ("success_object/", "failed_object/", "replayed_object/", "checkpoints/", "verify/", "fuse/", "marks/")


def storm_of(key: str) -> str:
    """The name of the storm that a key belongs to; `log` for lists and checkpoints, which all share."""
    found = _STORM.search(key)
    return found[1] if found else LOG if key.startswith(_LOGGED) else ""


class Weather(Faults):
    """The faults of each storm; what was met is written into the record beside the requests."""

    def __init__(self, record: "Record") -> None:
        super().__init__()
        self._record = record
        self._storms: dict[str, Faults] = {}

    def rage(self, storm: str, faults: list[Fault]) -> None:
        """Order a storm's faults."""
        mine = self._storms.setdefault(storm, Faults())
        for fault in faults:
            mine.order(fault)

    def calm(self, storm: str) -> None:
        """Take a storm's faults back."""
        self._storms.pop(storm, None)

    def take(self, request: Request) -> Fault | None:
        storm = storm_of(request.key)
        mine = self._storms.get(storm)
        fault = mine.take(request) if mine else None
        if fault:
            self._record.met(storm, fault, request)
        return fault


class Record(Requests):
    """The requests of each storm until it is forgotten, and the counts of all."""

    def __init__(self) -> None:
        super().__init__()
        self._guard = threading.Lock()
        self._storms: defaultdict[str, list[str]] = defaultdict(list)
        self.counts: Counter[str] = Counter()

    def add(self, request: Request) -> None:
        storm = storm_of(request.key)
        words = f"{request.operation} {request.bucket} {request.key!r} -> {request.status}, {request.received} bytes"
        self._write(storm, words, "requests")

    def met(self, storm: str, fault: Fault, request: Request) -> None:
        """A fault was met."""
        what = fault.status if fault.kind in ("refuse", "error_in_200") else fault.seconds or ""
        self._write(storm, f"  {fault.kind} {what} at {request.operation} {request.bucket} {request.key!r}", "faults")
        with self._guard:
            self.counts[f"fault {fault.kind}"] += 1

    def _write(self, storm: str, words: str, counted: str) -> None:
        with self._guard:
            self.counts[counted] += 1
            if storm != LOG:
                self._storms[storm].append(f"{time.time():.4f} {words}")

    def lines(self, storm: str) -> list[str]:
        """What was asked of this storm's objects, each with its time."""
        with self._guard:
            return list(self._storms[storm])

    def forget(self) -> None:
        """Forget all lines; the counts stay."""
        with self._guard:
            self._storms.clear()


def take_over(server: Server) -> tuple[Weather, Record]:
    """Put faults by storm in the place of a server's own."""
    record = Record()
    weather = Weather(record)
    served: Any = server._server.RequestHandlerClass
    served.faults, served.requests = weather, record
    server.faults, server.requests = weather, record
    return weather, record
