"""Lambda: replicate what S3 tells, by whichever way, or copy what a message asks for. Handler: app.handler."""

from pathlib import Path
from typing import Any

from bucketrelay.clouds.aws import invoke as aws
from bucketrelay.drivers import function as entry
from bucketrelay.process import Process

PROCESS = Process(Path(__file__).parent)


def handler(event: Any, context: Any) -> Any:
    """Returns `batchItemFailures` or `results` where asked by SQS or Batch Operations; else raises to be retried."""
    seconds = context.get_remaining_time_in_millis() / 1000
    system = PROCESS.system(defer=lambda rest: aws.invoke(context.invoked_function_arn, rest))
    asked = PROCESS.messages(event, system, seconds)
    if asked is not None:
        return asked
    report = entry.handle(event, system, cloud="s3", seconds=seconds, invocation=context.aws_request_id)
    return report.answer()
