"""The main job, to be watched: three local clouds, their real SDKs and events, the real entrypoint functions."""

import importlib.util
import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from moto.server import ThreadedMotoServer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator

FUNCTIONS = Path(__file__).parents[3] / "functions"
S3_BUCKETS = ("photos", "scans-copy", "reports-copy", "relay-logs")
QUEUE = "photos-events"

CONFIG = """\
log = "logs"

[stores.photos]
url = "s3://photos"
[stores.scans-copy]
url = "s3://scans-copy"
[stores.reports-copy]
url = "s3://reports-copy"
[stores.logs]
url = "s3://relay-logs"
[stores.scans]
url = "obs://scans"
[stores.photos-on-obs]
url = "obs://photos-mirror"
[stores.reports]
url = "oci://reports@demo"
[stores.photos-on-oci]
url = "oci://photos-mirror@demo"

[[routes]]
name = "photos"
source = "photos"
targets = ["photos-on-obs", "photos-on-oci"]
deletes = "follow"

[[routes]]
name = "scans"
source = "scans"
targets = ["scans-copy"]
deletes = "follow"

[[routes]]
name = "reports"
source = "reports"
targets = ["reports-copy"]
deletes = "follow"
"""


def main(out: Console) -> int:
    """Run the demonstration; 0 if everything that was promised happened."""
    if not FUNCTIONS.is_dir():
        out.print("bucketrelay demo runs the functions of a source tree: clone the repository and say `make demo`")
        return 2
    started = time.monotonic()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # moto's server: a line for each request
    with Clouds.start() as clouds:
        out.print(Panel("Three clouds on 127.0.0.1: S3 (moto), Huawei OBS and Oracle OCI (bucketrelay_emulators)"))
        shows = (_created, _overwritten, _deleted, _one_target_down, _comes_again)
        good = [show(clouds, out) for show in shows]
        out.print(_lists(clouds))
        out.print(_requests(clouds))
    ok = all(good)
    word = "[green]every target equals its source[/]" if ok else "[red]something is not as promised, see above[/]"
    out.print(
        f"\n{word}, after {time.monotonic() - started:.1f} s.  Next: README.md shows a configuration and the functions;"
    )
    out.print("`bucketrelay replicate EVENT.json --dry-run` says what an event would do with yours.", markup=False)
    return 0 if ok else 1


def _created(clouds: "Clouds", out: Console) -> bool:
    clouds.s3.put_object(
        Bucket="photos", Key="2026/café 1+1.jpg", Body=b"a photo", ContentType="image/jpeg", Metadata={"owner": "ann"}
    )
    clouds.obs.client().putContent("scans", "in/page 1.tif", "a scan")
    clouds.oci.client().put_object("demo", "reports", "q3/100%.pdf", b"a report", content_type="application/pdf")
    told = [*clouds.run_lambda(), *clouds.run_functiongraph(), *clouds.run_fn()]
    return clouds.show(out, "1 · written with the clouds' own SDKs, each told by its own event", told)


def _overwritten(clouds: "Clouds", out: Console) -> bool:
    clouds.s3.put_object(Bucket="photos", Key="2026/café 1+1.jpg", Body=b"a better photo", ContentType="image/jpeg")
    return clouds.show(out, "2 · overwritten in S3", clouds.run_lambda(), "s3://photos")


def _deleted(clouds: "Clouds", out: Console) -> bool:
    clouds.obs.client().deleteObject("scans", "in/page 1.tif")
    return clouds.show(out, "3 · deleted in OBS", clouds.run_functiongraph(), "obs://scans")


def _one_target_down(clouds: "Clouds", out: Console) -> bool:
    clouds.obs.faults.order(Fault(operation="PutObject", kind="refuse", status=500, code="InternalError", times=ALWAYS))
    clouds.s3.put_object(Bucket="photos", Key="2026/last.jpg", Body=b"the last photo", ContentType="image/jpeg")
    told = clouds.run_lambda()
    down = clouds.contents()["obs://photos-mirror"].get("2026/last.jpg") is None
    up = clouds.contents()["oci://photos-mirror"].get("2026/last.jpg") == b"the last photo"
    clouds.show(
        out, "4 · written in S3 while OBS answers 500: OCI gets its copy, SQS keeps the message", told, "s3://photos"
    )
    return down and up


def _comes_again(clouds: "Clouds", out: Console) -> bool:
    clouds.obs.faults.clear()
    return clouds.show(out, "5 · OBS is back, and SQS delivers the message again", clouds.run_lambda())


