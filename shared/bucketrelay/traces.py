"""OpenTelemetry traces, where an endpoint is configured: a span for each invocation, and one below it for each task.

Spans wait in this process and are sent at the invocation's end, within its deadline: a function is frozen when it has
answered, and a sender of its own thread would be, too. A collector that does not answer costs an invocation two seconds
at most, and the ones that follow within a minute nothing.

Attributes: opentelemetry.io/docs/specs/semconv (faas, cloud, cloudevents, error); what these do not know begins with
`bucketrelay.`.
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context

from bucketrelay import __version__
from bucketrelay.core.run import Deliver
from bucketrelay.deadline import Deadline, current
from bucketrelay.model import Outcome, Result, Task
from bucketrelay.reports.sums import cause_of
from bucketrelay.system import System
from bucketrelay.values import dataclass, replace

_LONGEST = 2.0  # seconds for which a collector is waited for
_REST = 60.0  # seconds for which one that did not answer is left alone
_EVERY = 5.0  # seconds between two sendings of a process that goes on
_MOST = 4096  # spans that wait; what comes then is dropped, and said so


class Traces:
    """Makes spans and sends them.

    Args:
        endpoint: the whole URL that takes them, with `/v1/traces`.
        environ: says what runs where. Headers, certificates and samplers are the exporter's own variables.
        say: takes a line about spans that nobody took.
    """

    def __init__(self, endpoint: str, environ: Mapping[str, str], say: Callable[[str], None]) -> None:
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)  # what it would say, we say in a line
        self._endpoint, self._say = endpoint, say
        self._kept = _Kept()
        self._provider = TracerProvider(resource=Resource.create(_where(environ)), shutdown_on_exit=False)
        self._provider.add_span_processor(self._kept)
        self._tracer = self._provider.get_tracer("bucketrelay", __version__)
        self._sent, self._rests = -math.inf, -math.inf
        self._lock = threading.Lock()

    @contextmanager
    def invocation(self, system: System, number: str) -> Iterator[System]:
        """A span for what is done with the system that this gives; it and those of its tasks are sent at the end.

        Args:
            number: the platform's id of the invocation; or `job 7`, `replay 8`.
        """
        span = self._tracer.start_span("invocation", kind=SpanKind.SERVER, attributes={"faas.invocation_id": number})
        deliver = Traced(system.runner.deliver, self._tracer, set_span_in_context(span))
        try:
            yield replace(system, runner=replace(system.runner, deliver=deliver))
        except Exception as error:
            span.record_exception(error)
            span.set_status(StatusCode.ERROR, str(error)[:200])
            raise
        finally:
            span.end()
            self.flush()

    def flush(self, *, last: bool = False) -> None:
        """Send what waits, as far as the deadline leaves time; a process without one sends it now and then."""
        left, now = current().remaining(), time.monotonic()
        if now < self._rests or (left == math.inf and not last and now - self._sent < _EVERY):
            return
        with self._lock:  # one sends, for all
            spans, dropped = self._kept.take()
            if spans:
                self._sent = now
                self._send(spans, min(_LONGEST, left / 2), dropped)

    def _send(self, spans: Sequence[ReadableSpan], seconds: float, dropped: int) -> None:
        if seconds < 0.05:
            self._say(f"traces: no time was left to send {len(spans)} spans")
            return
        exporter = OTLPSpanExporter(endpoint=self._endpoint, timeout=seconds)
        try:
            taken = exporter.export(spans) is SpanExportResult.SUCCESS
        finally:
            exporter.shutdown()  # type: ignore[no-untyped-call]  # theirs has no annotation
        if not taken:
            self._rests = time.monotonic() + _REST
            self._say(f"traces: {self._endpoint} did not take {len(spans)} spans: it is left alone for {_REST:g} s")
        elif dropped:
            self._say(f"traces: {dropped} spans were dropped: more than {_MOST} waited")

    def close(self) -> None:
        """Send what still waits."""
        self.flush(last=True)


@dataclass(frozen=True, slots=True)
class Traced:
    """Delivers, with a span for each task."""

    deliver: Deliver
    tracer: Tracer
    parent: Context

    def together(self, task: Task) -> int:
        """See Deliver."""
        return self.deliver.together(task)

    def brief(self, task: Task) -> bool:
        """Never: what is begun anew would have two spans, the first of them an error."""
        del task
        return False

    def __call__(self, tasks: Sequence[Task], deadline: Deadline) -> Sequence[Result]:
        """See Deliver."""
        spans = [self.tracer.start_span("task", self.parent, attributes=_of_task(task)) for task in tasks]
        results: Sequence[Result] = ()
        try:
            results = self.deliver(tasks, deadline)
        finally:
            for span, result in zip(spans, results, strict=False):
                _tell(span, result)
            for span in spans:
                span.end()
        return results


def _of_task(task: Task) -> dict[str, str]:
    told = {
        "bucketrelay.route": task.route,
        "bucketrelay.change": task.change.value,
        "bucketrelay.key": task.key,
        "bucketrelay.target": task.target or task.forward,
        "cloudevents.event_id": task.cause,
    }
    return {name: value.encode("utf-8", "replace").decode() for name, value in told.items() if value}


def _tell(span: Span, result: Result) -> None:
    span.set_attribute("bucketrelay.outcome", result.outcome.value)
    span.set_attribute("bucketrelay.bytes", result.bytes)
    if result.lag is not None:
        span.set_attribute("bucketrelay.lag", result.lag)
    if not result.ok:
        cause = cause_of(result).encode("utf-8", "replace").decode()
        span.set_attribute("error.type", cause or result.outcome.value)
        if result.outcome is Outcome.FAILED:
            span.set_status(StatusCode.ERROR, result.error.encode("utf-8", "replace").decode())


class _Kept(SpanProcessor):
    """Keeps the spans that have ended, until somebody takes them."""

    def __init__(self) -> None:
        self._spans: deque[ReadableSpan] = deque()
        self._dropped = 0
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """See SpanProcessor."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        with self._lock:
            if len(self._spans) < _MOST:
                self._spans.append(span)
            else:
                self._dropped += 1

    def take(self) -> tuple[list[ReadableSpan], int]:
        """What waits, and how many were dropped; nothing of it waits any more."""
        with self._lock:
            spans, dropped = list(self._spans), self._dropped
            self._spans.clear()
            self._dropped = 0
        return spans, dropped


def _where(environ: Mapping[str, str]) -> dict[str, str]:
    """What runs where, by the variables of the three platforms."""
    names = ("AWS_LAMBDA_FUNCTION_NAME", "RUNTIME_FUNC_NAME", "FN_FN_NAME")
    function = next((name for name in names if environ.get(name)), "")
    told = {
        "service.name": environ.get("OTEL_SERVICE_NAME", "bucketrelay"),
        "service.version": __version__,
        "faas.name": environ.get(function, ""),
        "cloud.provider": {"AWS_LAMBDA_FUNCTION_NAME": "aws", "FN_FN_NAME": "oracle_cloud"}.get(function, ""),
        "cloud.region": environ.get("AWS_REGION", "") if function else "",
    }
    return {name: value for name, value in told.items() if value}
