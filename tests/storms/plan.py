"""What happens in a storm, all of it from one number: who writes what when, which events come how, what goes wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from storms.lanes import End, Lane, Meeting

HOLD = 2.5  # seconds; longer than the product waits for an answer (`world.TIMEOUT`)
MEET = 0.75  # so many storms go over routes that meet
RACES = 0.35  # so many storms are of one key, with tasks that overtake each other
MiB = 1 << 20

NAMES = (
    "plain.txt",
    "with blank.txt",
    "a+b.txt",
    "100%.txt",
    "per%20cent%2Fed.txt",
    "ünï/日本 語+1.txt",
    "q?x=1&y#z.txt",
    "quote'\".txt",
    "\N{CLOUD WITH TORNADO}.bin",
    "semi;colon,comma=.txt",
    "deep/er/and/deeper",
    "~tilde(1)!$*@:.txt",
    "<angle>&amp;.xml",
    "back\\slash{a}[b]^`|.txt",
)
SIZES = (0, 1, 20, 300, 5_000)
TYPES = ("text/plain", "image/jpeg", "application/json; charset=utf-8")
# Weights of what follows the first write of a key.
_DEEDS = {"put": 45, "delete": 27, "meta": 12, "parts": 8}


@dataclass(frozen=True)
class Write:
    """One deed of a writer: put, parts, meta (the metadata alone, anew), edit (the same, our stamp kept), delete."""

    at: float  # seconds after the storm's beginning
    writer: int
    deed: str
    key: str
    end: End
    number: int = 0  # makes the bytes unlike all others
    size: int = 0
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        seed = f"{self.number} {self.key} ".encode()
        return (seed * (self.size // len(seed) + 1))[: self.size] if self.size > len(seed) else _short(self)


@dataclass(frozen=True)
class Order:
    """A fault that is ordered at a cloud's proxy when the storm begins."""

    cloud: str
    fault: dict[str, Any]
    log: bool = False  # for the lists of whoever writes them, instead of the storm's own objects


@dataclass(frozen=True)
class Delivery:
    """How an event is given once."""

    after: float  # seconds after the change
    forms: Mapping[str, str]  # by cloud
    kill: float | None = None  # seconds after which the process that has it is killed
    time: float | None = None  # seconds that the first invocation has; None for enough


@dataclass(frozen=True)
class Storm:
    """All of it. `deliveries`: of the first event, the second, and so on, and then from the beginning."""

    seed: int
    lane: Lane | Meeting
    writes: tuple[Write, ...]
    deliveries: tuple[tuple[Delivery, ...], ...]
    orders: tuple[Order, ...]
    attempts: int  # how often an event is given that fails; 0 without an end

    @property
    def name(self) -> str:
        return f"storm-{self.seed}"

    def describe(self) -> Iterator[str]:
        yield f"{self.name}: {self.lane.name}, attempts {self.attempts or 'without end'}"
        for w in self.writes:
            yield f"  write {w.at:6.3f} #{w.writer} {w.deed:6} {w.end.store} {w.key!r} {w.size} bytes {w.meta}"
        yield from (f"  fault at {o.cloud}{' (log)' if o.log else ''}: {o.fault}" for o in self.orders)


def storm(seed: int, known: Sequence[Lane | Meeting]) -> Storm:
    """The storm of this number; the same for the same lanes. Most go over routes that meet, where there are any."""
    random = Random(seed)
    meet = random.random() < MEET
    lane = random.choice([lane for lane in known if isinstance(lane, Meeting) == meet] or known)
    races = random.random() < RACES
    names = random.sample(NAMES, 1 if races else random.choice((1, 1, 2, 2, 3, 4)))
    keys = [f"{lane.name}/storm-{seed}/{name}" for name in names]
    lasts = random.uniform(0.1, 0.8 if races else 2.0)
    times = (random.uniform(0, lasts) for _ in range(random.randint(2, 5) if races else random.randint(4, 12)))
    large = _large(random, lane)
    writes = tuple(_writes(random, lane, keys, sorted(times), large))
    whole = not large and all(write.deed != "parts" for write in writes)
    return Storm(
        seed,
        lane,
        writes,
        tuple(_deliveries(random, prompt=races) for _ in range(16)),
        (_sure(lane), *(_holds(random, lane) if races else _orders(random, lane, _operations(large), flips=whole))),
        random.choice((1, 1, 2)) if lane.replayed else 0,
    )


def _sure(lane: Lane | Meeting) -> Order:
    """A fault that every storm meets: nothing is done without a look at a target, and all lead to the last one."""
    look = {"kind": "delay", "seconds": 0.02, "operation": "HeadObject", "key": "*/storm-*"}
    return Order(lane.targets[-1], look)


def _operations(large: int) -> Sequence[str]:
    return _OF_PARTS if large else _OPERATIONS


def _large(random: Random, lane: Lane | Meeting) -> int:
    """The size of a large object, or 0: few storms have one. More than one part for each of the targets."""
    if random.random() > 0.012:
        return 0
    return 11 * MiB if "oci" in lane.targets else 6 * MiB