@dataclass
class Context:
    """What the three platforms hand to a handler, as far as ours asks."""

    call: str
    aws_request_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.aws_request_id = self.call

    def get_remaining_time_in_millis(self) -> int:
        """Lambda's name."""
        return 60_000

    getRemainingTimeInMilliSeconds = get_remaining_time_in_millis  # noqa: N815 — FunctionGraph's name

    def getRequestID(self) -> str:  # noqa: N802 — not ours to choose
        """FunctionGraph's name."""
        return self.call

    CallID = getRequestID

    def getUserData(self, name: str) -> None:  # noqa: N802 — not ours to choose
        """FunctionGraph's name."""
        del name

    def getSecurityAccessKey(self) -> str:  # noqa: N802 — not ours to choose
        """FunctionGraph's name."""
        return ""

    getSecuritySecretKey = getSecurityToken = getSecurityAccessKey  # noqa: N815 — FunctionGraph's names

    def Deadline(self) -> str:  # noqa: N802 — not ours to choose
        """Fdk's name."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))

    def SetResponseHeaders(self, headers: object, status_code: int) -> None:  # noqa: N802 — not ours to choose
        """Fdk's name."""
        del headers, status_code


@dataclass
class Clouds:
    """The three stand-ins, a user's clients, and the functions with the events on their way to them."""

    s3: Any
    sqs: Any
    obs: ObsEmulator
    oci: OciEmulator
    oci_events: Any
    calls: int = 0
    before: dict[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator["Clouds"]:
        """Everything up, with buckets and notifications; down again at the end."""
        with ExitStack() as stack:
            moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            moto.start()
            stack.callback(moto.stop)
            obs, oci = stack.enter_context(ObsEmulator()), stack.enter_context(OciEmulator(namespace="demo"))
            endpoint = "http://{}:{}".format(*moto.get_host_and_port())
            keys = {"aws_access_key_id": "demo", "aws_secret_access_key": "demo", "region_name": "us-east-1"}
            client: Callable[..., Any] = boto3.client  # the stubs know each service's name, and none as a variable
            s3, sqs = (client(name, endpoint_url=endpoint, **keys) for name in ("s3", "sqs"))
            stack.callback(s3.close)
            stack.callback(sqs.close)
            stack.enter_context(_environment(_config(endpoint, obs, oci)))
            clouds = cls(s3, sqs, obs, oci, oci.events())
            clouds.make_buckets()
            yield clouds

    def make_buckets(self) -> None:
        """The buckets, and S3's events into a queue as a user would wire them."""
        for name in S3_BUCKETS:
            self.s3.create_bucket(Bucket=name)
        for name in ("scans", "photos-mirror"):
            self.obs.create_bucket(name)
        for name in ("reports", "photos-mirror"):
            self.oci.create_bucket(name)
        url = self.sqs.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rules = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
        self.s3.put_bucket_notification_configuration(
            Bucket="photos", NotificationConfiguration={"QueueConfigurations": rules}
        )

    def run_lambda(self) -> list[str]:
        """One batch from SQS through the Lambda function, deleted from the queue as Lambda would."""
        url = self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        records = [{"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in messages]
        answer = self.call("s3_notifications/app.py", lambda f, ctx: f.handler({"Records": records}, ctx))
        kept = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in kept:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [f"Lambda answered SQS: {len(messages)} messages, {len(kept)} to come again"]

    def run_functiongraph(self) -> list[str]:
        """Each OBS event through the FunctionGraph function."""
        event = next(e for e in iter(lambda: self.obs.events.get(timeout=10), None) if _is_of("scans", e))
        self.call("obs_trigger/index.py", lambda f, ctx: f.handler(event, ctx))
        return ["FunctionGraph: 1 event, handled"]

    def run_fn(self) -> list[str]:
        """Each OCI event through the OCI function."""
        told = next(e for e in iter(lambda: self.oci_events.get(timeout=10), None) if _is_of("reports", e))
        event = json.dumps(told).encode()
        self.call("oci_events/func.py", lambda f, ctx: f.handler(ctx, io.BytesIO(event)))
        return ["OCI Functions: 1 event, handled"]

    def call(self, file: str, invoke: Callable[[ModuleType, Context], Any]) -> Any:
        """Run a real entrypoint; its log lines are not for this screen."""
        self.calls += 1
        with redirect_stdout(io.StringIO()):
            return invoke(_function(file), Context(f"demo-{self.calls:02}"))

    def contents(self) -> dict[str, dict[str, bytes]]:
        """What every bucket holds."""
        found = {f"s3://{name}": self._s3_bucket(name) for name in S3_BUCKETS[:-1]}
        for scheme, engine, names in (
            ("obs", self.obs.engine, [("scans", ""), ("photos-mirror", "")]),
            ("oci", self.oci.engine, [("reports", "demo"), ("photos-mirror", "demo")]),
        ):
            for name, namespace in names:
                objects = engine.bucket(name, namespace).list()
                found[f"{scheme}://{name}"] = {obj.key: obj.body for obj in objects}
        return found

    def _s3_bucket(self, name: str) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=name).get("Contents", [])
        return {o["Key"]: self.s3.get_object(Bucket=name, Key=o["Key"])["Body"].read() for o in listed}

    def show(self, out: Console, title: str, told: list[str], *only: str) -> bool:
        """The buckets side by side (of the sources in *only*, or all), and whether the targets equal their sources."""
        found = self.contents()
        table = Table("source", "holds", "", "target", "holds", title=title, title_justify="left", title_style="bold")
        equal = True
        for source in only or PAIRS:
            for target in PAIRS[source]:
                same = found[source] == found[target]
                equal = equal and same
                mark = "[green]=[/]" if same else "[red]≠[/]"
                table.add_row(source, _shown(found[source]), mark, target, "" if same else _shown(found[target]))
        out.print(table)
        for line in told:
            out.print(f"  {line}", style="dim")
        return equal


def _is_of(bucket: str, event: dict[str, Any]) -> bool:
    """Whether a user would have a rule for it: the stand-ins tell the changes of every bucket."""
    if "Records" in event:
        return bool(event["Records"][0]["obs"]["bucket"]["name"] == bucket)
    return bool(event["data"]["additionalDetails"]["bucketName"] == bucket)


PAIRS = {
    "s3://photos": ("obs://photos-mirror", "oci://photos-mirror"),
    "obs://scans": ("s3://scans-copy",),
    "oci://reports": ("s3://reports-copy",),
}


def _shown(objects: dict[str, bytes]) -> str:
    return "\n".join(f"{escape(key)}: {body.decode()}" for key, body in objects.items()) or "[dim]nothing[/]"


def _lists(clouds: Clouds) -> Table:
    table = Table("list", "outcome", "target", "error", title="the lists in s3://relay-logs", title_justify="left")
    for entry in clouds.s3.list_objects_v2(Bucket="relay-logs").get("Contents", []):
        for line in clouds.s3.get_object(Bucket="relay-logs", Key=entry["Key"])["Body"].read().splitlines():
            result = json.loads(line)
            folder = entry["Key"].split("/")[0]
            colour = "red" if folder == "failed_object" else "green"
            error = escape(result["error"].split(":", 1)[-1].strip()[:60])
            table.add_row(folder, f"[{colour}]{result['outcome']}[/]", escape(result["target"]), error)
    return table


def _requests(clouds: Clouds) -> str:
    puts = clouds.obs.requests.count("PutObject"), clouds.oci.requests.count("PutObject")
    return f"requests: OBS saw {puts[0]} PutObject, OCI {puts[1]}, those of the demo's own SDK calls included"


def _config(s3: str, obs: ObsEmulator, oci: OciEmulator) -> str:
    options = {
        "s3://": {"endpoint": s3, "region": "us-east-1", "access_key": "demo", "secret_key": "demo"},
        "obs://": {"endpoint": obs.endpoint, "access_key": obs.access_key, "secret_key": obs.secret_key},
        "oci://": {"endpoint": oci.endpoint, "auth": "api_key", "config_file": oci.config_file, "region": oci.region},
    }
    lines = []
    for line in CONFIG.splitlines():
        lines.append(line)
        for scheme, values in options.items():
            if line.startswith(f'url = "{scheme}'):
                lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(lines)


@contextmanager
def _environment(toml: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ["BUCKETRELAY_TOML"] = toml
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


_loaded: dict[str, ModuleType] = {}


def _function(file: str) -> ModuleType:
    """The entrypoint's module, loaded once, as a warm process would keep it."""
    if file not in _loaded:
        spec = importlib.util.spec_from_file_location(f"bucketrelay_demo_{Path(file).stem}", FUNCTIONS / file)
        if spec is None or spec.loader is None:
            raise FileNotFoundError(FUNCTIONS / file)
        _loaded[file] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(_loaded[file])
    return _loaded[file]
