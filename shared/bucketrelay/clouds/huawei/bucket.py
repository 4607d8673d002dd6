"""What a bucket of OBS has besides its objects: notifications, versioning, lifecycle; and the server's clock.

Sources: OBS API reference, "Configuring Event Notification for a Bucket" (obs_04_0039: OBS checks that the target
exists and has authorised it); the SDK's guide, setBucketNotification and FunctionGraphConfiguration (obs_22_0832,
obs_22_1447); FunctionGraph API reference, CreateFunctionTrigger: no OBS triggers on the sites in China, where EventGrid
brings the events.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping, Sequence

from bucketrelay.clouds.bucket import (
    CREATED,
    EXPIRED,
    PROBES,
    REMOVED,
    Fact,
    Greeting,
    Need,
    Plan,
    Trouble,
    Unwirable,
    Wired,
    Wish,
    own_id,
)
from bucketrelay.clouds.documents import Document
from bucketrelay.clouds.huawei.credentials import Access
from bucketrelay.clouds.huawei.requests import Given, Requests
from bucketrelay.clouds.huawei.sign import S3
from bucketrelay.clouds.notification_xml import Document as Notification
from bucketrelay.clouds.notification_xml import (
    Rule,
    check_unchanged,
    parse,
    plan_with,
    plan_without,
    reach,
    rule_of,
)
from bucketrelay.errors import RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.http.faults import NoAnswer
from bucketrelay.http.outcome import Effect, Refusal
from bucketrelay.http.pace import Pace
from bucketrelay.model import Address

EVENTS = (CREATED, REMOVED)
_KINDS = {"topic": ("Topic", "urn:smn:"), "function": ("FunctionGraph", "urn:fss:")}
_TROUBLES: Mapping[str, Trouble] = {
    "RequestTimeTooSkewed": "clock",
    "InvalidAccessKeyId": "credentials",
    "SignatureDoesNotMatch": "credentials",
    "InvalidSecurity": "credentials",
    "NoSuchBucket": "bucket",
    "InvalidBucketName": "bucket",
    "VirtualHostDomainRequired": "bucket",
}
_SMN = "OBS is about to stop sending to SMN (announced in 2026-04): prefer a function's own trigger"
_LISTED = "FunctionGraph's console lists only triggers that FunctionGraph itself has made"


class ObsCloud:
    """Wire and Health on a bucket; see `bucketrelay.clouds.bucket`.

    Args:
        address: of the store; rules are for keys below its prefix.
    """

    def __init__(self, address: Address, access: Access) -> None:
        self._address, self._requests = address, Requests(address, access, Pace())

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    def plan(self, wish: Wish) -> Plan:
        """See Wire."""
        if not wish.target or wish.kind not in _KINDS:
            raise Unwirable(by_hand(self._address))
        rule = self._rule(wish)
        return plan_with(self._read(), rule, (_SMN if wish.kind == "topic" else _LISTED,))

    def plan_undo(self, route: str) -> Plan:
        """See Wire."""
        return plan_without(self._read(), own_id(route))

    def carry_out(self, plan: Plan) -> None:
        """See Wire."""
        if not plan.steps:
            return
        check_unchanged(plan, self._read(), self._address.url)
        try:
            self._requests.send("PutBucketNotification", None, Effect.PUBLISHING_WRITE, _with_md5(plan.after))
        except StoreRefused as error:
            raise StoreRefused(
                f"{error}; whoever runs this needs obs:bucket:PutBucketNotification, and the target must have"
                f" authorised OBS. {by_hand(self._address)}"
            ) from error

    def greet(self) -> Greeting:
        """See Health. A GET, for the answers to HEAD have no error code."""
        try:
            answer = self._requests.send("GetObject", f"{PROBES}no-such-key", Effect.READ)
        except StoreUnavailable:
            raise
        except RelayError as error:
            return _greeting(error)
        return Greeting("the key is there", "", http_date(answer.headers.get("date")))

    def versioning(self) -> bool:
        """GetBucketVersioning."""
        document = self._document("GetBucketVersioning", "versioning", "VersioningConfiguration")
        return document.text("Status") == "Enabled"

    def sweeps(self) -> bool:
        """GetBucketLifecycle: a rule with AbortIncompleteMultipartUpload for all keys of the store."""
        try:
            document = self._document("GetBucketLifecycle", "lifecycle", "LifecycleConfiguration")
        except StoreRefused as error:
            if isinstance(error.__cause__, Refusal) and error.__cause__.code == "NoSuchLifecycleConfiguration":
                return False
            raise
        return any(_sweeps(rule, self._address.prefix) for rule in document.rows("Rule"))

    def wiring(self) -> Wired:
        """GetBucketNotification. EventGrid's subscriptions are not to be seen from the bucket."""
        events, targets = reach(self._read().rules, EVENTS, self._address.prefix)
        # "Event notification": automatic (lifecycle) deletions are not told at all (obs_06_0075).
        return Wired(events, targets, whole=False, cannot=frozenset({EXPIRED}))

    def facts(self, targets: Sequence[str], need: Need) -> Sequence[Fact]:
        """Nothing: FunctionGraph's SDK is no part of this."""
        shown = f"margin = {need.margin:g} s, [limits].memory = {need.memory >> 20} MiB"
        remedy = (
            f"in FunctionGraph's console compare timeout and memory with {shown}, and set an asynchronous configuration"
            " with retries and a failure destination: by default an event that fails is lost"
        )
        return [Fact(None, "FunctionGraph cannot be asked from here", remedy)] if targets else []

    def _rule(self, wish: Wish) -> Rule:
        element, part = _KINDS[wish.kind]
        if not wish.target.startswith(part):
            raise Unwirable(f"{wish.target!r} is no URN of a {wish.kind}: it begins with {part}")
        # The older dialect, which the SDK speaks with path_style, has S3's names for both.
        old = self._requests.prefix == S3
        names = {"filter_name": "S3Key" if old else "Object", "event_prefix": "s3:" if old else ""}
        return rule_of(element, wish.id, wish.target, EVENTS, self._address.prefix, **names)

    def _read(self) -> Notification:
        answer = self._requests.send("GetBucketNotification", None, Effect.READ, Given({"notification": None}))
        return parse(answer.body, self._address.url)

    def _document(self, operation: str, name: str, root: str) -> Document:
        answer = self._requests.send(operation, None, Effect.READ, Given({name: None}))
        return Document(answer.body, root, self._address.url)


