"""Rules of Oracle's Events service, kept and not carried out; and what the Functions service says of functions.

Source: the SDK 2.189, `oci/events` (API 20181201) and `oci/functions`: paths and attributes.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable

from bucketrelay_emulators.oci.wire import Answer, Refusal, Request, answer_json, page_size, page_start
from bucketrelay_emulators.server.messages import Named

_VERSION = re.compile(r"20\d{6}")
_VERBS = {"GET": "GetRule", "PUT": "UpdateRule", "DELETE": "DeleteRule"}
_SUMMARY = (
    "id",
    "displayName",
    "description",
    "lifecycleState",
    "condition",
    "compartmentId",
    "isEnabled",
    "freeformTags",
)


def rule_operation(method: str, version: str, rest: list[str]) -> Named | None:
    """What a request to one of the two services asks for; None if it is to neither."""
    if not _VERSION.fullmatch(version) or not rest:
        return None
    if rest[0] == "rules":
        if len(rest) == 1:
            return Named({"POST": "CreateRule", "GET": "ListRules"}.get(method, ""))
        return Named(_VERBS.get(method, ""), key=rest[1])
    if rest[0] == "functions" and len(rest) == 2 and method == "GET":
        return Named("GetFunction", key=rest[1])
    return None


class Rules:
    """The rules by id, in the order of their making; `functions` by OCID, as GetFunction shows them."""

    def __init__(self) -> None:
        self.functions: dict[str, dict[str, object]] = {}
        self._lock = threading.Lock()
        self._rules: dict[str, dict[str, object]] = {}

    def all(self) -> list[dict[str, object]]:
        """What there is, as GetRule shows it."""
        with self._lock:
            return [dict(rule) for rule in self._rules.values()]

    def add(self, details: dict[str, object]) -> str:
        """Make a rule, without a request; returns its id. Raises Refusal."""
        lacking = [n for n in ("displayName", "isEnabled", "condition", "compartmentId", "actions") if n not in details]
        if lacking:
            raise Refusal(400, "InvalidParameter", f"a rule has {' and '.join(lacking)}")
        _check(details)
        made = f"ocid1.eventrule.oc1.phx.{uuid.uuid4().hex}"
        with self._lock:
            self._rules[made] = {"lifecycleState": "ACTIVE", "freeformTags": {}, **details, "id": made}
        return made

    def answers(self, request: Request, key: str) -> dict[str, Callable[[], Answer]]:
        """By operation."""
        return {
            "CreateRule": lambda: answer_json(self._find(self.add(request.json()))),
            "ListRules": lambda: self._list(request),
            "GetRule": lambda: answer_json(self._find(key)),
            "UpdateRule": lambda: self._update(key, request.json()),
            "DeleteRule": lambda: self._delete(key),
            "GetFunction": lambda: self._function(key),
        }

    def _find(self, key: str) -> dict[str, object]:
        with self._lock:
            if key not in self._rules:
                raise Refusal(404, "NotAuthorizedOrNotFound", f"no rule {key}, or not allowed")
            return dict(self._rules[key])

    def _list(self, request: Request) -> Answer:
        asked = request.query
        limit, start = page_size(asked, 50), page_start(asked)
        if not asked.get("compartmentId"):
            raise Refusal(400, "InvalidParameter", "compartmentId is missing")
        rules = [rule for rule in self.all() if rule["compartmentId"] == asked["compartmentId"]]
        if "displayName" in asked:
            rules = [rule for rule in rules if rule["displayName"] == asked["displayName"]]
        shown = [{name: rule.get(name) for name in _SUMMARY} for rule in rules[start : start + limit]]
        following = {"opc-next-page": str(start + limit)} if start + limit < len(rules) else {}
        return answer_json(shown, headers=following)

    def _update(self, key: str, details: dict[str, object]) -> Answer:
        self._find(key)
        _check(details)
        with self._lock:
            self._rules[key].update(details)
        return answer_json(self._find(key))

    def _delete(self, key: str) -> Answer:
        self._find(key)
        with self._lock:
            del self._rules[key]
        return Answer(204)

    def _function(self, key: str) -> Answer:
        if key not in self.functions:
            raise Refusal(404, "NotAuthorizedOrNotFound", f"no function {key}, or not allowed")
        return answer_json({"id": key, "lifecycleState": "ACTIVE", **self.functions[key]})


def _check(details: dict[str, object]) -> None:
    """A condition is a string that holds JSON, and there is something to do."""
    condition, actions = details.get("condition"), details.get("actions")
    if condition is not None:
        try:
            json.loads(str(condition))
        except ValueError as error:
            raise Refusal(400, "InvalidParameter", "the condition is no JSON") from error
    if actions is not None and not (isinstance(actions, dict) and actions.get("actions")):
        raise Refusal(400, "InvalidParameter", "a rule has at least one action")
