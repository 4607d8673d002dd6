"""What a bucket of OBS has besides its objects: notifications, versioning, lifecycle; and the server's clock.

Sources: OBS API reference, "Configuring Event Notification for a Bucket" (obs_04_0039: OBS checks that the target
exists and has authorised it); the SDK's guide, setBucketNotification and FunctionGraphConfiguration (obs_22_0832,
obs_22_1447); FunctionGraph API reference, CreateFunctionTrigger: no OBS triggers on the sites in China, where EventGrid
brings the events.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from bucketrelay.clouds.bucket import (
    CREATED,
    EXPIRED,
    PROBES,
    REMOVED,
    ChangedMeanwhile,
    Fact,
    Greeting,
    Need,
    Plan,
    Step,
    Trouble,
    Unwirable,
    Verb,
    Wired,
    Wish,
    own_id,
)
from bucketrelay.clouds.huawei.credentials import Access
from bucketrelay.clouds.huawei.errors import refusal, translated
from bucketrelay.clouds.notification_xml import Document, Rule, merged, parse, reach, removed, rule_of
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.model import Address

if TYPE_CHECKING:
    from bucketrelay.clouds.huawei.client import Client

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
        self._address, self._access = address, access
        self._made: Client | None = None

    def close(self) -> None:
        """Close the connections."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def plan(self, wish: Wish) -> Plan:
        """See Wire."""
        if not wish.target or wish.kind not in _KINDS:
            raise Unwirable(by_hand(self._address))
        rule = self._rule(wish)
        found = self._read()
        after = merged(found, rule)
        mine = any(known.id == wish.id for known in found.rules)
        if after is found:
            return Plan(notes=() if mine else (f"{wish.target} has these events already, by rules not of this route",))
        verb: Verb = "remove" if rule not in after.rules else "replace" if mine else "add"
        note = _SMN if wish.kind == "topic" else _LISTED
        return Plan((Step(verb, wish.id, rule.shown()),), (note,), found.written(), after.written())

    def plan_undo(self, route: str) -> Plan:
        """See Wire."""
        found = self._read()
        after = removed(found, own_id(route))
        if after is found:
            return Plan()
        steps = tuple(Step("remove", rule.id, rule.shown()) for rule in found.rules if rule.id == own_id(route))
        return Plan(steps, (), found.written(), after.written())

    def carry_out(self, plan: Plan) -> None:
        """See Wire."""
        if not plan.steps:
            return
        if self._read().written() != plan.before:
            raise ChangedMeanwhile(f"{self._address.url}: its notifications were changed meanwhile: run it again")
        try:
            self._call("setBucketNotification", plan.after, write=True)
        except StoreRefused as error:
            raise StoreRefused(
                f"{error}; whoever runs this needs obs:bucket:PutBucketNotification, and the target must have"
                f" authorised OBS. {by_hand(self._address)}"
            ) from error

    def greet(self) -> Greeting:
        """See Health. A GET, for the answers to HEAD have no error code."""
        url, key = self._address.url, f"{self._address.prefix}{PROBES}no-such-key"
        try:
            client = self._client()
        except StoreRefused as error:
            return Greeting(str(error), "credentials")
        with translated(url):
            result = client.getObject(self._address.bucket, key, loadStreamInMemory=True)
        date = dict(result.header or ()).get("date")
        at = http_date(date)
        if result.status < 300:
            return Greeting("the key is there", "", at)
        code = result.errorCode or ""
        said = refusal(result.status, code, result.errorMessage or "", url)
        if isinstance(said, StoreUnavailable):
            raise said
        trouble: Trouble = _TROUBLES.get(code, "look" if result.status == 403 else "bucket")
        return Greeting("no such key", "", at) if code == "NoSuchKey" else Greeting(str(said), trouble, at)

    def versioning(self) -> bool:
        """GetBucketVersioning."""
        return bool(self._call("getBucketVersioning") == "Enabled")

    def sweeps(self) -> bool:
        """GetBucketLifecycle: a rule with AbortIncompleteMultipartUpload for all keys of the store."""
        try:
            found = self._call("getBucketLifecycle")
        except StoreRefused as error:
            if "NoSuchLifecycleConfiguration" in str(error):
                return False
            raise
        try:
            tree = ET.fromstring(found or "")  # noqa: S314  of OBS itself, by a signed request
        except (ET.ParseError, TypeError, ValueError) as error:
            said = f"{self._address.url}: what was answered are no lifecycle rules ({error}): try again later"
            raise StoreUnavailable(said) from error
        return any(_sweeps(rule, self._address.prefix) for rule in tree.iter("Rule"))

    def wired(self) -> Wired:
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
        old = self._client().prefix == "x-amz-"
        names = {"filter_name": "S3Key" if old else "Object", "event_prefix": "s3:" if old else ""}
        return rule_of(element, wish.id, wish.target, EVENTS, self._address.prefix, **names)

    def _read(self) -> Document:
        found = self._call("getBucketNotification")
        return parse((found or "").encode(), self._address.url)

    def _client(self) -> "Client":
        if self._made is None:
            from bucketrelay.clouds.huawei.client import Client  # noqa: PLC0415  loads the SDK

            made = Client(self._access, self._access.current())
            # Documents as they are: what the SDK does not know would be lost on the way through its models.
            made.convertor.parseGetBucketNotification = _as_it_is
            made.convertor.parseGetBucketLifecycle = _as_it_is
            made.convertor.trans_notification = _as_it_is
            self._made = made
        return self._made

    def _call(self, operation: str, *given: object, write: bool = False) -> Any:
        ask: Callable[..., Any] = getattr(self._client(), operation)
        with translated(self._address.url, write=write):
            result = ask(self._address.bucket, *given)
        if result.status >= 300:
            code, words = result.errorCode or "", result.errorMessage or ""
            raise refusal(result.status, code, words, self._address.url, write=write)
        return result.body


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


def _as_it_is(document: object, _headers: object = None) -> object:
    return document


def _sweeps(rule: ET.Element, prefix: str) -> bool:
    kept = rule.findtext("Prefix") or rule.findtext("Filter/Prefix") or ""
    swept = rule.find("AbortIncompleteMultipartUpload") is not None
    return swept and rule.findtext("Status") == "Enabled" and prefix.startswith(kept)
