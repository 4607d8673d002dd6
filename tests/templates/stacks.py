"""Our CloudFormation templates, read, packaged as the AWS command does it, and brought up in moto."""

import ast
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from functions.child import choose
from functions.runtimes import LAMBDA_PACKAGES, LambdaRuntime
from templates.police import FUNCTION_KEY, Police

ROOT = Path(__file__).parents[2]
SAM = ROOT / "templates/sam"
TEMPLATES = ("template.yaml", "template-eventbridge.yaml")
CODE = "code-bucket"
SDK = ("botocore", "jmespath", "dateutil", "six.py", "urllib3")  # of what Lambda's runtime brings


def read(name: str) -> dict[str, Any]:
    """The template, with `!Ref x` as {"Ref": x} and so on."""
    from cfnlint.decode.cfn_yaml import loads  # brings sympy, half a second in every process that collects

    return json.loads(json.dumps(loads((SAM / name).read_text(encoding="utf-8"))))


def packaged(name: str, bucket: str, key: str) -> dict[str, Any]:
    """What `sam deploy` and `aws cloudformation package` make of the template when they have uploaded the archive."""
    template = read(name)
    template["Resources"]["Function"]["Properties"]["Code"] = {"S3Bucket": bucket, "S3Key": key}
    return template


def without_alarms(template: dict[str, Any]) -> dict[str, Any]:
    """For moto, which makes no alarms and refuses a dashboard that refers to them."""
    kept = {key: body for key, body in template["Resources"].items() if not body["Type"].startswith("AWS::CloudWatch")}
    return {**template, "Resources": kept}


def statements(template: Mapping[str, Any], resource: str) -> Iterator[dict[str, Any]]:
    """The statements of a role's or a policy's documents, those of conditions too."""
    properties = template["Resources"][resource]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [properties])]
    for document in documents:
        for statement in document["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


@dataclass
class Aws:
    """moto, a user's clients of it, and the police in front of it."""

    endpoint: str
    police: Police
    code: bytes  # the archive
    clients: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                region_name="us-east-1",
                endpoint_url=self.endpoint,
                aws_access_key_id="user",
                aws_secret_access_key="user",
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            )
        return self.clients[service]


