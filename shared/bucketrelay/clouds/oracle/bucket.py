"""What a bucket of Oracle Object Storage has besides its objects: events and the rules that use them, and settings.

Sources: Object Storage API (UpdateBucket, objectEventsEnabled; GetObjectLifecyclePolicy), Events API 20181201 (rules
are resources of their own: others' are never touched) and Functions API, as in the SDK 2.189; "Filtering events".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bucketrelay.clouds.bucket import (
    CREATED,
    EXPIRED,
    PROBES,
    REMOVED,
    Fact,
    Greeting,
    Need,
    Overlap,
    Plan,
    Step,
    Trouble,
    Unwirable,
    Wired,
    Wish,
    own_id,
)
from bucketrelay.clouds.function_limits import memory, seconds
from bucketrelay.clouds.oracle.credentials import Access
from bucketrelay.clouds.oracle.requests import Requests, document, pages
from bucketrelay.clouds.oracle.rules import TAG, brings, concerns, names_of, rows, rule_of, same, whole_rule
from bucketrelay.clouds.oracle.service import NOTHING_GIVEN, Given, Identities, Service
from bucketrelay.errors import ObjectGone, RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.http.exchange import Call
from bucketrelay.http.faults import NoAnswer
from bucketrelay.http.messages import Answer
from bucketrelay.http.outcome import Effect, Refusal
from bucketrelay.http.pace import Pace
from bucketrelay.model import Address

_KINDS = {"function": ("FAAS", "functionId", "ocid1.fnfunc."), "topic": ("ONS", "topicId", "ocid1.onstopic.")}
_ORACLE = (".oraclecloud.com", ".oci.customer-oci.com", ".oraclecloud.eu", ".oraclegovcloud.com", ".oraclegovcloud.uk")
_VERSION = "20181201"  # of the APIs of Events and of Functions
_POLICY = "Allow service cloudEvents to use functions-family in the function's compartment: without it nothing arrives"


class OciCloud:
    """Wire and Health on a bucket; see `bucketrelay.clouds.bucket`.

    Args:
        address: of the store; rules are for names below its prefix.
        compartment: where the rules are; "" for the bucket's.
    """

    def __init__(self, address: Address, access: Access, compartment: str = "") -> None:
        self._address, self._compartment = address, compartment
        identities, pace = Identities(access, address.url), Pace()
        self._requests = Requests(address, identities, pace)
        host = access.endpoint.rstrip("/")
        elsewhere = host if host and not host.endswith(_ORACLE) else ""  # a stand-in has all services at one address
        self._events = Service("events", identities, pace, elsewhere)
        self._functions = Service("functions", identities, pace, elsewhere)

    def close(self) -> None:
        """Close the connections."""
        for each in (self._requests, self._events, self._functions):
            each.close()

    def plan(self, wish: Wish) -> Plan:
        """See Wire."""
        wanted = self._rule_details(wish)
        bucket = self._bucket()
        steps = [] if bucket.get("objectEventsEnabled") else [_enable()]
        mine, others = self._rules(bucket, wish.id)
        notes: tuple[str, ...] = (_POLICY,) if wish.kind == "function" else ()
        known = next((rule for rule in others if brings(rule, self._address, wanted["actions"]["actions"][0])), None)
        if known and not mine:
            words = f"{wish.target} has these events already, by the rule {known['displayName']}"
            return Plan(tuple(steps), (words, *notes))
        if not mine:
            steps.append(Step("add", wish.id, _describe(wanted), ("create", "", wanted)))
        elif not same(mine[0], wanted):
            steps.append(Step("replace", wish.id, _describe(wanted), ("update", mine[0]["id"], wanted)))
        steps += [_remove(rule) for rule in mine[1:]]  # two of them would call the function twice
        return Plan(tuple(steps), notes)

    def plan_undo(self, route: str) -> Plan:
        """See Wire. The bucket goes on telling its events: others may have rules that need them."""
        bucket = self._bucket()
        mine, _ = self._rules(bucket, own_id(route))
        notes = ("the bucket goes on emitting events: others may have rules that need them",)
        return Plan(tuple(_remove(rule) for rule in mine), notes if bucket.get("objectEventsEnabled") else ())

    def carry_out(self, plan: Plan) -> None:
        """See Wire."""
        for step in plan.steps:
            action, rule, body = step.body if isinstance(step.body, tuple) else ("", "", {})
            if action == "enable":
                given = Given(details={"objectEventsEnabled": True})
                self._requests.send("UpdateBucket", None, Effect.PUBLISHING_WRITE, given)
            elif action == "create":
                self._rule_call("POST", "", body)
            elif action == "update":
                self._rule_call("PUT", rule, {name: value for name, value in body.items() if name != "compartmentId"})
            else:
                self._rule_call("DELETE", rule, None)

    def greet(self) -> Greeting:
        """See Health. A GET, for the answers to HEAD have no error code."""
        try:
            given = Given(headers={"range": "bytes=0-0"})
            answer = self._requests.send("GetObject", f"{PROBES}no-such-key", Effect.READ, given)
        except StoreUnavailable:
            raise
        except RelayError as error:
            return _greeting(error)
        return Greeting("the key is there", "", http_date(answer.headers.get("date")))

    def versioning(self) -> bool:
        """GetBucket."""
        return bool(self._bucket().get("versioning") == "Enabled")

    def sweeps(self) -> bool:
        """GetObjectLifecyclePolicy: a rule that aborts multipart uploads."""
        try:
            policy = self._read(self._requests.send("GetObjectLifecyclePolicy", None, Effect.READ))
        except StoreRefused as error:
            refusal = error.__cause__
            if isinstance(refusal, Refusal) and refusal.code in ("LifecyclePolicyNotFound", "NotFound"):
                return False
            raise
        return any(
            rule.get("isEnabled") and rule.get("target") == "multipart-uploads" and rule.get("action") == "ABORT"
            for rule in rows(policy.get("items") or [], self._address.url)
        )

    def wiring(self) -> Wired:
        """GetBucket, and the rules of the compartment. A rule of a compartment above may be there too."""
        bucket = self._bucket()
        mine, others = self._rules(bucket, "")
        targets = [
            action.get("functionId") or action.get("topicId") or action.get("streamId") or ""
            for rule in (*mine, *others)
            if brings(rule, self._address)
            for action in rule["actions"]["actions"]
            if action.get("isEnabled")
        ]
        events = frozenset({CREATED, REMOVED} if targets else ())
        enabled = bool(bucket.get("objectEventsEnabled"))
        # Whether what a lifecycle rule deletes is told is not documented.
        return Wired(events, tuple(dict.fromkeys(targets)), enabled, whole=bool(targets), cannot=frozenset({EXPIRED}))

    def facts(self, targets: Sequence[str], need: Need) -> Sequence[Fact]:
        """GetFunction."""
        return [fact for target in targets for fact in self._facts(target, need)]

    def _facts(self, target: str, need: Need) -> Iterator[Fact]:
        if not target.startswith("ocid1.fnfunc."):
            yield Fact(None, f"{target}: what stands behind it cannot be seen from here", "check it by hand")
            return
        try:
            path = f"/{_VERSION}/functions/{quote(target, safe='')}"
            shown = self._read(
                self._functions.send(Call(target, Effect.READ, "fn-function"), "GET", path, NOTHING_GIVEN)
            )
        except StoreRefused as error:
            yield Fact(None, f"could not be asked: {error}", "allow to inspect fn-function to whoever runs doctor")
            return
        yield seconds(target, int(shown.get("timeoutInSeconds") or 30), need, most=300)
        yield memory(target, int(shown.get("memoryInMBs") or 128), need)

    def _rule_details(self, wish: Wish) -> dict[str, Any]:
        if wish.kind not in _KINDS or not wish.target:
            raise Unwirable("a rule of Oracle's Events calls a function or a topic: give --function or --topic")
        kind, field, part = _KINDS[wish.kind]
        if not wish.target.startswith(part):
            raise Unwirable(f"{wish.target!r} is no OCID of a {wish.kind}: it begins with {part}")
        action = {"actionType": kind, "isEnabled": True, field: wish.target}
        return rule_of(wish, self._address, action, self._compartment or str(self._bucket().get("compartmentId")))

    def _rules(self, bucket: Mapping[str, Any], own: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Our rules of that name, and all others of the compartment; both with their actions."""
        mine: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        for rule in self._all_rules(self._compartment or str(bucket.get("compartmentId")), own):
            tagged = (rule.get("freeformTags") or {}).get(TAG)
            if own and rule["displayName"] == own and not tagged:
                raise Overlap(f"a rule that is not ours is called {own}: rename it or the route; nothing was changed")
            (mine if own and rule["displayName"] == own else others).append(rule)
        return mine, others

    def _all_rules(self, compartment: str, own: str) -> Iterator[dict[str, Any]]:
        """The rules of a compartment that are called *own* or may be about the bucket, each with its actions."""
        url = self._address.url

        def ask(page: str) -> Answer:
            return self._rules_of({"compartmentId": compartment, "limit": "50", "page": page})

        for page in pages(ask, url):
            for listed in rows(page, url, "id", "displayName"):
                if listed.get("lifecycleState", "ACTIVE") not in ("ACTIVE", "INACTIVE", "CREATING", "UPDATING"):
                    continue
                if listed["displayName"] == own or concerns(str(listed.get("condition")), self._address):
                    yield whole_rule(document(self._rule_call("GET", listed["id"], None), url), url)

    def _rules_of(self, query: Mapping[str, str]) -> Answer:
        return self._events.send(self._call(Effect.READ), "GET", f"/{_VERSION}/rules", Given(query))

    def _rule_call(self, method: str, rule: str, details: Mapping[str, Any] | None) -> Answer:
        """One request about a rule, or about a new one (*rule* is "")."""
        effect = Effect.READ if method == "GET" else Effect.PUBLISHING_WRITE
        path = f"/{_VERSION}/rules/{quote(rule, safe='')}" if rule else f"/{_VERSION}/rules"
        return self._events.send(self._call(effect), method, path, Given(details=details))

    def _call(self, effect: Effect) -> Call:
        return Call(self._address.url, effect, "cloudevents-rules to whoever runs this")

    def _bucket(self) -> dict[str, Any]:
        return self._read(self._requests.send("GetBucket", None, Effect.READ))

    def _read(self, answer: Answer) -> dict[str, Any]:
        return rows([document(answer, self._address.url)], self._address.url)[0]


def _enable() -> Step:
    return Step("enable", "object events", "the bucket tells the Events service of its changes", ("enable", "", {}))


def _remove(rule: Mapping[str, Any]) -> Step:
    return Step("remove", str(rule["displayName"]), _describe(rule), ("delete", rule["id"], {}))


def _describe(rule: Mapping[str, Any]) -> str:
    names = names_of(rule)
    actions = rule.get("actions", {}).get("actions") or [{}]
    target = actions[0].get("functionId") or actions[0].get("topicId") or actions[0].get("actionType", "nobody")
    return f"create, update, delete of {names} to {target}"


def _greeting(error: RelayError) -> Greeting:
    refusal = error.__cause__
    if not isinstance(refusal, Refusal):  # nothing was asked, or of a server whose certificate is not trusted
        return Greeting(str(error), "bucket" if isinstance(refusal, NoAnswer) else "credentials")
    if isinstance(error, ObjectGone):
        return Greeting("no such object", "", http_date(refusal.headers.get("date")))
    trouble: Trouble = "look" if refusal.status == 403 else "bucket"
    if refusal.status == 401:
        trouble = "clock" if "clock" in refusal.message.lower() else "credentials"
    return Greeting(str(error), trouble, http_date(refusal.headers.get("date")))
