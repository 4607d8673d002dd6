"""Rules of Oracle's Events service as values: what ours says, what others' mean. Pure.

Source: "Matching Events with Filters": all named fields must match, an array means any of its values, `*` stands for
any text; a rule sees its compartment and those below.
"""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from bucketrelay.model import Address
from bucketrelay.wire import Wish

TAG = "bucketrelay"  # on our rules, with the route's name: a display name is nobody's own
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


def brings(rule: Mapping[str, Any], address: Address, action: Mapping[str, Any] | None = None) -> bool:
    """Whether a rule brings every change of every name of the store somewhere, or to the target of *action*.

    A filter that is not understood counts as one that leaves something out.
    """
    said = _condition(rule)
    data = said.pop("data", {})
    types = _any(said.pop("eventType", "*"))
    if not rule.get("isEnabled") or said or not isinstance(data, dict):
        return False
    details = data.get("additionalDetails", {})
    if set(data) - {"additionalDetails", "resourceName"} or set(details) - {"bucketName", "namespace"}:
        return False
    if not all(any(fnmatchcase(event, pattern) for pattern in types) for event in _EVENTS):
        return False
    bucket = any(fnmatchcase(address.bucket, pattern) for pattern in _any(details.get("bucketName", "*")))
    space = not address.namespace or any(
        fnmatchcase(address.namespace, pattern) for pattern in _any(details.get("namespace", "*"))
    )
    names = any(_below(address.prefix, pattern) for pattern in _any(data.get("resourceName", "*")))
    known = [_of(each) for each in rule["actions"]["actions"] if each.get("isEnabled")]
    return bucket and space and names and (bool(known) if action is None else _of(action) in known)


def concerns(condition: str, address: Address) -> bool:
    """Whether a condition may be about the bucket at all: the actions of the others need not be asked for."""
    return address.bucket in condition or '"bucketName"' not in condition or "*" in condition


def _below(prefix: str, pattern: str) -> bool:
    """Whether *pattern* is for all names that begin with *prefix*."""
    return pattern.endswith("*") and prefix.startswith(pattern[:-1]) and "*" not in pattern[:-1]


def _any(said: object) -> list[str]:
    return [str(value) for value in said] if isinstance(said, list) else [str(said)]


def _condition(rule: Mapping[str, Any]) -> dict[str, Any]:
    try:
        said = json.loads(rule["condition"])
    except ValueError:
        return {"unreadable": True}
    return said if isinstance(said, dict) else {"unreadable": True}


def _of(action: Mapping[str, Any]) -> tuple[Any, ...]:
    where = action.get("functionId") or action.get("topicId") or action.get("streamId")
    return action.get("actionType"), where, bool(action.get("isEnabled"))
