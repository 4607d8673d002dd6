"""Three clouds on 127.0.0.1, and what their events start: the world of `bucketrelay demo`.

The clouds are those of `bucketrelay_emulators.local_clouds`; SQS is moto's, as S3 is. What an event starts is what the
functions of the repository run: a warm process with its configuration, `drivers.function`, and the answer that the
platform is given.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from botocore.session import Session

from bucketrelay import config, wiring
from bucketrelay.drivers import function
from bucketrelay.errors import RelayError
from bucketrelay.model import Cloud, Meta, Result
from bucketrelay.reports import lists
from bucketrelay.store import Store
from bucketrelay.system import System
from bucketrelay.values import dataclass, field
from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from bucketrelay_emulators.local_clouds import (
    S3_KEYS,
    S3_REGION,
    Emulated,
    LocalCloud,
    LocalMoto,
    local_obs,
    local_oci,
    local_s3,
    store_table,
)

QUEUE = "photos-events"
# The stores, as they are named and as people write them; each source with its targets.
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

    s3: LocalMoto
    obs: Emulated
    oci: Emulated
    sqs: Any
    oci_events: Any
    system: System
    calls: int = field(default=0)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator["Clouds"]:
        """Everything up, with buckets and notifications; down again at the end."""
        with ExitStack() as stack:
            s3 = stack.enter_context(local_s3())
            obs, oci = stack.enter_context(local_obs()), stack.enter_context(local_oci("demo"))
            sqs = Session().create_client(
                "sqs",
                region_name=S3_REGION,
                endpoint_url=s3.endpoint,
                aws_access_key_id=S3_KEYS["access_key"],
                aws_secret_access_key=S3_KEYS["secret_key"],
            )
            stack.callback(sqs.close)
            system = wiring.system(config.load(_toml({"s3": s3, "obs": obs, "oci": oci}), {}), emit=lambda _: None)
            stack.callback(system.close)
            clouds = cls(s3, obs, oci, sqs, oci.emulator.events(), system)
            clouds._make_buckets()
            yield clouds

    @property
    def clouds(self) -> Mapping[str, LocalCloud]:
        """By their schemes."""
        return {"s3": self.s3, "obs": self.obs, "oci": self.oci}

    def _make_buckets(self) -> None:
        """The buckets, and S3's events into a queue as a user would wire them."""
        for url in STORES.values():
            scheme, bucket = _place(url)
            self.clouds[scheme].create(bucket)
        url = self.sqs.create_queue(QueueName=QUEUE, Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rules = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
        self.s3.client.put_bucket_notification_configuration(
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
        told = next(e for e in iter(lambda: self.obs.emulator.events.get(timeout=10), None) if _of(e) == "scans")
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
        self.obs.emulator.faults.order(
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
        self.obs.emulator.faults.clear()

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


def _place(url: str) -> tuple[str, str]:
    """The cloud's scheme, and the bucket."""
    scheme, _, place = url.partition("://")
    return scheme, place.partition("@")[0]


def _toml(clouds: Mapping[str, LocalCloud]) -> str:
    lines = ['log = "logs"', "[limits]", "margin = 0"]
    for name, url in STORES.items():
        scheme, bucket = _place(url)
        lines += [store_table(name, clouds[scheme], bucket), "retries = 0"]
    for name, targets in ROUTES.items():
        lines += ["[[routes]]", f'name = "{name}"', f'source = "{name}"', f"targets = {json.dumps(targets)}"]
        lines += ['deletes = "follow"']
    return "\n".join(lines)
