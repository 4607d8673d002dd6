"""Settings of OBS buckets: versioning is carried out, notification and lifecycle are kept as they were sent."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from weakref import WeakKeyDictionary

from bucketrelay_emulators.engine.engine import Bucket
from bucketrelay_emulators.obs.call import Call
from bucketrelay_emulators.obs.signature import Refusal
from bucketrelay_emulators.obs.xml import document, read, text_of
from bucketrelay_emulators.server.messages import Reply

_ROOTS = {
    "notification": "NotificationConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "versioning": "VersioningConfiguration",
}
_lock = threading.Lock()
_kept: WeakKeyDictionary[Bucket, dict[str, bytes]] = WeakKeyDictionary()


def setting(bucket: Bucket, name: str) -> bytes:
    """The document as it was sent; b"" if none was."""
    with _lock:
        return _kept.get(bucket, {}).get(name, b"")


def keep(bucket: Bucket, name: str, text: bytes) -> None:
    """Set it without a request."""
    with _lock:
        _kept.setdefault(bucket, {})[name] = text


def _get(name: str, call: Call) -> Reply:
    text = setting(call.bucket, name)
    if not text and name == "lifecycle":
        raise Refusal(404, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
    return Reply(200, text, {"Content-Type": "application/xml"}) if text else document(_ROOTS[name], [])


def _put(name: str, call: Call) -> Reply:
    tree = read(call.body(), _ROOTS[name])
    if name == "notification":
        for rule in tree:
            if rule.tag.endswith("Configuration") and rule.find("Event") is None:
                raise Refusal(400, "InvalidArgument", f"a {rule.tag} names no event")
    if name == "versioning":
        if (status := text_of(tree, "Status")) not in ("Enabled", "Suspended"):
            raise Refusal(400, "MalformedXML", "The XML you provided was not well-formed: Enabled or Suspended")
        call.bucket.keep_versions(on=status == "Enabled")
    keep(call.bucket, name, call.incoming.body)
    return Reply(200)


def _operation(verb: str, name: str) -> str:
    return f"{verb}Bucket{name.capitalize()}"


OPERATIONS: Mapping[str, Callable[[Call], Reply]] = {
    **{_operation("Get", name): partial(_get, name) for name in _ROOTS},
    **{_operation("Set", name): partial(_put, name) for name in _ROOTS},
}
SUBRESOURCES: Mapping[str, Mapping[str, str]] = {
    name: {"GET": _operation("Get", name), "PUT": _operation("Set", name)} for name in _ROOTS
}
