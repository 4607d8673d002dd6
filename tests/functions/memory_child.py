"""A function's process that handles one small event, then a batch, and says how far its memory rose between the two.

Peak and idle are the kernel's: VmHWM and VmRSS of /proc/self/status, in bytes. Reads {"small": …, "batch": …} from
standard input, configured by BUCKETRELAY_TOML.
"""

import gc
import json
import math
import sys
from pathlib import Path

from bucketrelay.drivers import function as entry
from bucketrelay.process import Process


def status(name: str) -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[name].split()[0]) * 1024


def main() -> None:
    events, process = json.load(sys.stdin), Process(Path(__file__).parent)
    system = process.system()
    object.__setattr__(system, "emit", lambda line: None)  # standard output is for the answer
    entry.handle(events["small"], system, cloud=None, seconds=math.inf, invocation="small")
    gc.collect()
    idle = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again here
    report = entry.handle(events["batch"], system, cloud=None, seconds=math.inf, invocation="batch")
    failed = [result.error for result in report.results if not result.ok]
    print(json.dumps({"idle": idle, "peak": status("VmHWM"), "results": len(report.results), "failed": failed[:3]}))


if __name__ == "__main__":
    main()
