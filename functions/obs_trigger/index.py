"""FunctionGraph: replicate what an OBS trigger, EventGrid or SMN tells. Handler: index.handler."""

from functools import partial
from pathlib import Path
from typing import Any

from bucketrelay.clouds.huawei import invoke as huawei
from bucketrelay.drivers import function as entry
from bucketrelay.process import Process

PROCESS = Process(Path(__file__).parent)


def handler(event: Any, context: Any) -> Any:
    """Returns a summary; raises when something must come again, which is what FunctionGraph retries."""
    keys = (context.getSecurityAccessKey(), context.getSecuritySecretKey(), context.getSecurityToken())
    again = partial(huawei.invoke, keys, context.getUserData)
    system = PROCESS.system(lookup=context.getUserData, keys=keys, defer=again)
    seconds = context.getRemainingTimeInMilliSeconds() / 1000
    asked = PROCESS.messages(event, system, seconds)
    if asked is not None:
        return asked
    return entry.handle(event, system, cloud="obs", seconds=seconds, invocation=context.getRequestID()).answer()
