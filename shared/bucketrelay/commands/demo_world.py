"""Three clouds on 127.0.0.1, and what their events start: the world of `bucketrelay demo`.

S3 and SQS are moto's, OBS and OCI our own emulators. What an event starts is what the functions of the repository run:
a warm process with its configuration, `drivers.function`, and the answer that the platform is given.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from bucketrelay import config, wiring
from bucketrelay.drivers import function
from bucketrelay.errors import RelayError
from bucketrelay.model import Cloud, Meta, Result
from bucketrelay.reports import lists
from bucketrelay.store import Store
from bucketrelay.system import System
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator

QUEUE = "photos-events"
# Each source with its targets, as the stores are named and as people write them.
STORES = {
    "photos": "s3://photos",
    "scans-copy": "s3://scans-copy",
    "reports-copy": "s3://reports-copy",
    "logs": "s3://relay-logs",
    "scans": "obs://scans",
    "photos-on-obs": "obs://photos-mirror",
    "reports": "oci://reports@demo",
    "photos-on-oci": "oci://photos-mirror@demo",
}
ROUTES = {"photos": ("photos-on-obs", "photos-on-oci"), "scans": ("scans-copy",), "reports": ("reports-copy",)}


@dataclass
class Clouds:
    """The three stand-ins, and what is on its way between them."""

    obs: ObsEmulator
    oci: OciEmulator
    oci_events: Any
    s3: Any
    sqs: Any
    system: System
    calls: int = field(default=0)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator["Clouds"]:
        """Everything up, with buckets and notifications; down again at the end."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # moto's server: a line for each request
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
            system = wiring.system(config.load(_toml(endpoint, obs, oci), {}), emit=lambda _: None)
            stack.callback(system.close)
            clouds = cls(obs, oci, oci.events(), s3, sqs, system)
            clouds._make_buckets()
            yield clouds

    def _make_buckets(self) -> None:
        """The buckets, and S3's events into a queue as a user would wire them."""
        for url in STORES.values():
            scheme, _, place = url.partition("://")
            name = place.partition("@")[0]
            if scheme == "s3":
                self.s3.create_bucket(Bucket=name)
            else:
                (self.obs if scheme == "obs" else self.oci).create_bucket(name)
        url = self.sqs.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rules = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
        self.s3.put_bucket_notification_configuration(
            Bucket="photos", NotificationConfiguration={"QueueConfigurations": rules}
        )

    def store(self, name: str) -> Store:
        """A store of the configuration: what a user writes with, and what shows what is there."""
        return self.system.store(name)

    def write(self, name: str, key: str, text: str) -> None:
        """Write an object as a user would, without a word to anybody but its store."""
        self.store(name).put(key, text.encode(), Meta(content_type="text/plain"))

    def contents(self, name: str) -> dict[str, str]:
        """What a store holds."""
        objects = {}
        for info in self.store(name).list():
            fetched = self.store(name).fetch(info.key, 1024)
            objects[info.key] = bytes(fetched.body or b"").decode() if fetched else ""
        return objects

    # What the platforms do

    def run_lambda(self) -> str:
        """One batch from SQS through the Lambda function, deleted from the queue as Lambda would."""
        url = self.sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        messages = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        records = [{"messageId": m["MessageId"], "body": m["Body"], "eventSource": "aws:sqs"} for m in messages]
        answer = self._call({"Records": records}, "s3") or {}
        kept = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in kept:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        done = len(messages) - len(kept)
        return f"Lambda took {_messages(len(messages))} from SQS: {done} done, {len(kept)} to come again"

    def run_functiongraph(self) -> str:
        """The next OBS event of the source through the FunctionGraph function."""
        told = next(e for e in iter(lambda: self.obs.events.get(timeout=10), None) if _of(e) == "scans")
        self._call(told, "obs")
        return "FunctionGraph was called by OBS: done"

    def run_oci(self) -> str:
        """The next OCI event of the source through the OCI function."""
        told = next(e for e in iter(lambda: self.oci_events.get(timeout=10), None) if _of(e) == "reports")
        self._call(told, "oci")
        return "OCI Functions was called by the Events service: done"

    def _call(self, event: Any, cloud: Cloud) -> Any:
        self.calls += 1
        report = function.handle(event, self.system, cloud=cloud, seconds=60, invocation=f"demo-{self.calls:02}")
        return report.answer()

    def switch_off(self) -> None:
        """OBS refuses what is written to it, until `switch_on`."""
        self.obs.faults.order(
            Fault(
                operation="PutObject",
                kind="refuse",
                status=500,
                code="InternalError",
                message="the demo has switched this off",
                times=ALWAYS,
            )
        )

    def switch_on(self) -> None:
        """OBS takes everything again."""
        self.obs.faults.clear()

    def results(self) -> list[tuple[str, Result]]:
        """The lines of the lists, each with the list that it stands in."""
        rows = []
        log = self.system.log()
        for folder in (lists.SUCCESS, lists.FAILED):
            for info in log.list(folder):
                with suppress(RelayError):
                    stem = info.key.removeprefix(folder)  # the same for both lists of an invocation
                    rows += [(stem, folder.rstrip("/"), result) for result in lists.read(log, info.key)]
        rows.sort(key=lambda line: (line[0], line[2].target))
        return [(folder, result) for _, folder, result in rows]


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _of(event: dict[str, Any]) -> str:
    """The bucket of an event: the stand-ins tell the changes of every one, and a user has a rule for some."""
    if "Records" in event:
        return str(event["Records"][0]["obs"]["bucket"]["name"])
    return str(event["data"]["additionalDetails"]["bucketName"])


def _toml(s3: str, obs: ObsEmulator, oci: OciEmulator) -> str:
    options = {
        "s3": {"endpoint": s3, "region": "us-east-1", "access_key": "demo", "secret_key": "demo"},
        "obs": {"endpoint": obs.endpoint, "access_key": obs.access_key, "secret_key": obs.secret_key},
        "oci": {"endpoint": oci.endpoint, "auth": "api_key", "config_file": str(oci.config_file), "region": oci.region},
    }
    lines = ['log = "logs"', "[limits]", "margin = 0"]
    for name, url in STORES.items():
        lines += [f"[stores.{name}]", f'url = "{url}"', "retries = 0"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in options[url.partition("://")[0]].items()]
    for name, targets in ROUTES.items():
        lines += ["[[routes]]", f'name = "{name}"', f'source = "{name}"', f"targets = {json.dumps(targets)}"]
        lines += ['deletes = "follow"']
    return "\n".join(lines)
