"""Requests for copies and the replies to them, as medusa-copier reads and writes them. Pure.

    {"action": "copyto", "pass_through": {…},
     "parameters": {"source_root": …, "source_key": …, "target_root": …, "target_key": …}}

Its members, their order and every word of them: medusa-project/medusa-copier e15327ac and simple-queue-server 67e48dee.
What these leak or crash at is answered in their own words: an unknown root without the table of all roots, a missing
parameter by the message that was meant, JSON that is no object as an invalid request. `copy` is ours: all below
`source_prefix` goes below `target_prefix`, and one reply comes at its end, with counts.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from bucketrelay.errors import ObjectGone, OutOfTime, RelayError, StoreUnavailable
from bucketrelay.values import dataclass, field

Reply = dict[str, object]  # in the order of its members

COPYTO, COPY = "copyto", "copy"
_PARAMETERS = {
    COPYTO: ("source_root", "source_key", "target_root", "target_key"),
    COPY: ("source_root", "source_prefix", "target_root", "target_prefix"),
}
_MAY_BE_EMPTY = ("source_prefix", "target_prefix")

# rclone's exit statuses (lib/exitcode), which `rclone_status` has been to its readers.
FINE, UNCATEGORISED, NOT_FOUND, TEMPORARY = 0, 1, 4, 5


@dataclass(frozen=True, slots=True)
class Request:
    """One request, complete and understood. `parameters` are the four that its action needs, in their order."""

    action: str
    parameters: Mapping[str, str]
    pass_through: Mapping[str, Any] = field(default_factory=dict)
    progress: bool = False  # of a `copy`: replies in between are wanted


@dataclass(frozen=True, slots=True)
class Counts:
    """What has become of the objects of a `copy` so far."""

    copied: int = 0
    unchanged: int = 0
    failed: int = 0
    bytes: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.copied + other.copied,
            self.unchanged + other.unchanged,
            self.failed + other.failed,
            self.bytes + other.bytes,
        )

    def members(self) -> Reply:
        """As members of a reply."""
        return {"copied": self.copied, "unchanged": self.unchanged, "failed": self.failed, "bytes": self.bytes}


class Refused(Exception):
    """The message asks for nothing that can be done; `reply` is the answer to it."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(str(reply["message"]))


def parse(body: bytes, root: Callable[[str], str | None]) -> Request:
    """What a message asks for.

    Args:
        root: the store's name for a root's name in the messages; None where there is no such root.

    Raises:
        Refused: with the reply, for everything that is no request.
    """
    fields = _object(body)
    passed = fields.get("pass_through")
    through = passed if isinstance(passed, dict) else {}
    action, given = fields.get("action"), fields.get("parameters")
    if action not in (COPYTO, COPY):
        raise Refused(
            {"pass_through": through, "status": "failure", "action": action, "message": "Unrecognized Action"}
        )
    values = given if isinstance(given, dict) else {}
    parameters = _parameters(str(action), values, through)
    for name in ("source_root", "target_root"):
        if root(parameters[name]) is None:
            _refuse(str(action), through, "Unrecognized root was provided.")
    return Request(str(action), parameters, through, progress=values.get("progress") is True)


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError, and so is a number of 5,000 digits
        parsed = None
    if not isinstance(parsed, dict):
        raw = body.decode("utf-8", "replace")
        raise Refused({"pass_through": {}, "status": "failure", "message": "Invalid Request", "raw_request": raw})
    return parsed


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _parameters(action: str, values: Mapping[str, Any], through: Mapping[str, Any]) -> dict[str, str]:
    names = _PARAMETERS[action]
    missing = [name for name in names if values.get(name) is None or (values[name] == "" and name not in _MAY_BE_EMPTY)]
    if missing:
        _refuse(action, through, f"Not all request parameters were provided. Missing: {', '.join(missing)}")
    wrong = [name for name in names if not isinstance(values[name], str) or not _sayable(values[name])]
    if wrong:
        _refuse(action, through, f"Not all request parameters were provided. Not a text: {', '.join(wrong)}")
    return {name: values[name] for name in names}


def _sayable(text: str) -> bool:
    """Whether UTF-8 can say it: JSON can say half of a surrogate pair, and no store can."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _refuse(action: str, through: Mapping[str, Any], message: str) -> NoReturn:
    raise Refused({"pass_through": through, "status": "failure", "message": message, "action": action})


def success(request: Request, counts: Counts | None = None) -> Reply:
    """The reply to a request that was fulfilled; *counts* of a `copy`."""
    return {
        "pass_through": dict(request.pass_through),
        "rclone_status": FINE,
        "status": "success",
        "action": request.action,
        "parameters": dict(request.parameters),
        **(counts.members() if counts else {}),
    }


def failure(request: Request, message: str, status: int | None = UNCATEGORISED, counts: Counts | None = None) -> Reply:
    """The reply to a request that could not be fulfilled."""
    return {
        "pass_through": dict(request.pass_through),
        "rclone_status": status,
        "status": "failure",
        "message": f"Unknown copying error: {message}",
        "action": request.action,
        **(counts.members() if counts else {}),
    }


def progress(request: Request, counts: Counts) -> Reply:
    """A reply in between, to a `copy` that asks for them."""
    return {
        "pass_through": dict(request.pass_through),
        "status": "progress",
        "action": request.action,
        "parameters": dict(request.parameters),
        **counts.members(),
    }


def status_of(error: RelayError) -> int:
    """The status that rclone would have ended with."""
    if isinstance(error, ObjectGone):
        return NOT_FOUND
    return TEMPORARY if isinstance(error, StoreUnavailable | OutOfTime) else UNCATEGORISED


def text(reply: Mapping[str, object]) -> bytes:
    """A reply as its readers get it: JSON without blanks, in UTF-8."""
    try:
        return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # a lone surrogate in what is passed through goes back as it came, as \ud800
        return json.dumps(reply, separators=(",", ":")).encode()


def to_payload(request: Request) -> dict[str, object]:
    """A request as the payload of a job."""
    return {
        "action": request.action,
        "parameters": dict(request.parameters),
        "pass_through": dict(request.pass_through),
        "progress": request.progress,
    }


def from_payload(payload: Mapping[str, Any]) -> Request:
    """The request of a job's payload."""
    return Request(
        payload["action"], payload["parameters"], payload["pass_through"], progress=bool(payload.get("progress"))
    )
