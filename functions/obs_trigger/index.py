"""FunctionGraph: replicate what an OBS trigger, EventGrid or SMN tells. Handler: index.handler."""

from pathlib import Path
from typing import Any

from bucketrelay import entry
from bucketrelay.wiring import Process

PROCESS = Process(Path(__file__).parent)


def handler(event: Any, context: Any) -> Any:
    """Returns a summary; raises when something must come again, which is what FunctionGraph retries."""
    system = PROCESS.system(
        lookup=context.getUserData,
        keys=(context.getSecurityAccessKey(), context.getSecuritySecretKey(), context.getSecurityToken()),
    )
    seconds = context.getRemainingTimeInMilliSeconds() / 1000
    return entry.handle(event, system, cloud="obs", seconds=seconds, invocation=context.getRequestID()).answer()
