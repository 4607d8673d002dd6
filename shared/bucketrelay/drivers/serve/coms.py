"""COMS's own endpoints, for its clients: GET, and a bare integer.

Source: bcgov/common-object-management-service, app/src/routes/v1 and app/src/docs/v1.api-spec.yaml (Apache-2.0).
"""

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bucketrelay.drivers.serve.guard import error_response
from bucketrelay.drivers.serve.sync import waiting
from bucketrelay.drivers.serve.world import Serving


def routes(serving: Serving) -> list[BaseRoute]:
    """The routes."""
    endpoints = _Endpoints(serving)
    return [
        Route("/api/v1/sync", endpoints.default, methods=["GET"]),
        Route("/api/v1/sync/status", endpoints.status, methods=["GET"]),
        Route("/api/v1/bucket/{id}/sync", endpoints.bucket, methods=["GET"]),
        Route("/api/v1/object/{id}/sync", endpoints.one, methods=["GET"]),
    ]


class _Endpoints:
    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def _id_of(self, number: str) -> str:
        store = self._serving.coms.get(number) or number
        if store not in self._serving.stores:
            raise HTTPException(404, "no store has this name or coms_bucket_id")
        return store

    async def default(self, _: Request) -> Response:
        """The default bucket, whole."""
        if not self._serving.coms_default:
            return error_response(404, "there is no default bucket: [serve] coms_default names a store")
        return _count((await run_in_threadpool(self._serving.sync.store, self._serving.coms_default)).new)

    async def bucket(self, request: Request) -> Response:
        """A bucket: what lies directly in it, or all with `recursive=true`."""
        store = self._id_of(request.path_params["id"])
        recursive = request.query_params.get("recursive", "").lower() == "true"
        return _count((await run_in_threadpool(self._serving.sync.store, store, recursive=recursive)).new)

    async def one(self, request: Request) -> Response:
        """An object, by the id that it has in the inventory."""
        place = await run_in_threadpool(self._serving.sync.place, request.path_params["id"])
        if place is None:
            return error_response(404, "the inventory has no object of this id")
        return _count((await run_in_threadpool(self._serving.sync.key, *place)).new)

    async def status(self, request: Request) -> Response:
        """How many jobs wait or run, of all buckets or of those that are named."""
        given = request.query_params.getlist("bucketId") + request.query_params.getlist("bucketId[]")
        stores = [self._id_of(number) for each in given for number in each.split(",") if number]
        counts = [await run_in_threadpool(waiting, self._serving, store) for store in stores or [""]]
        return _count(sum(each.pending + each.running for each in counts), 200)


def _count(count: int, status: int = 202) -> Response:
    return JSONResponse(count, status)
