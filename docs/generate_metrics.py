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
[`bucketrelay status`](status.md): the lists of the log store, read as they grow, beginning a day before the server was
started, and what the job queue and the last books say. Each has the labels `route` and `target`, and those below.

| metric | kind | more labels | says |
|---|---|---|---|
"""
TAIL = """
[templates/grafana](../templates/grafana) has a dashboard and alerting rules over them; a test holds every query to this
table.
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