def _writes(
    random: Random, lane: Lane | Meeting, keys: Sequence[str], times: Sequence[float], large: int
) -> list[Write]:
    writers, many = random.randint(1, 4), isinstance(lane, Meeting)
    # Empty objects have one ETag: a condition cannot tell them apart, and users at two ends may write them at once.
    sizes_of = SIZES[1:] if many else SIZES
    deeds = {**_DEEDS, "edit": 6} if many else _DEEDS
    sizes = {key: random.choice(sizes_of) for key in keys}
    large_ones = random.choice(({len(times)}, {len(times)}, {len(keys)}, {len(keys), len(times)})) if large else set()
    found, seen = [], set()
    for n, at in enumerate(times, start=1):
        key = keys[n - 1] if n <= len(keys) else random.choice(keys)
        deed = random.choices(tuple(deeds), deeds.values())[0] if key in seen else "put"
        size = sizes[key] if random.random() < 0.6 else random.choice(sizes_of)
        if n in large_ones:
            deed, size = "put", large
        if deed == "parts":
            size = max(size, 20)
        seen.add(key)
        end = random.choice(lane.writers)
        found.append(Write(at, random.randrange(writers), deed, key, end, n, size, _meta(random, n)))
    return found


def _meta(random: Random, number: int) -> dict[str, Any]:
    user = {"number": str(number)} | ({"note": "100% a=b; c"} if random.random() < 0.3 else {})
    cache = {"cache_control": f"max-age={number}"} if random.random() < 0.3 else {}
    return {"content_type": random.choice(TYPES), "user": user} | cache


def _deliveries(random: Random, *, prompt: bool) -> tuple[Delivery, ...]:
    """One, and now and then the same once or twice more."""
    number = random.choices((1, 2, 3), (95, 5, 0) if prompt else (72, 23, 5))[0]
    return tuple(_delivery(random, prompt=prompt) for _ in range(number))


_FORMS: Mapping[str, Sequence[str]] = {
    "s3": ("sqs", "sqs", "sqs", "sqs", "sqs-bridge", "sqs-sns", "direct", "bridge", "sns"),
    "obs": ("records", "records", "records", "v2", "grid", "smn"),
    "oci": ("array", "array", "array", "event"),
}


def _delivery(random: Random, *, prompt: bool) -> Delivery:
    after = random.uniform(*random.choices(((0, 0.1), (0, 1.0), (1.0, 3.0)), (60, 0, 0) if prompt else (60, 30, 10))[0])
    forms = {cloud: random.choice(known) for cloud, known in _FORMS.items()}
    kill = random.uniform(0.0, 0.15) if random.random() < 0.006 else None
    # A deadline that runs out at once, or a little later: `world.MARGIN` seconds of it are kept back.
    time = random.uniform(1.02, 1.6) if random.random() < 0.015 else None
    return Delivery(after, forms, kill, time)


# By globs, for each cloud has its own names.
_OPERATIONS = ("*", "*", "*", "GetObject", "HeadObject", "PutObject", "PutObject", "DeleteObject")
_OF_PARTS = ("*", "GetObject", "*Upload*", "*Upload*", "*Upload*")
_FAULTS: Sequence[tuple[int, dict[str, Any]]] = (
    (10, {"status": 500}),
    (14, {"status": 503}),
    (8, {"status": 429}),
    (5, {"status": 502}),
    (4, {"status": 403}),
    (3, {"status": 404, "code": "GatewayNotFound"}),
    (3, {"status": 404, "code": "NoSuchBucket"}),
    (3, {"status": 409}),
    (5, {"status": 412}),
    (12, {"kind": "reset_before"}),
    (14, {"kind": "reset_after"}),
    (8, {"kind": "cut", "after_bytes": 3}),
    (7, {"kind": "error_in_200", "status": 500}),
    (8, {"kind": "duplicate"}),
    (16, {"kind": "delay", "seconds": 0.3}),
    (3, {"kind": "delay", "seconds": HOLD}),
)


def _holds(random: Random, lane: Lane | Meeting) -> Iterator[Order]:
    """Writes that take long, so that other tasks overtake them; nothing fails, for what comes again would mend it."""
    for cloud in lane.targets:
        seconds = round(random.uniform(0.2, 1.2), 3)
        operation = random.choice(("PutObject", "PutObject", "PutObject", "DeleteObject"))
        fault = {"kind": "delay", "seconds": seconds, "operation": operation, "key": "*/storm-*"}
        yield Order(cloud, fault | {"skip": random.choice((0, 0, 1, 2, 3))})


def _orders(random: Random, lane: Lane | Meeting, operations: Sequence[str], *, flips: bool) -> Iterator[Order]:
    """Faults.

    Args:
        flips: also turn bytes over on their way: not where something was written in parts, nor on the way from S3,
            of which the servers here tell no checksum, so that the product says "unverified".
    """
    for _ in range(random.choice((1, 2, 3, 4, 6, 8))):
        fault = dict(random.choices([f for _, f in _FAULTS], [w for w, _ in _FAULTS])[0])
        if fault.get("seconds") == 0.3:
            fault["seconds"] = round(random.uniform(0.02, 0.5), 3)
        fault |= {"times": random.choice((1, 1, 2, 3)), "skip": random.choice((0, 0, 0, 1, 3))}
        if random.random() < 0.08:
            yield Order(lane.source, fault | {"operation": "PutObject"}, log=True)
            continue
        cloud = random.choice((*(end.cloud for end in lane.writers), *lane.targets, *lane.targets))
        fault |= {"operation": random.choice(operations), "key": "*/storm-*"}
        if flips and random.random() < 0.15:
            fault = {"kind": "corrupt_sent", "operation": "PutObject", "key": "*/storm-*"}
            if cloud != "s3" and random.random() < 0.5:  # the ETag of any S3 server need not be an MD5
                fault |= {"kind": "corrupt", "operation": "GetObject"}
            fault["after_bytes"] = random.randrange(50)
        yield Order(cloud, fault)


def _short(write: Write) -> bytes:
    """Few bytes that still are no other write's; none where the size is 0."""
    if write.size < 2:
        return chr(96 + write.number % 26).encode()[: write.size]
    return f"{write.number:02}".encode().ljust(write.size, b"-")
