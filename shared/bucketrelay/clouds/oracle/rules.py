"""Rules of Oracle's Events service as values: what ours says, what others' mean. Pure.

Source: "Matching Events with Filters": all named fields must match, an array means any of its values, `*` stands for
any text; a rule sees its compartment and those below.
"""

import json
from collections.abc import Mapping
from typing import Any

from bucketrelay.clouds.bucket import Wish
from bucketrelay.errors import StoreUnavailable
from bucketrelay.model import Address

TAG = "bucketrelay"  # tags our rules, its value is the route's name; display names need not be unique
_EVENTS = tuple(f"com.oraclecloud.objectstorage.{what}object" for what in ("create", "update", "delete"))


def rule_of(wish: Wish, address: Address, action: Mapping[str, Any], compartment: str) -> dict[str, Any]:
    """Our rule, as CreateRule takes it. Without `updateobject` overwrites would be missed."""
    data: dict[str, Any] = {"additionalDetails": {"bucketName": [address.bucket]}}
    if address.prefix:
        data["resourceName"] = f"{address.prefix}*"
    return {
        "displayName": wish.id,
        "description": f"Changes of {address.url} for bucketrelay's route {wish.route}",
        "isEnabled": True,
        "condition": json.dumps({"eventType": list(_EVENTS), "data": data}),
        "compartmentId": compartment,
        "actions": {"actions": [dict(action)]},
        "freeformTags": {TAG: wish.route},
    }


def same(rule: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a rule of ours is already what is wanted of it."""
    return (
        bool(rule.get("isEnabled"))
        and _condition(rule) == _condition(wanted)
        and [_of(action) for action in rule["actions"]["actions"]] == [_of(a) for a in wanted["actions"]["actions"]]
    )


def rows(parsed: object, url: str, *names: str) -> list[dict[str, Any]]:
    """A list of JSON objects as the service answers it, each with texts of these *names*.

    Raises:
        StoreUnavailable: it is something else: the page of a proxy has status 200, too.
    """
    if isinstance(parsed, list) and all(
        isinstance(row, dict) and all(isinstance(row.get(name), str) for name in names) for row in parsed
    ):
        return parsed
    raise StoreUnavailable(f"{url}: the answer is not the service's: check endpoint and proxy")


def whole_rule(parsed: object, url: str) -> dict[str, Any]:
    """A rule with all of it that is read here. Raises StoreUnavailable."""
    rule = rows([parsed], url, "id", "displayName", "condition")[0]
    actions = rows([rule.get("actions")], url)[0]
    rows(actions.get("actions"), url)
    rows([rule.get("freeformTags") or {}], url)
    return rule


def brings(rule: Mapping[str, Any], address: Address, action: Mapping[str, Any] | None = None) -> bool:
    """Whether a rule brings every change of every name of the store somewhere, or to the target of *action*.

    A filter that is not understood counts as one that leaves something out.
    """
    condition = _condition(rule)
    data = condition.pop("data", {})
    types = _any(condition.pop("eventType", "*"))
    if not rule.get("isEnabled") or condition or not isinstance(data, dict):
        return False
    details = data.get("additionalDetails", {})
    if not isinstance(details, dict):
        return False
    if set(data) - {"additionalDetails", "resourceName"} or set(details) - {"bucketName", "namespace"}:
        return False
    if not all(any(_matches(event, pattern) for pattern in types) for event in _EVENTS):
        return False
    bucket = any(_matches(address.bucket, pattern) for pattern in _any(details.get("bucketName", "*")))
    space = not address.namespace or any(
        _matches(address.namespace, pattern) for pattern in _any(details.get("namespace", "*"))
    )
    names = any(_below(address.prefix, pattern) for pattern in _any(data.get("resourceName", "*")))
    known = [_of(each) for each in rule["actions"]["actions"] if each.get("isEnabled")]
    return bucket and space and names and (bool(known) if action is None else _of(action) in known)


def concerns(condition: str, address: Address) -> bool:
    """Whether a condition may be about the bucket at all: the actions of the others need not be asked for."""
    return address.bucket in condition or '"bucketName"' not in condition or "*" in condition


def names_of(rule: Mapping[str, Any]) -> str:
    """Which names a rule is for, for a person."""
    data = _condition(rule).get("data")
    return str(data.get("resourceName", "all names")) if isinstance(data, dict) else "all names"


def _below(prefix: str, pattern: str) -> bool:
    """Whether *pattern* is for all names that begin with *prefix*."""
    return pattern.endswith("*") and prefix.startswith(pattern[:-1]) and "*" not in pattern[:-1]


def _matches(text: str, pattern: str) -> bool:
    """Whether *pattern* means *text*: `*` is any text, and nothing else is special (`fnmatch` has `?` and `[`, too)."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    at, (*middle, last) = len(first), rest
    for piece in middle:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(text) - at >= len(last) and text.endswith(last)


def _any(types: object) -> list[str]:
    return [str(value) for value in types] if isinstance(types, list) else [str(types)]


def _condition(rule: Mapping[str, Any]) -> dict[str, Any]:
    try:
        parsed = json.loads(rule["condition"])
    except (ValueError, RecursionError):
        return {"unreadable": True}
    return parsed if isinstance(parsed, dict) else {"unreadable": True}


def _of(action: Mapping[str, Any]) -> tuple[Any, ...]:
    where = action.get("functionId") or action.get("topicId") or action.get("streamId")
    return action.get("actionType"), where, bool(action.get("isEnabled"))
