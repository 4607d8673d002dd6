"""What a bucket of S3 has besides its objects: notifications, versioning, lifecycle; and the server's clock.

Sources: Amazon S3 API reference, PutBucketNotificationConfiguration (which replaces the whole configuration) and
GetBucketLifecycleConfiguration; user guide, "EventNotifications" and "object-keys" for filters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bucketrelay.clouds.aws.access import Access
from bucketrelay.clouds.bucket import (
    CREATED,
    EXPIRED,
    PROBES,
    REMOVED,
    Fact,
    Greeting,
    Need,
    Plan,
    Step,
    Trouble,
    Unwirable,
    Wired,
    Wish,
    own_id,
)
from bucketrelay.clouds.notification_xml import (
    Document,
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
from bucketrelay.model import Address

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from bucketrelay.http.outcome import Refusal

EVENTS = (CREATED, REMOVED, EXPIRED)
_EMPTY = b'<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
_BRIDGE = b"<EventBridgeConfiguration></EventBridgeConfiguration>"
_KINDS = {"queue": ("Queue", ":sqs:"), "topic": ("Topic", ":sns:"), "function": ("CloudFunction", ":lambda:")}
_XML = "bucketrelay.xml"
_TROUBLES: Mapping[str, Trouble] = {
    "RequestTimeTooSkewed": "clock",
    "RequestExpired": "clock",
    "InvalidAccessKeyId": "credentials",
    "SignatureDoesNotMatch": "credentials",
    "ExpiredToken": "credentials",
    "InvalidToken": "credentials",
    "NoSuchBucket": "bucket",
    "InvalidBucketName": "bucket",
    "PermanentRedirect": "bucket",
    "AuthorizationHeaderMalformed": "bucket",
    "IllegalLocationConstraintException": "bucket",
}


class S3Cloud:
    """Wire and Health on a bucket; see `bucketrelay.clouds.bucket`.

    Args:
        address: of the store; rules are for keys below its prefix.
    """

    def __init__(self, address: Address, access: Access) -> None:
        self._address, self._access = address, access
        self._connected: S3Client | None = None

    def close(self) -> None:
        """Close the connections."""
        client, self._connected = self._connected, None
        if client is not None:
            client.close()

    def plan(self, wish: Wish) -> Plan:
        """See Wire."""
        if wish.kind == "event_bridge":
            return _bridge(self._read())
        rule = _rule(wish, self._address.prefix)
        return plan_with(self._read(), rule)

    def plan_undo(self, route: str) -> Plan:
        """See Wire. EventBridge stays on: it has no name, and somebody else may have switched it on too."""
        document = self._read()
        bridge = any(rule.kind == "EventBridgeConfiguration" for rule in document.rules)
        notes = ("EventBridge stays on for the bucket: others may have rules that need it",) if bridge else ()
        return plan_without(document, own_id(route), notes)

    def carry_out(self, plan: Plan) -> None:
        """See Wire. There is no conditional PUT of it: what stands between the last look and the write is a moment."""
        if not plan.steps:
            return
        check_unchanged(plan, self._read(), self._address.url)
        try:
            self._call("put_bucket_notification_configuration", {"NotificationConfiguration": {}}, sent=plan.after)
        except StoreRefused as error:
            raise StoreRefused(f"{error}; {_ALLOW}") from error

    def greet(self) -> Greeting:
        """See Health. A GET, for the answers to HEAD have no error code."""
        from bucketrelay.clouds.aws.sdk import refusal_of, translate  # loads the SDK

        try:
            self._client().get_object(
                Bucket=self._address.bucket, Key=f"{self._address.prefix}{PROBES}no-such-key", Range="bytes=0-0"
            )["Body"].close()
        except Exception as error:
            refusal = refusal_of(error)
            failure = translate(error, self._address.url)
            if not refusal.status or isinstance(failure, StoreUnavailable):
                if isinstance(failure, StoreRefused) and "access_key" in str(failure):  # the SDK found none
                    return Greeting(str(failure), "credentials")
                raise failure from error
            return _greeting(refusal, str(failure))
        return Greeting("the key is there")

    def versioning(self) -> bool:
        """GetBucketVersioning."""
        return bool(self._call("get_bucket_versioning", {}).get("Status") == "Enabled")

    def sweeps(self) -> bool:
        """GetBucketLifecycleConfiguration: a rule with AbortIncompleteMultipartUpload for all keys of the store."""
        try:
            rules = self._call("get_bucket_lifecycle_configuration", {}).get("Rules", ())
        except RelayError as error:
            if _code(error) == "NoSuchLifecycleConfiguration":
                return False
            raise
        return any(
            rule.get("Status") == "Enabled"
            and "AbortIncompleteMultipartUpload" in rule
            and self._address.prefix.startswith(rule.get("Filter", {}).get("Prefix", rule.get("Prefix", "")))
            and not {"Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan"} & rule.get("Filter", {}).keys()
            for rule in rules
        )

    def wiring(self) -> Wired:
        """GetBucketNotificationConfiguration. What EventBridge's rules do with the events is not to be seen here."""
        rules = self._read().rules
        events, targets = reach(rules, EVENTS, self._address.prefix)
        if any(rule.kind == "EventBridgeConfiguration" for rule in rules):
            return Wired(frozenset(EVENTS), (*targets, "EventBridge"), whole=bool(targets))
        return Wired(events, targets)

    def facts(self, targets: Sequence[str], need: Need) -> Sequence[Fact]:
        """Of Lambda functions, and of queues that Lambda reads."""
        from bucketrelay.clouds.aws.function import facts  # two more clients, for this alone

        return facts(self._access, targets, need)

    def _read(self) -> Document:
        answer = self._call("get_bucket_notification_configuration", {})
        return parse(answer[_XML], self._address.url, empty=_EMPTY)

    def _client(self) -> "S3Client":
        if self._connected is None:
            from bucketrelay.clouds.aws.sdk import s3_client  # loads the SDK

            self._connected = s3_client(self._access)
            events = self._connected.meta.events
            events.register("before-parse.s3.GetBucketNotificationConfiguration", _keep_xml)
        return self._connected

    def _call(self, operation: str, arguments: Mapping[str, Any], *, sent: bytes = b"") -> dict[str, Any]:
        from bucketrelay.clouds.aws.sdk import translate  # the SDK is loaded by now

        client = self._client()
        before, send = "before-call.s3.PutBucketNotificationConfiguration", _sender(sent)
        if sent:
            client.meta.events.register(before, send)
        try:
            answer: dict[str, Any] = getattr(client, operation)(Bucket=self._address.bucket, **arguments)
        except Exception as error:
            raise translate(error, self._address.url, write=bool(sent)) from error
        finally:
            if sent:
                client.meta.events.unregister(before, send)
        return answer


