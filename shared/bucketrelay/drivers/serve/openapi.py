"""`GET /openapi.json`: what there is, for programs. A test holds every answer of ours against it."""

from typing import Any

from bucketrelay import __version__
from bucketrelay.jobs.inventory import DEPTHS

_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string"}


def _object(**members: object) -> dict[str, object]:
    return {"type": "object", "properties": members, "required": list(members)}


def _json(words: str, schema: object) -> dict[str, object]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


_ERROR = _json("What is wrong, in one line", _object(error=_TEXT))
_COUNTS = _object(pending=_COUNT, running=_COUNT, dead=_COUNT)
_INTEGER = {"type": "integer", "minimum": 0}
_REFUSED = {"type": "array", "items": {"type": "object"}}
_ACCEPTED = _object(accepted=_COUNT, refused=_REFUSED)
_INTAKE = _object(enqueued=_COUNT, already=_COUNT)
_ID = _object(id=_COUNT)
_STATES = ["waiting", "running", "done", "failed", "dead"]
_JOB = _object(id=_COUNT, state={"type": "string", "enum": _STATES}, result={"type": ["object", "null"]})
_FILTER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "route": _TEXT,
        "cause": _TEXT,
        "since": {"type": "string", "description": "2026-11-21T09:15:00Z, or how long ago: 2h"},
        "keys": {"type": "array", "items": _TEXT},
    },
}


def _operation(words: str, *, status: int = 200, schema: object = None, **more: object) -> dict[str, object]:
    """An operation with the answers that all have in common."""
    answers: dict[str, object] = {str(status): _json(words, schema) if schema else {"description": words}}
    for code in ("400", "401", "403", "404", "408", "413", "503"):
        answers[code] = _ERROR
    return {"summary": words, "responses": answers, **more}


def _path(*names: str) -> list[dict[str, object]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names
    ]


def _query(name: str, schema: object = None) -> dict[str, object]:
    return {"name": name, "in": "query", "required": False, "schema": schema or _TEXT}


def _body(schema: object, *, required: bool) -> dict[str, object]:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


_DEPTH = _query("depth", {"type": "string", "enum": list(DEPTHS)})
_CLOUD = _query("cloud", {"type": "string", "enum": ["s3", "obs", "oci"]})
_METRICS = {
    "summary": "Prometheus metrics",
    "responses": {
        "200": {"description": "Metrics", "content": {"text/plain": {"schema": _TEXT}}},
        "401": _ERROR,
        "403": _ERROR,
        "503": _ERROR,
    },
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "bucketrelay", "version": __version__, "license": {"name": "Apache-2.0"}},
    "components": {
        "securitySchemes": {
            "token": {"type": "http", "scheme": "bearer"},
            "user": {"type": "http", "scheme": "basic"},
        }
    },
    "security": [{"token": []}, {"user": []}],
    "paths": {
        "/events": {
            "post": _operation(
                "Events of any cloud: accepted once their jobs are in the queue",
                status=202,
                schema=_ACCEPTED,
                parameters=[_CLOUD],
                requestBody=_body({}, required=True),
            )
        },
        "/reconcile/{route}": {
            "post": _operation("A job that reconciles a route", status=202, schema=_ID, parameters=_path("route"))
        },
        "/replay": {
            "post": _operation(
                "A job that replays the failed lists",
                status=202,
                schema=_ID,
                requestBody=_body(_FILTER, required=False),
            )
        },
        "/jobs/{id}": {"get": _operation("Where a job is", schema=_JOB, parameters=_path("id"))},
        "/sync/status": {"get": _operation("Inventory jobs", schema=_COUNTS, parameters=[_query("store")])},
        "/sync/{store}": {
            "post": _operation(
                "Inventory jobs for a store",
                status=202,
                schema=_INTAKE,
                parameters=[*_path("store"), _DEPTH, _query("prefix")],
            )
        },
        "/sync/{store}/{key}": {
            "post": _operation(
                "An inventory job for a key",
                status=202,
                schema=_INTAKE,
                parameters=[*_path("store", "key"), _DEPTH],
            )
        },
        "/api/v1/sync": {"get": _operation("COMS: synchronise the default bucket", status=202, schema=_INTEGER)},
        "/api/v1/bucket/{id}/sync": {
            "get": _operation(
                "COMS: synchronise a bucket",
                status=202,
                schema=_INTEGER,
                parameters=[*_path("id"), _query("recursive", {"type": "boolean"})],
            )
        },
        "/api/v1/object/{id}/sync": {
            "get": _operation("COMS: synchronise an object", status=202, schema=_INTEGER, parameters=_path("id"))
        },
        "/api/v1/sync/status": {
            "get": _operation("COMS: how many jobs wait", schema=_INTEGER, parameters=[_query("bucketId")])
        },
        "/healthz": {"get": _operation("This process is alive", schema=_object(status=_TEXT), security=[])},
        "/readyz": {"get": _operation("The queue answers", schema=_object(status=_TEXT), security=[])},
        "/metrics": {"get": _METRICS},
        "/openapi.json": {"get": _operation("This document", schema={"type": "object"}, security=[])},
    },
}
