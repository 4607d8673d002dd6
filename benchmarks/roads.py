"""One way of copying objects, measured in a process of its own: a job as JSON on stdin, the figures on stdout.

What is measured begins after the clients are made, the connections are open and everything is imported: a warm
function. `cold_start.py` measures the beginning.
"""

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "shared"))

import rivals  # beside this file

Copy = Callable[[Sequence[str]], None]  # copies the objects of these keys
REGION = "us-east-1"
BATCH = 100  # messages of an SQS batch; up to 10,000 can be configured


@dataclass(frozen=True)
class Job:
    """What is to be copied, and by whose road."""

    road: str
    source: str  # endpoints
    target: str
    access_key: str
    secret_key: str
    ca_file: str
    buckets: tuple[str, str, str]  # source, target, lists
    warm: tuple[str, ...]  # keys of objects that are copied before anything is measured
    keys: tuple[str, ...]
    size: int  # of each object of `keys`
    threads: int


@dataclass(frozen=True)
class Figures:
    """What `keys` took. `requests` is None where nobody counted them.

    `waits`: of the requests those whose answer a thread waited for before it asked for anything else.
    """

    seconds: float
    cpu: float
    rss: int  # bytes, at its highest
    requests: int | None
    waits: int | None = None


# bucketrelay


def relay(job: Job, *, batch: int, memory: str = "") -> Copy:
    """Our own core, as a function calls it: events in, objects and lists and log lines out.

    Args:
        batch: how many SQS messages an invocation gets; 0: each invocation gets one event from S3 itself.
        memory: what bytes under way may hold, as `[limits].memory` says it; "": the default.
    """
    from bucketrelay import config
    from bucketrelay.drivers import function as entry
    from bucketrelay.wiring import system

    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 — as long as the process
    made = system(config.load(_toml(job, memory), {}), emit=lambda line: print(line, file=nowhere, flush=True))
    numbers = count()
    # The sender writes events, and the runtime reads them: they are there as text before the clock starts.
    texts = {keys: [json.dumps(event) for event in _events(job, keys, batch)] for keys in (job.warm, job.keys)}

    def copy(keys: Sequence[str]) -> None:
        for text in texts[tuple(keys)]:
            event = json.loads(text)
            report = entry.handle(event, made, cloud="s3", seconds=900, invocation=f"benchmark-{next(numbers)}")
            for result in report.results:
                if result.outcome.value != "copied":
                    sys.exit(f"{result.key}: {result.outcome.value}: {result.error}")
            report.answer()

    return copy


def _toml(job: Job, memory: str) -> str:
    options = {"region": REGION, "access_key": job.access_key, "secret_key": job.secret_key, "path_style": True}
    options |= {"ca_file": job.ca_file} if job.ca_file else {}
    lines = [f'log = "logs"\n[limits]\nconcurrency = {job.threads}']
    lines += [f'memory = "{memory}"'] if memory else []
    lines += ['[[routes]]\nname = "benchmark"']
    lines += ['source = "source"\ntargets = ["target"]']
    places = zip(("source", "target", "logs"), job.buckets, (job.source, job.target, job.target), strict=True)
    for name, bucket, endpoint in places:
        lines.append(f'[stores.{name}]\nurl = "s3://{bucket}"')
        lines += [f"{key} = {json.dumps(value)}" for key, value in {"endpoint": endpoint, **options}.items()]
    return "\n".join(lines)


def _events(job: Job, keys: Sequence[str], batch: int) -> Iterator[object]:
    """After the examples of the S3 and Lambda guides ("Event message structure", "Using Lambda with Amazon SQS")."""
    notifications = [_notification(job, key) for key in keys]
    if not batch:
        yield from notifications
        return
    for start in range(0, len(notifications), batch):
        yield {
            "Records": [
                {"messageId": f"{start + place}", "eventSource": "aws:sqs", "body": json.dumps(notification)}
                for place, notification in enumerate(notifications[start : start + batch])
            ]
        }


def _notification(job: Job, key: str) -> dict[str, Any]:
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": job.buckets[0], "arn": f"arn:aws:s3:::{job.buckets[0]}"},
            "object": {"key": quote_plus(key), "size": job.size if key in job.keys else None},
        },
    }
    return {"Records": [record]}


# boto3


def _clients(job: Job, *, hashed: bool = False) -> tuple[Any, Any]:
    """Clients of source and target; *hashed*: bodies are hashed over TLS, too, as without a word of botocore's."""
    import boto3
    from botocore.config import Config

    make: Any = boto3.client  # an overload for each service, else
    unsigned: Any = {} if hashed or not job.source.startswith("https") else {"payload_signing_enabled": False}
    settings = Config(
        s3={"addressing_style": "path", **unsigned},
        max_pool_connections=max(10, job.threads),
        # The server refuses the SDK's usual checksum trailers with MissingContentLength, as OBS and OCI do.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    keys = {"aws_access_key_id": job.access_key, "aws_secret_access_key": job.secret_key}

    def client(endpoint: str) -> Any:
        return make(
            "s3", endpoint_url=endpoint, region_name=REGION, verify=job.ca_file or None, config=settings, **keys
        )

    return client(job.source), client(job.target)


def _get_put(job: Job, clients: tuple[Any, Any], key: str) -> None:
    body = clients[0].get_object(Bucket=job.buckets[0], Key=key)["Body"].read()
    clients[1].put_object(Bucket=job.buckets[1], Key=key, Body=body)


def get_put(job: Job, *, threads: int, hashed: bool = False) -> Copy:
    """`get_object().read()` and `put_object`, with clients that are kept."""
    clients = _clients(job, hashed=hashed)

    def copy(keys: Sequence[str]) -> None:
        if threads == 1:
            for key in keys:
                _get_put(job, clients, key)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(partial(_get_put, job, clients), keys))

    return copy


def in_batches(copy: Copy) -> Copy:
    """The same as a function gets them that is called for each batch of messages: the next after the last is done."""

    def each(keys: Sequence[str]) -> None:
        for start in range(0, len(keys), BATCH):
            copy(keys[start : start + BATCH])

    return each


def on_one_core(copy: Copy) -> Copy:
    """The same by a process that keeps to one core, as ours does with small objects: others could do it, too."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return copy


def new_clients(job: Job) -> Copy:
    """The same with clients made for each event, as function replicators are often written."""

    def copy(keys: Sequence[str]) -> None:
        for key in keys:
            _get_put(job, _clients(job), key)

    return copy


def upload_fileobj(job: Job) -> Copy:
    """`upload_fileobj` of what `get_object` answers."""
    source, target = _clients(job)

    def copy(keys: Sequence[str]) -> None:
        for key in keys:
            body = source.get_object(Bucket=job.buckets[0], Key=key)["Body"]
            target.upload_fileobj(body, job.buckets[1], key)

    return copy


def through_a_file(job: Job) -> Copy:
    """`download_file` and `upload_file` by a temporary directory."""
    source, target = _clients(job)

    def copy(keys: Sequence[str]) -> None:
        for key in keys:
            with tempfile.TemporaryDirectory() as folder:
                path = str(Path(folder, "object"))
                source.download_file(job.buckets[0], key, path)
                target.upload_file(path, job.buckets[1], key)

    return copy


ROADS: dict[str, Callable[[Job], Copy]] = {
    "relay": partial(relay, batch=0),
    "relay-sqs": partial(relay, batch=BATCH),
    "relay-all": partial(relay, batch=10_000),
    "relay-lean": partial(relay, batch=0, memory="32MiB"),
    "get_put": partial(get_put, threads=1),
    "get_put-hashed": partial(get_put, threads=1, hashed=True),
    "get_put-threads": lambda job: get_put(job, threads=job.threads),
    "get_put-batches": lambda job: in_batches(get_put(job, threads=job.threads)),
    "get_put-one-core": lambda job: on_one_core(get_put(job, threads=job.threads)),
    "new_clients": new_clients,
    "upload_fileobj": upload_fileobj,
    "through_a_file": through_a_file,
    "obstore": partial(rivals.obstore_get_put, threads=1),
    "obstore-threads": lambda job: rivals.obstore_get_put(job, threads=job.threads),
    "obstore-batches": lambda job: in_batches(rivals.obstore_get_put(job, threads=job.threads)),
    "obstore-stream": rivals.obstore_stream,
    "aiohttp": lambda job: rivals.aiohttp_get_put(job, at_once=job.threads),
    "aiohttp-twice": lambda job: rivals.aiohttp_get_put(job, at_once=2 * job.threads),
    "aiohttp-stream": rivals.aiohttp_stream,
    "fast-s3": lambda job: rivals.fast_s3(job, at_once=job.threads),
    "fast-s3-twice": lambda job: rivals.fast_s3(job, at_once=2 * job.threads),
}


# Measuring


def counter() -> Callable[[], tuple[int, int]]:
    """From now on count what is sent, by whichever of the clients that are known this road has loaded, or none.

    obstore's are not counted: they are Rust's. Second is how many of the requests are waited for, each by itself.
    """
    sent, ahead = list[None](), list[None]()
    for module, kind, method in SENDERS:
        if module in sys.modules:
            _count(getattr(sys.modules[module], kind), method, sent)
            break
    if "bucketrelay.http.connection" in sys.modules:
        _count(sys.modules["bucketrelay.http.connection"].Connection, "ask", ahead)
    return lambda: (len(sent) + len(ahead), len(sent))


# Where each client sends a request: the first of these that is there is the road's.
SENDERS = (
    ("aiohttp.client", "ClientSession", "_request"),
    ("botocore.httpsession", "URLLib3Session", "send"),
    ("bucketrelay.http.connection", "Connection", "send"),
)


def _count(kind: Any, method: str, sent: list[None]) -> None:
    """Replace a method by itself and a note: that is how to count without a proxy."""
    send = getattr(kind, method)

    def counting(*given: Any, **named: Any) -> Any:
        sent.append(None)  # whose length is right whichever thread appends
        return send(*given, **named)

    setattr(kind, method, counting)


def cpu_seconds() -> float:
    """CPU seconds of this process so far, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def highest_rss() -> int:
    """Bytes. Not getrusage's figure where there is another: that one begins with the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(x.split()[1]) for x in status.read_text().splitlines() if x.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def measure(job: Job) -> Figures:
    """Copy the job's objects."""
    copy = ROADS[job.road](job)
    copy(job.warm)
    sent = counter()  # now that it is known who sends
    cpu, began = cpu_seconds(), time.perf_counter()
    copy(job.keys)
    spent = time.perf_counter() - began, cpu_seconds() - cpu
    requests, waits = sent()
    return Figures(*spent, highest_rss(), requests or None, waits or None)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    print(json.dumps(asdict(measure(Job(**{**told, **lists})))))
