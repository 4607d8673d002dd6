"""docs/fault-matrix.md, written and read."""

from collections.abc import Mapping
from pathlib import Path

from faults.matrix.scenarios import OPERATIONS, ROWS, Operation

PAGE = Path(__file__).parents[3] / "docs" / "fault-matrix.md"
TITLES = {
    "aws": "Amazon S3 (moto)",
    "s3": "S3-compatible (moto)",
    "rclone": "S3-compatible (rclone)",
    "obs": "Huawei OBS",
    "oci": "Oracle OCI",
}
Cells = Mapping[tuple[str, str, str], str]  # operation, fault, cloud: what comes of it

_INTRODUCTION = """\
# What comes of every fault at every request

Written by `make fault-matrix`, which runs it all; `make test` runs a part of it and compares. The real stores
talk through `FaultProxy` (see [emulators.md](emulators.md)) to moto, `rclone serve s3` and the
emulators of OBS and OCI; the other side of each task, and the log, is a store in memory. Stores are made with
`retries = 0`: with the usual two, most faults that pass within a second are not seen at all, but for those of writes.

Each cell is several tasks of a route with `deletes = "follow"`, and each of those is met by the fault twice: once, and
as long as the task goes on. Where that makes a difference, the second is said first: *fails … (once: copied)*. After
each the same task comes again, undisturbed. What holds in every cell that is not in bold:

* the target holds exactly what it held before, or exactly the whole new version, or nothing if the source is gone;
  no other key is touched;
* the task has a result: done, and then it is so; or failed, with an error that names the object;
* once the fault has ended, the same task succeeds, and the target equals the source.

In bold is what does not: **wrong** is a defect that is known, **not noticed** a limit of what the server offers (over
TLS, bytes do not change on the way).

| words | meaning |
|---|---|
| copied, deleted | the task is done in spite of the fault |
| found done | likewise: the write had been done though its answer said otherwise, or there was nothing to do |
| fails, comes again | the result is `retryable`: the same task, brought again by the platform, may succeed |
| fails, to be mended | the result is not `retryable`: the error says what to grant or to configure; then replay |
| target untouched | it holds what it held before |
| yet it is done | the target is as it should be; the next attempt finds that out |
| an upload left open | parts of no object: the sweep removes them, the bucket's rule those whose id nobody heard |
| believed | a store that says "no such key" is believed; no client can know better |
| — | there is nothing at which that fault could happen |

"""


def render(cells: Cells) -> str:
    """The page."""
    return _INTRODUCTION + "\n".join(_section(operation, cells) for operation in OPERATIONS)


def _section(operation: Operation, cells: Cells) -> str:
    tasks = ", ".join(scenario.name for scenario in operation.scenarios)
    lines = [
        f"## {operation.name}",
        "",
        f"`{'`, `'.join(operation.requests)}` of the {operation.side}. Tasks: {tasks}.",
        "",
        f"| the server | {' | '.join(TITLES.values())} |",
        f"|{'---|' * (len(TITLES) + 1)}",
    ]
    for row in ROWS:
        said = (cells[operation.name, row.name, name] for name in TITLES)
        lines.append(f"| {row.name} | {' | '.join(said)} |")
    return "\n".join(lines) + "\n"


def parse(text: str) -> Cells:
    """The cells of a page."""
    found = {}
    for section in text.split("\n## ")[1:]:
        operation = section.partition("\n")[0]
        for line in section.split("\n"):
            first, *said = (part.strip() for part in line.strip("|").split("|"))
            if len(said) == len(TITLES) and first not in ("the server", "---"):
                found |= {(operation, first, name): words for name, words in zip(TITLES, said, strict=True)}
    return found
