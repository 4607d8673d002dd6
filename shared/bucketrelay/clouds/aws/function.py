"""What stands behind a bucket's notifications on AWS: Lambda functions, and the queues that Lambda reads for them.

Sources: Lambda developer guide, "services-sqs-configure" (visibility timeout, dead letters, ReportBatchItemFailures)
and "gettingstarted-limits"; Lambda API reference, GetFunctionConfiguration and ListEventSourceMappings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.bucket import Fact, Need
from bucketrelay.clouds.function_limits import memory, seconds


def facts(access: Access, targets: Sequence[str], need: Need) -> list[Fact]:
    """What can be seen of each target. What may not be asked is a fact without an answer."""
    rows: list[Fact] = []
    for target in targets:
        service = target.split(":")[2] if target.count(":") >= 5 else ""
        look = _LOOKS.get(service)
        if look is None or not target.startswith("arn:aws"):
            rows.append(Fact(None, f"{target}: what stands behind it cannot be seen from here", "check it by hand"))
            continue
        rows += look(access, target, need)
    return rows


def _of_function(access: Access, arn: str, need: Need) -> Iterator[Fact]:
    with _client(access, "lambda", arn) as client:
        shown = _ask(lambda: client.get_function_configuration(FunctionName=arn), "lambda:GetFunctionConfiguration")
    yield from [shown] if isinstance(shown, Fact) else _limits(arn, shown, need)


def _of_queue(access: Access, arn: str, need: Need) -> Iterator[Fact]:
    with _client(access, "lambda", arn) as client:
        answer = _ask(lambda: client.list_event_source_mappings(EventSourceArn=arn), "lambda:ListEventSourceMappings")
        if isinstance(answer, Fact):
            yield answer
            return
        mappings = answer.get("EventSourceMappings", [])
        if not mappings:
            yield Fact(False, f"{arn}: no function reads it", "add an event source mapping, as templates/sam does")
        longest = 0
        for mapping in mappings:
            yield from _mapping(arn, mapping)
            name = mapping["FunctionArn"]
            shown = _ask(
                lambda name=name: client.get_function_configuration(FunctionName=name),  # type: ignore[misc]  # called here and now
                "lambda:GetFunctionConfiguration",
            )
            yield from [shown] if isinstance(shown, Fact) else _limits(name, shown, need)
            longest = max(longest, 0 if isinstance(shown, Fact) else shown.get("Timeout", 0))
    yield from _queue(access, arn, longest)


def _mapping(arn: str, mapping: Mapping[str, Any]) -> Iterator[Fact]:
    if mapping.get("State") not in (None, "Enabled", "Enabling", "Creating", "Updating"):
        yield Fact(False, f"{arn}: its mapping is {mapping['State']}", "enable the event source mapping")
    if "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()):
        yield Fact(True, f"{arn}: one failed message comes again alone")
    else:
        remedy = "set FunctionResponseTypes: [ReportBatchItemFailures] on the event source mapping"
        yield Fact(False, f"{arn}: failed messages are taken for done, as the mapping does not listen", remedy)


def _queue(access: Access, arn: str, timeout: int) -> Iterator[Fact]:
    name, account = arn.split(":")[5], arn.split(":")[4]
    with _client(access, "sqs", arn) as client:

        def attributes() -> Mapping[str, Any]:
            url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
            answer: Mapping[str, Any] = client.get_queue_attributes(
                QueueUrl=url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"]
            )
            return answer

        settings = _ask(attributes, "sqs:GetQueueUrl and sqs:GetQueueAttributes")
    if isinstance(settings, Fact):
        yield settings
        return
    known = settings.get("Attributes", {})
    visible = int(known.get("VisibilityTimeout", 0))
    if visible < 6 * timeout:
        remedy = f"set the queue's VisibilityTimeout to {6 * timeout} or more: six times the function's timeout"
        yield Fact(False, f"{arn}: messages come back after {visible} s, while the function may still run", remedy)
    else:
        yield Fact(True, f"{arn}: messages come back after {visible} s")
    if "RedrivePolicy" in known:
        yield Fact(True, f"{arn}: what fails for good goes to a dead-letter queue")
    else:
        remedy = "give the queue a RedrivePolicy with a dead-letter queue and maxReceiveCount of 5 or more"
        yield Fact(
            False, f"{arn}: no dead-letter queue: what fails for good comes again for days, then is lost", remedy
        )


def _limits(arn: str, shown: Mapping[str, Any], need: Need) -> Iterator[Fact]:
    yield seconds(arn, shown.get("Timeout", 3), need, most=900)
    yield memory(arn, shown.get("MemorySize", 128), need)


def _ask(call: Callable[[], Mapping[str, Any]], permission: str) -> Mapping[str, Any] | Fact:
    from botocore.exceptions import BotoCoreError, ClientError  # the SDK is loaded by now

    try:
        return call()
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in _GONE:
            return Fact(False, f"it does not exist: {error}", "deploy it, then wire the route again")
        return Fact(None, f"could not be asked: {error}", f"grant {permission} to whoever runs doctor")


_GONE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException"})


def _client(access: Access, service: str, arn: str) -> Any:
    """A client of another service, with the store's credentials; to be closed."""
    from bucketrelay.clouds.aws.sdk import client  # the SDK is slow to load, and few ask

    return closing(client(access, service, arn.split(":")[3]))


_LOOKS: Mapping[str, Callable[[Access, str, Need], Iterator[Fact]]] = {"lambda": _of_function, "sqs": _of_queue}