def by_hand(address: Address) -> str:
    """The steps that give a function the bucket's events where this program cannot; one paragraph."""
    prefix = f', prefix = "{address.prefix}"' if address.prefix else ""
    return (
        "Elsewhere than in China the function makes the trigger: Terraform, huaweicloud_fgs_function_trigger with"
        f' type = "OBS" and event_data = jsonencode({{ bucket = "{address.bucket}", events = ["s3:ObjectCreated:*",'
        f' "s3:ObjectRemoved:*"], name = "bucketrelay"{prefix} }}); or FunctionGraph console, the function,'
        " Configuration, Triggers, Create Trigger, Object Storage Service (OBS). In China EventGrid does: the same"
        ' resource with type = "EVENTGRID", source_name = "HC.OBS.DWR" and Key_encode = true'
        " (templates/terraform/huawei has both)"
    )


def _with_md5(body: bytes) -> Given:
    md5 = b2a_base64(hashlib.md5(body, usedforsecurity=False).digest(), newline=False).decode()
    return Given({"notification": None}, {"content-type": "application/xml", "content-md5": md5}, body)


def _greeting(error: RelayError) -> Greeting:
    refusal = error.__cause__
    if not isinstance(refusal, Refusal):  # no request was sent, for want of keys
        trouble: Trouble = "bucket" if isinstance(refusal, NoAnswer) else "credentials"
        return Greeting(str(error), trouble)
    at = http_date(refusal.headers.get("date"))
    if refusal.code == "NoSuchKey":
        return Greeting("no such key", "", at)
    return Greeting(str(error), _TROUBLES.get(refusal.code, "look" if refusal.status == 403 else "bucket"), at)


def _sweeps(rule: Mapping[str, str], prefix: str) -> bool:
    kept = rule.get("Prefix") or rule.get("Filter/Prefix") or ""
    return "AbortIncompleteMultipartUpload" in rule and rule.get("Status") == "Enabled" and prefix.startswith(kept)
