"""`POST /events`: whatever anybody calls an event, as the jobs that it asks for."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import Headers

from bucketrelay import events
from bucketrelay.drivers.planning import plan_message
from bucketrelay.drivers.serve.world import Serving
from bucketrelay.errors import BadEvent
from bucketrelay.events import Payload
from bucketrelay.jobs.inventory import key_job
from bucketrelay.jobs.queue import NewJob, Priority
from bucketrelay.jobs.tasks import task_job
from bucketrelay.model import Address, Cloud, ObjectEvent, Result
from bucketrelay.routes import Route
from bucketrelay.values import dataclass

_CLOUDS: Mapping[str, Cloud] = {"s3": "s3", "obs": "obs", "oci": "oci"}
_FRESH = 5.0  # seconds
_SUBSCRIPTIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told."""

    status: int
    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class RequestedWork:
    """What a request asks for. Nothing of it is durable yet, and so nobody may be told the answer.

    Attributes:
        refused: to be written into the lists.
    """

    answer: Answer
    jobs: Sequence[NewJob] = ()
    refused: Sequence[Result] = ()


class Intake:
    """Reads events."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._known: frozenset[str] = frozenset()
        self._again = 0.0

    def take(self, body: bytes, headers: Headers, cloud: str) -> RequestedWork:
        """What a request asks for. Raises BadEvent: it is no event."""
        if cloud and cloud not in _CLOUDS:
            raise BadEvent(f"?cloud= must be one of {', '.join(_CLOUDS)}")
        value = _value(body)
        if isinstance(value, dict) and value.get("Type") in _SUBSCRIPTIONS:
            return RequestedWork(Answer(202, {"accepted": 0, "refused": [], "note": _subscription(value)}))
        return self._plan(_parse(value, headers, _CLOUDS.get(cloud), self._serving))

    def _plan(self, payload: Payload) -> RequestedWork:
        system = self._serving.system
        if payload.kind == "schedule":
            return RequestedWork(
                Answer(202, {"accepted": 1, "refused": []}), [_schedule_job(payload.note, system.routes)]
            )
        plans = [plan_message(message, system) for message in payload.messages]
        refused = [result for plan in plans for result in plan.refused]
        errors = [message.error for message in payload.messages if message.error]
        jobs = [task_job(entry.task) for plan in plans for entry in plan.asked]
        noted = self._inventory_jobs(payload)
        jobs += noted.values()
        refused = [result for result in refused if result.source not in noted]
        accepted = len(payload.events) + len(payload.deferrals) - len(refused)
        shown = [_members(result) for result in refused] + [{"error": error} for error in errors]
        if shown and not accepted:
            answer = Answer(400, {"error": shown[0]["error"], "accepted": 0, "refused": shown})
        else:
            answer = Answer(202, {"accepted": accepted, "refused": shown})
        return RequestedWork(answer, jobs, refused)

    def _inventory_jobs(self, payload: Payload) -> dict[str, NewJob]:
        """For events of stores that are taken stock of: the objects' URLs, and the jobs that keep their rows right.

        Also for changes that no copy could show: a tag is none to a route, and one to the inventory.
        """
        stock = self._stock()
        return {
            _url(event): key_job(name, key, priority=Priority.EVENT)
            for event in payload.events
            for name in stock
            if (key := _key(event, self._serving.addresses[name])) is not None
        }

    def _stock(self) -> frozenset[str]:
        """The stores that are taken stock of, as they were a moment ago: asked for once for many events."""
        now = time.monotonic()
        if now >= self._again:
            self._known = self._serving.sync.stores() & self._serving.addresses.keys()
            self._again = now + _FRESH
        return self._known


def _key(event: ObjectEvent, place: Address) -> str | None:
    """The event's key, as it is called in the store at *place*; None where it is none of that store's."""
    same = event.bucket == place.bucket and event.namespace in ("", place.namespace)
    # A record of OBS may say s3; a wrong guess costs a look at a store that has no such key.
    if not same or not event.key or (event.cloud != place.scheme and {event.cloud, place.scheme} != {"s3", "obs"}):
        return None
    return place.relative(event.key) or None


def _url(event: ObjectEvent) -> str:
    return Address(event.cloud, event.bucket, event.namespace).of(event.key)


def _value(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise BadEvent("the body is nested too deeply to be an event") from error
    except ValueError as error:
        raise BadEvent("the body is not JSON in UTF-8") from error


def _parse(value: object, headers: Headers, cloud: Cloud | None, serving: Serving) -> Payload:
    """The payload; a CloudEvent, in either mode, as a whole if its sender has a form of his own, else what is in it."""
    forms = [value]
    if "ce-type" in headers:  # binary mode: the attributes are headers, the body is the data
        attributes = {name[3:]: text for name, text in headers.items() if name.startswith("ce-")}
        forms = [{**attributes, "data": value}, value]
    elif isinstance(value, dict) and "specversion" in value and "data" in value:
        forms = [value, value["data"]]
    errors: list[BadEvent] = []
    for form in forms:
        try:
            return events.parse(form, cloud=cloud, event_keys=serving.system.event_keys)
        except BadEvent as error:
            errors.append(error)
    raise errors[0]


def _subscription(value: dict[str, Any]) -> str:
    """How a person confirms; we fetch no address that a stranger has sent."""
    topic, token = str(value.get("TopicArn", ""))[:256], str(value.get("Token", ""))[:512]
    return (
        "not confirmed: an address in a request is never fetched. If the topic is yours: "
        f"aws sns confirm-subscription --topic-arn {topic} --token {token}"
    )


def _schedule_job(note: str, routes: tuple[Route, ...]) -> NewJob:
    word, _, name = note.strip().partition(" ")
    if word == "reconcile" and name in {route.name for route in routes}:
        return NewJob("reconcile", name, "reconcile", {"route": name}, Priority.ORDER, keep=True)
    if note.strip():
        raise BadEvent("a schedule's text must be empty or `reconcile ROUTE`")
    return NewJob("sweep", "", "sweep", priority=Priority.ORDER, keep=True)


def _members(result: Result) -> dict[str, object]:
    return {"source": result.source, "key": result.key, "error": result.error}
