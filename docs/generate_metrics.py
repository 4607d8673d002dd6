# ruff: noqa: INP001 - a script, no package
"""Prints docs/metrics.md, from the table that `/metrics` is made of.

python docs/generate_metrics.py > docs/metrics.md
"""

import sys

from bucketrelay.drivers.metrics import METRICS

HEAD = """\
<!-- Generated: python docs/generate_metrics.py > docs/metrics.md -->
# Metrics

`bucketrelay serve` answers `GET /metrics` in Prometheus's text format. The numbers are those of
[`bucketrelay status`](status.md): what the lists of the log store, the job queue and the last books say. Counters grow
from the day before the database was first asked on, also where the server is started again; lag is that of the last
day. Each has the labels `route` and `target`, and those below.

| metric | kind | more labels | says |
|---|---|---|---|
"""
TAIL = """
[templates/grafana](../templates/grafana) has a dashboard and alerting rules over them; a test holds every query to this
table.

Traces by OpenTelemetry: [traces.md](traces.md).
"""


def page() -> str:
    """The page, in Markdown."""
    rows = [
        f"| `{name}` | {words.kind} | {' '.join(f'`{label}`' for label in words.labels)} | {words.help} |\n"
        for name, words in METRICS.items()
    ]
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    sys.stdout.write(page())
