"""OCI Functions: replicate what the Events service tells, one event or an array. Entry point: func.py handler."""

import io
import json
import logging
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from fdk import response

from bucketrelay.clouds.oracle import invoke as oracle
from bucketrelay.drivers import function as entry
from bucketrelay.errors import OutOfTime
from bucketrelay.process import Process

# fdk sets the root logger to DEBUG: the SDKs would write every header of every request into the function's log.
logging.getLogger().setLevel(logging.WARNING)
PROCESS = Process(Path(__file__).parent)


def handler(ctx: Any, data: io.BytesIO | None = None) -> Any:
    """Returns a summary. fdk turns every status but 502 and 504 into 200, so what must come again is raised."""
    ends = datetime.fromisoformat(ctx.Deadline().replace("Z", "+00:00"))
    seconds = (ends - datetime.now(timezone.utc)).total_seconds()
    payload = data.getvalue() if data else b""
    system = PROCESS.system(defer=lambda rest: oracle.invoke(ctx.FnID(), rest))
    try:
        report = entry.handle(payload, system, cloud="oci", seconds=seconds, invocation=ctx.CallID())
        answer = json.dumps(report.answer())
    except OutOfTime as error:
        raise TimeoutError(str(error)) from error
    return response.Response(ctx, response_data=answer, headers={"Content-Type": "application/json"})
