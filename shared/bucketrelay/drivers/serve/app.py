"""The application: which request goes where, and what an error becomes."""

import json
from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bucketrelay.drivers.serve import coms, sync
from bucketrelay.drivers.serve.events import Intake
from bucketrelay.drivers.serve.group import Group
from bucketrelay.drivers.serve.guard import Guard, TooLarge, error_response, too_large, who
from bucketrelay.drivers.serve.jobs import failures_of, members, reconcile_job, replay_job
from bucketrelay.drivers.serve.metrics import CONTENT_TYPE, Metrics
from bucketrelay.drivers.serve.openapi import DOCUMENT
from bucketrelay.drivers.serve.world import Serving
from bucketrelay.errors import BadEvent, RelayError, StoreUnavailable
from bucketrelay.jobs.queue import NewJob
from bucketrelay.model import Result
from bucketrelay.reports.acts import Act, words, write_down

_AT_ONCE = 64 * 1024  # bytes of a body that is read at once: a thread for it would take longer


def app(serving: Serving, *more: Route, failures: Callable[[], Iterable[Result]] = tuple) -> Starlette:
    """The application.

    Args:
        more: routes of other rooms, which stand before ours: the operator's page, the archive's endpoints.
        failures: what is not right yet, for the number of what an order is about.
    """
    endpoints = _Endpoints(serving, failures)
    routes = [
        # The first that is looked at: nothing comes as often.
        Route("/events", _Events(serving, endpoints.registry), methods=["POST"]),
        *more,
        Route("/reconcile/{route}", endpoints.reconcile, methods=["POST"]),
        Route("/replay", endpoints.replay, methods=["POST"]),
        Route("/jobs/{id}", endpoints.job, methods=["GET"]),
        Route("/healthz", endpoints.healthz, methods=["GET"]),
        Route("/readyz", endpoints.readyz, methods=["GET"]),
        Route("/metrics", endpoints.metrics, methods=["GET"]),
        Route("/openapi.json", endpoints.openapi, methods=["GET"]),
        *sync.routes(serving),
        *coms.routes(serving),
    ]
    made = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, guarding=serving.guarding)],
        exception_handlers={
            HTTPException: _http_error,
            RelayError: _relay_error,
            TooLarge: _too_large,
            ClientDisconnect: _not_found,
        },
    )
    made.state.metrics = endpoints.registry
    return made


class _Events:
    """Events, of whomever. An ASGI application of its own: nothing comes as often, and needs less of a Request."""

    def __init__(self, serving: Serving, registry: Metrics) -> None:
        self._serving, self._registry = serving, registry
        self._intake, self._group = Intake(serving), Group(serving.queue)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        body, headers = await _body(receive), Headers(scope=scope)
        cloud = QueryParams(scope["query_string"]).get("cloud", "") if scope["query_string"] else ""
        if len(body) <= _AT_ONCE:
            taken = self._intake.take(body, headers, cloud)
        else:
            taken = await run_in_threadpool(self._intake.take, body, headers, cloud)
        # Before the answer: of what could not be written, lists or jobs, the sender must come again.
        if taken.refused:
            await run_in_threadpool(self._serving.record, taken.refused)
        if taken.jobs:
            await self._group.enqueue(taken.jobs)
        answer = taken.answer
        refused = answer.body.get("refused")
        self._registry.count(int(str(answer.body.get("accepted", 0))), len(refused) if isinstance(refused, list) else 0)
        await JSONResponse(answer.body, answer.status)(scope, receive, send)


class _Endpoints:
    def __init__(self, serving: Serving, failures: Callable[[], Iterable[Result]]) -> None:
        self._serving, self._failures = serving, failures
        self.registry = Metrics(serving.queue)

    async def reconcile(self, request: Request) -> Response:
        """A job that reconciles a route."""
        name = request.path_params["route"]
        if name not in {route.name for route in self._serving.system.routes}:
            return error_response(404, f"no route is named {name[:64]!a}")
        act = Act(self._serving.system.now(), who(request), "reconcile", {"route": name})
        return JSONResponse({"id": await run_in_threadpool(self._order, reconcile_job(name), act)}, 202)

    async def replay(self, request: Request) -> Response:
        """A job that replays the failed lists."""
        wanted = await _object(request)
        job = replay_job(wanted, frozenset(route.name for route in self._serving.system.routes))
        name = who(request)

        def order() -> int:
            count = sum(1 for _ in failures_of(job, self._failures()))
            return self._order(job, Act(self._serving.system.now(), name, "redo", words(wanted), count))

        return JSONResponse({"id": await run_in_threadpool(order)}, 202)

    def _order(self, job: NewJob, act: Act) -> int:
        """Write down who gave the order, then enqueue its job. Answers with the job's id."""
        write_down(self._serving.system.log(), act)
        return self._serving.queue.enqueue([job]).ids[0]

    async def job(self, request: Request) -> Response:
        """Where a job is."""
        number = request.path_params["id"]
        whole = number.isascii() and number.isdigit() and len(number) < 20
        record = await run_in_threadpool(self._serving.queue.get, int(number)) if whole else None
        if record is None:
            return error_response(404, "no such job, or its result is no longer kept")
        return JSONResponse(members(record))

    async def healthz(self, _: Request) -> Response:
        """This process is alive."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """The queue's database answers."""
        try:
            await run_in_threadpool(self._serving.queue.now)
        except RelayError as error:
            return error_response(503, str(error))
        return JSONResponse({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        """Prometheus's page."""
        return Response(await run_in_threadpool(self.registry.text), media_type=CONTENT_TYPE)

    async def openapi(self, _: Request) -> Response:
        """What there is, for programs."""
        return JSONResponse(DOCUMENT)


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _object(request: Request) -> dict[str, object]:
    body = await request.body()
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise BadEvent("the body is not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise BadEvent("the body must be a JSON object: the filter")
    return value


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return error_response(error.status_code, str(error.detail), headers)


async def _relay_error(_: Request, error: Exception) -> Response:
    if isinstance(error, BadEvent):
        return error_response(400, str(error))
    assert isinstance(error, RelayError)
    # Nothing was taken in: whoever sent it must come again, and senders do so after a 503.
    later = str(int(error.after or 5)) if isinstance(error, StoreUnavailable) else "60"
    return error_response(503, str(error), {"Retry-After": later})


async def _too_large(_: Request, error: Exception) -> Response:
    del error
    return too_large()


async def _not_found(_: Request, error: Exception) -> Response:
    del error
    return error_response(408, "the body did not come to its end")