_ALLOW = (
    "the target must allow S3 to send: for a queue or a topic its policy sqs:SendMessage or sns:Publish to"
    " s3.amazonaws.com, for a function `aws lambda add-permission --action lambda:InvokeFunction --principal"
    " s3.amazonaws.com`, each with the bucket's ARN as the source; it must be in the bucket's region; and whoever runs"
    " this needs s3:PutBucketNotification"
)


def _keep_xml(response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Hand the document out as it came, beside what the SDK makes of it."""
    customized_response_dict[_XML] = bytes(response_dict["body"])


def _sender(document: bytes) -> Callable[..., None]:
    def send(params: dict[str, Any], **_: object) -> None:
        params["body"] = document

    return send


def _rule(wish: Wish, prefix: str) -> Rule:
    element, part = _KINDS[wish.kind]
    if not wish.target.startswith("arn:") or part not in wish.target:
        raise Unwirable(f"{wish.target!r} is no ARN of a {wish.kind}: it has {part} in it")
    if wish.target.endswith(".fifo"):
        raise Unwirable(f"{wish.target}: S3 sends nothing to FIFO queues and topics: name a standard one")
    # Special characters in a filter's value are percent-encoded: user guide, "object key name filtering".
    return rule_of(element, wish.id, wish.target, EVENTS, quote(prefix), filter_name="S3Key", event_prefix="s3:")


def _bridge(document: Document) -> Plan:
    todo = "a rule of EventBridge must bring the bucket's events to the function: templates/sam has one"
    if any(rule.kind == "EventBridgeConfiguration" for rule in document.rules):
        return Plan(notes=(todo,))
    after = document.having(Rule("EventBridgeConfiguration", "", "", (), "", "", _BRIDGE))
    step = Step("enable", "EventBridge", "every event of the bucket goes to the account's default event bus")
    return Plan((step,), (todo,), document.to_bytes(), after.to_bytes())


def _greeting(refusal: "Refusal", words: str) -> Greeting:
    at = http_date(refusal.headers.get("date"))
    if refusal.code == "NoSuchKey":
        return Greeting("no such key", "", at)
    elsewhere = refusal.status in (301, 307, 308, 400, 404)
    trouble: Trouble = _TROUBLES.get(refusal.code, "bucket" if elsewhere else "look")
    return Greeting(words, "" if refusal.status == 416 else trouble, at)


def _code(error: RelayError) -> str:
    from bucketrelay.clouds.aws.sdk import refusal_of  # the SDK is loaded by now

    return refusal_of(error.__cause__).code if isinstance(error.__cause__, Exception) else ""