@contextmanager
def aws(archive: Path) -> Iterator[Aws]:
    """A cloud with nothing in it but the archive, in a bucket for code."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    police = Police()
    server._server.app = police.guard(server._server.app)
    made = Aws("http://{}:{}".format(*server.get_host_and_port()), police, archive.read_bytes())
    try:
        made.s3.create_bucket(Bucket=CODE)
        made.s3.put_object(Bucket=CODE, Key=archive.name, Body=made.code)
        yield made
    finally:
        for client in made.clients.values():
            client.close()
        server.stop()


def built(folder: Path) -> Path:
    """The archive as a user builds it."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    arguments = ["s3_notifications", "--stores", "s3", "--python", version, "--out", str(folder)]
    command = [sys.executable, str(ROOT / "deploy/build.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "s3_notifications.zip"


@dataclass
class Stack:
    """A stack that is up, its names, and its function in Lambda's real runtime."""

    aws: Aws
    name: str
    source: str
    target: str
    log: str
    resources: dict[str, str]
    function: dict[str, Any]  # as Lambda's GetFunctionConfiguration tells
    mappings: list[dict[str, Any]]  # as Lambda's ListEventSourceMappings tells
    invoke: Callable[[Any], Any]

    def keys(self, bucket: str) -> list[str]:
        return sorted(found["Key"] for found in self.aws.s3.list_objects_v2(Bucket=bucket).get("Contents", []))

    def lines(self, folder: str) -> list[dict[str, Any]]:
        """The lines of the success or failed lists."""
        names = [key for key in self.keys(self.log) if key.startswith(folder)]
        bodies = [self.aws.s3.get_object(Bucket=self.log, Key=key)["Body"].read() for key in names]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    def waiting(self, queue: str) -> int:
        name = "ApproximateNumberOfMessages"
        asked = {"QueueUrl": self.resources[queue], "AttributeNames": [name]}
        return int(self.aws.sqs.get_queue_attributes(**asked)["Attributes"][name])

    def arn(self, queue: str) -> str:
        asked = {"QueueUrl": self.resources[queue], "AttributeNames": ["QueueArn"]}
        return self.aws.sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]


@contextmanager
def up(cloud: Aws, template: str, name: str, folder: Path, **parameters: str) -> Iterator[Stack]:
    """The template, deployed with these parameters besides the names of its three buckets."""
    buckets = {kind: f"{name}-{kind}" for kind in ("source", "target", "log")}
    given = {f"{kind.capitalize()}BucketName": bucket for kind, bucket in buckets.items()} | parameters
    cloud.cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(without_alarms(packaged(template, CODE, "s3_notifications.zip"))),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    rows = cloud.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    # of types that moto does not make (see its warnings), rows are without an id
    resources = {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows if "PhysicalResourceId" in row}
    lambda_ = getattr(cloud, "lambda")
    function = lambda_.get_function_configuration(FunctionName=resources["Function"])
    mappings = lambda_.list_event_source_mappings(FunctionName=resources["Function"])["EventSourceMappings"]
    for mapping in mappings:  # moto's own poller wants Docker, and knows no batchItemFailures: see `drive`
        lambda_.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    cloud.events.remove_targets(Rule=resources["Daily"].split("/")[-1], Ids=["function"])  # moto: for all events, too
    cloud.police.used.clear()
    cloud.police.statements = list(granted(cloud, resources["Role"]))
    with ExitStack() as stack:
        with zipfile.ZipFile(BytesIO(cloud.code)) as archive:
            archive.extractall(folder / "task")
        packages = [choose(folder / "ric", *LAMBDA_PACKAGES), choose(folder / "sdk", *SDK)]
        env = {
            **function["Environment"]["Variables"],
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": FUNCTION_KEY,
            "AWS_SECRET_ACCESS_KEY": "of-the-role",
        }
        runtime = stack.enter_context(LambdaRuntime(folder / "task", function["Handler"], packages=packages, env=env))
        yield Stack(
            cloud,
            name,
            **buckets,
            resources=resources,
            function=function,
            mappings=mappings,
            invoke=lambda event: runtime.invoke(event, timeout=60),
        )


def granted(cloud: Aws, role: str) -> Iterator[dict[str, Any]]:
    """The statements of all policies that the deployed role has."""
    for name in cloud.iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = cloud.iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        if isinstance(document, str):  # moto keeps those of a role as Python would print them
            document = ast.literal_eval(document)
        yield from filter(None, document["Statement"])  # AWS::NoValue in a list, which CloudFormation leaves out


def drive(stack: Stack, rounds: int = 50) -> list[tuple[int, int]]:
    """What Lambda's poller does with the queue, until it is empty: the messages and the failures of each batch.

    What is reported as failed becomes visible at once instead of after the visibility timeout.
    """
    sqs, url, log = stack.aws.sqs, stack.resources["EventQueue"], []
    for _ in range(rounds):
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=0).get(
            "Messages", []
        )
        if not got:
            return log
        failed = _failed(stack, got)
        for message in got:
            handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in failed:
                sqs.change_message_visibility(**handle, VisibilityTimeout=0)
            else:
                sqs.delete_message(**handle)
        log.append((len(got), len(failed)))
    raise AssertionError(f"still messages after {rounds} batches: {log}")


def _failed(stack: Stack, got: list[dict[str, Any]]) -> set[str]:
    """The messages to keep; all of them for an answer that Lambda cannot read (Lambda guide, "Partial batch")."""
    arn, ids = stack.arn("EventQueue"), {message["MessageId"] for message in got}
    answer = stack.invoke({"Records": [_record(message, arn) for message in got]})
    said = {failure.get("itemIdentifier") for failure in (answer or {}).get("batchItemFailures") or []}
    return said if said.issubset(ids) else ids


def _record(message: dict[str, Any], arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }
