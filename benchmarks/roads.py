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
    """What `keys` took. `requests` is None where this process did not send them."""

    seconds: float
    cpu: float
    rss: int  # bytes, at its highest
    requests: int | None


# bucketrelay


def relay(job: Job, *, batch: int) -> Copy:
    """Our own core, as a function calls it: events in, objects and lists and log lines out.

    Args:
        batch: how many SQS messages an invocation gets; 0: each invocation gets one event from S3 itself.
    """
    from bucketrelay import config
    from bucketrelay.drivers import function as entry
    from bucketrelay.wiring import system

    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 — as long as the process
    made = system(config.load(_toml(job), {}), emit=lambda line: print(line, file=nowhere, flush=True))
    numbers = count()

    def copy(keys: Sequence[str]) -> None:
        for event in _events(job, keys, batch):
            report = entry.handle(event, made, cloud="s3", seconds=900, invocation=f"benchmark-{next(numbers)}")
            for result in report.results:
                if result.outcome.value != "copied":
                    sys.exit(f"{result.key}: {result.outcome.value}: {result.error}")
            report.answer()

    return copy


def _toml(job: Job) -> str:
    options = {"region": REGION, "access_key": job.access_key, "secret_key": job.secret_key, "path_style": True}
    options |= {"ca_file": job.ca_file} if job.ca_file else {}
    lines = [f'log = "logs"\n[limits]\nconcurrency = {job.threads}\n[[routes]]\nname = "benchmark"']
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


def _clients(job: Job) -> tuple[Any, Any]:
    import boto3
    from botocore.config import Config

    make: Any = boto3.client  # an overload for each service, else
    settings = Config(
        s3={"addressing_style": "path"},
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


def get_put(job: Job, *, threads: int) -> Copy:
    """`get_object().read()` and `put_object`, with clients that are kept."""
    clients = _clients(job)

    def copy(keys: Sequence[str]) -> None:
        if threads == 1:
            for key in keys:
                _get_put(job, clients, key)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(partial(_get_put, job, clients), keys))

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


# obstore, of the extra `bench`: Rust below


def _obstores(job: Job) -> tuple[Any, Any]:
    from obstore.store import S3Store

    if job.ca_file:
        os.environ["SSL_CERT_FILE"] = job.ca_file

    def store(bucket: str, endpoint: str) -> Any:
        keys = {"access_key_id": job.access_key, "secret_access_key": job.secret_key, "region": REGION}
        options: Any = {"allow_http": True}
        return S3Store(bucket, endpoint=endpoint, virtual_hosted_style_request=False, client_options=options, **keys)

    return store(job.buckets[0], job.source), store(job.buckets[1], job.target)


def obstore_get_put(job: Job, *, threads: int) -> Copy:
    """`get` and `put` of whole objects; with more than one thread, so many at once."""
    source, target = _obstores(job)

    def one(key: str) -> None:
        target.put(key, source.get(key).bytes())

    def copy(keys: Sequence[str]) -> None:
        if threads == 1:
            for key in keys:
                one(key)
            return
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(one, keys))

    return copy


ROADS: dict[str, Callable[[Job], Copy]] = {
    "relay": partial(relay, batch=0),
    "relay-sqs": partial(relay, batch=BATCH),
    "get_put": partial(get_put, threads=1),
    "get_put-threads": lambda job: get_put(job, threads=job.threads),
    "new_clients": new_clients,
    "upload_fileobj": upload_fileobj,
    "through_a_file": through_a_file,
    "obstore": partial(obstore_get_put, threads=1),
    "obstore-threads": lambda job: obstore_get_put(job, threads=job.threads),
}


# Measuring


def counter() -> Callable[[], int]:
    """From now on count what is sent, by botocore if this road has loaded it, or by us; Rust's is not counted."""
    sent = list[None]()
    if "obstore" in sys.modules:
        return lambda: 0
    session = sys.modules.get("botocore.httpsession")
    kind: Any = session.URLLib3Session if session else sys.modules["bucketrelay.http.connections"].Connections
    send = kind.send

    def counting(*given: Any, **named: Any) -> Any:
        sent.append(None)  # whose length is right whichever thread appends
        return send(*given, **named)

    kind.send = counting  # that is how to count without a proxy
    return lambda: len(sent)


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
    before, cpu, began = sent(), cpu_seconds(), time.perf_counter()
    copy(job.keys)
    return Figures(time.perf_counter() - began, cpu_seconds() - cpu, highest_rss(), sent() - before)


if __name__ == "__main__":
    told = json.load(sys.stdin)
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    print(json.dumps(asdict(measure(Job(**{**told, **lists})))))
