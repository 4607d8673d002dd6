"""`/sync…`: inventory jobs, and how many there are."""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bucketrelay.drivers.serve.guard import error_response
from bucketrelay.drivers.serve.world import Serving
from bucketrelay.jobs.inventory import DEPTHS, queue_of
from bucketrelay.jobs.queue import Counts, Intake


def routes(serving: Serving) -> list[BaseRoute]:
    """The routes; the status before the stores, one of which may be called `status`."""
    endpoints = _Endpoints(serving)
    return [
        Route("/sync/status", endpoints.status, methods=["GET"]),
        Route("/sync/{store}", endpoints.whole, methods=["POST"]),
        Route("/sync/{store}/{key:path}", endpoints.one, methods=["POST"]),
    ]


class _Endpoints:
    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    async def status(self, request: Request) -> Response:
        """How many jobs there are."""
        store = request.query_params.get("store", "")
        if store and store not in self._serving.stores:
            return unknown(store)
        counts = await run_in_threadpool(waiting, self._serving, store)
        return JSONResponse({"pending": counts.pending, "running": counts.running, "dead": counts.dead})

    async def whole(self, request: Request) -> Response:
        """All keys of a store."""
        store, depth = self._place(request)
        prefix = request.query_params.get("prefix", "")
        if any(ord(char) < 32 for char in prefix):  # many servers fail on it, and none would be helped by asking
            raise HTTPException(400, "prefix has a control character in it")
        return _enqueue(await run_in_threadpool(self._serving.sync.store, store, prefix, depth=depth))

    async def one(self, request: Request) -> Response:
        """One key."""
        store, depth = self._place(request)
        return _enqueue(await run_in_threadpool(self._serving.sync.key, store, request.path_params["key"], depth=depth))

    def _place(self, request: Request) -> tuple[str, str]:
        store, depth = request.path_params["store"], request.query_params.get("depth", "")
        if store not in self._serving.stores:
            raise HTTPException(404, f"no store is named {store[:64]!a}")
        if depth and depth not in DEPTHS:
            raise HTTPException(400, f"depth must be one of {', '.join(DEPTHS)}")
        return store, depth


def waiting(serving: Serving, store: str = "") -> Counts:
    """The inventory jobs of a store, or of all."""
    if store:
        return serving.queue.counts(queue_of(store))
    every = [counts for name, counts in serving.queue.queues().items() if name.startswith(queue_of(""))]
    return Counts(sum(c.pending for c in every), sum(c.running for c in every), sum(c.dead for c in every))


def unknown(store: str) -> Response:
    """The answer where no store has that name."""
    return error_response(404, f"no store is named {store[:64]!a}")


def _enqueue(intake: Intake) -> Response:
    return JSONResponse({"enqueued": intake.new, "already": intake.already}, 202)
