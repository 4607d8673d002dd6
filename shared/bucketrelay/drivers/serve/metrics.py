"""`GET /metrics`: the queue in Prometheus's words, and how many requests came."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bucketrelay.jobs.queue import JobQueue

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry for one app."""

    def __init__(self, queue: JobQueue) -> None:
        self.registry = CollectorRegistry()  # others may register theirs
        self.registry.register(_Queue(queue))
        self._events = Counter(
            "bucketrelay_events",
            "Events that came by HTTP, by what became of them",
            ["outcome"],
            registry=self.registry,
        )

    def count(self, accepted: int, refused: int) -> None:
        """An answer to `POST /events`."""
        self._events.labels("accepted").inc(accepted)
        self._events.labels("refused").inc(refused)

    def text(self) -> bytes:
        """The page."""
        return generate_latest(self.registry)


class _Queue(Collector):
    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def describe(self) -> Iterator[Metric]:
        """Nothing: the queue is not asked before somebody wants to know."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The counts of now."""
        queues, now = self._queue.queues(), self._queue.now()
        for name, words in (
            ("pending", "Jobs that wait"),
            ("running", "Jobs that run"),
            ("dead", "Jobs that need a person: bucketrelay queue dead"),
        ):
            family = GaugeMetricFamily(f"bucketrelay_jobs_{name}", words, labels=["queue"])
            for queue, counts in queues.items():
                family.add_metric([queue], getattr(counts, name))
            yield family
        oldest = GaugeMetricFamily("bucketrelay_oldest_job_seconds", "Age of the oldest that waits", labels=["queue"])
        for queue, counts in queues.items():
            oldest.add_metric([queue], now - counts.oldest.timestamp() if counts.oldest else 0.0)
        yield oldest
