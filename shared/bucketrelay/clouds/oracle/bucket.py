"""What a bucket of Oracle Object Storage has besides its objects: events and the rules that use them, and settings.

Sources: Object Storage API (UpdateBucket, objectEventsEnabled; GetObjectLifecyclePolicy), Events API 20181201 (rules
are resources of their own: others' are never touched) and Functions API, as in the SDK 2.189; "Filtering events".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

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
from bucketrelay.clouds.oracle.client import Access, close, connected
from bucketrelay.clouds.oracle.errors import translated
from bucketrelay.clouds.oracle.rules import TAG, brings, concerns, names_of, rows, rule_of, same, whole_rule
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.dates import http_date
from bucketrelay.model import Address

_KINDS = {"function": ("FAAS", "functionId", "ocid1.fnfunc."), "topic": ("ONS", "topicId", "ocid1.onstopic.")}
_ORACLE = (".oraclecloud.com", ".oci.customer-oci.com", ".oraclecloud.eu", ".oraclegovcloud.com", ".oraclegovcloud.uk")
_POLICY = "Allow service cloudEvents to use functions-family in the function's compartment: without it nothing arrives"


class OciCloud:
    """Wire and Health on a bucket; see `bucketrelay.clouds.bucket`.

    Args:
        address: of the store; rules are for names below its prefix.
        compartment: where the rules are; "" for the bucket's.
    """

    def __init__(self, address: Address, access: Access, compartment: str = "") -> None:
        self._address, self._access, self._compartment = address, access, compartment
        self._clients: dict[str, Any] = {}
        self._namespace = address.namespace

    def close(self) -> None:
        """Close the connections."""
        storage = self._clients.pop("storage", None)
        self._clients.clear()
        if storage is not None:
            close(storage)

    def plan(self, wish: Wish) -> Plan:
        """See Wire."""
        wanted = self._wanted(wish)
        bucket = self._bucket()
        steps = [] if bucket.get("objectEventsEnabled") else [_enable()]
        mine, others = self._rules(bucket, wish.id)
        notes: tuple[str, ...] = (_POLICY,) if wish.kind == "function" else ()
        known = next((rule for rule in others if brings(rule, self._address, wanted["actions"]["actions"][0])), None)
        if known and not mine:
            said = f"{wish.target} has these events already, by the rule {known['displayName']}"
            return Plan(tuple(steps), (said, *notes))
        if not mine:
            steps.append(Step("add", wish.id, _shown(wanted), ("create", "", wanted)))
        elif not same(mine[0], wanted):
            steps.append(Step("replace", wish.id, _shown(wanted), ("update", mine[0]["id"], wanted)))
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
                self._storage("update_bucket", {"objectEventsEnabled": True}, write=True)
            elif action == "create":
                self._send(self._events().create_rule, body, write=True)
            elif action == "update":
                kept = {name: value for name, value in body.items() if name != "compartmentId"}
                self._send(self._events().update_rule, rule, kept, write=True)
            else:
                self._send(self._events().delete_rule, rule, write=True)

    def greet(self) -> Greeting:
        """See Health. A GET, for the answers to HEAD have no error code."""
        try:
            self._storage("get_object", f"{self._address.prefix}{PROBES}no-such-key", range="bytes=0-0")
        except StoreRefused as error:
            return _greeting(error)
        except Exception as error:
            cause: Any = error.__cause__ or error
            if getattr(cause, "code", "") == "ObjectNotFound":
                return Greeting("no such object", "", _date(cause))
            raise
        return Greeting("the key is there")

    def versioning(self) -> bool:
        """GetBucket."""
        return bool(self._bucket().get("versioning") == "Enabled")

    def sweeps(self) -> bool:
        """GetObjectLifecyclePolicy: a rule that aborts multipart uploads."""
        try:
            policy = self._read(self._storage("get_object_lifecycle_policy").data)
        except StoreRefused as error:
            cause: Any = error.__cause__
            if getattr(cause, "code", "") in ("LifecyclePolicyNotFound", "NotFound"):
                return False
            raise
        return any(
            rule.get("isEnabled") and rule.get("target") == "multipart-uploads" and rule.get("action") == "ABORT"
            for rule in rows(policy.get("items") or [], self._address.url)
        )

    def wired(self) -> Wired:
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
            shown = self._read(self._send(self._functions().get_function, target).data)
        except StoreRefused as error:
            yield Fact(None, f"could not be asked: {error}", "allow to inspect fn-function to whoever runs doctor")
            return
        yield seconds(target, int(shown.get("timeoutInSeconds") or 30), need, most=300)
        yield memory(target, int(shown.get("memoryInMBs") or 128), need)

    def _wanted(self, wish: Wish) -> dict[str, Any]:
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
        page: dict[str, Any] = {}
        compartment = self._compartment or str(bucket.get("compartmentId"))
        while True:
            answer = self._send(self._events().list_rules, compartment, limit=50, **page)
            for listed in rows(answer.data, self._address.url, "id", "displayName"):
                if listed.get("lifecycleState", "ACTIVE") not in ("ACTIVE", "INACTIVE", "CREATING", "UPDATING"):
                    continue
                if listed["displayName"] != own and not concerns(str(listed.get("condition")), self._address):
                    continue
                rule = whole_rule(self._send(self._events().get_rule, listed["id"]).data, self._address.url)
                tagged = (rule.get("freeformTags") or {}).get(TAG)
                if own and rule["displayName"] == own and not tagged:
                    raise Overlap(
                        f"a rule that is not ours is called {own}: rename it or the route; nothing was changed"
                    )
                (mine if own and rule["displayName"] == own else others).append(rule)
            if not (following := answer.headers.get("opc-next-page")):
                return mine, others
            if page == {"page": following}:
                raise StoreUnavailable(f"{self._address.url}: the list of rules does not go on: try again later")
            page = {"page": following}

    def _bucket(self) -> dict[str, Any]:
        return self._read(self._storage("get_bucket").data)

    def _read(self, found: object) -> dict[str, Any]:
        return rows([found], self._address.url)[0]

    def _storage(self, operation: str, *given: object, write: bool = False, **asked: object) -> Any:
        client = self._connected()
        if not self._namespace:
            self._namespace = self._send(client.get_namespace).data
        ask = getattr(client, operation)
        return self._send(ask, self._namespace, self._address.bucket, *given, write=write, **asked)

    def _send(self, ask: Callable[..., Any], *given: object, write: bool = False, **asked: object) -> Any:
        try:
            return ask(*given, **asked)
        except Exception as error:
            raise translated(error, self._address.url, write=write) from error

    def _connected(self) -> Any:
        if "storage" not in self._clients:
            self._clients["storage"] = connected(self._access, self._address.url)
        return self._clients["storage"]

    def _events(self) -> Any:
        from oci.events import EventsClient  # noqa: PLC0415  the SDK loads with the first client

        return self._other("events", EventsClient)

    def _functions(self) -> Any:
        from oci.functions import FunctionsManagementClient  # noqa: PLC0415  as above

        return self._other("functions", FunctionsManagementClient)

    def _other(self, name: str, client_class: Callable[..., Any]) -> Any:
        """A client of another service, with the first one's credentials and transport."""
        if name not in self._clients:
            from oci.circuit_breaker import NoCircuitBreakerStrategy  # noqa: PLC0415  as above
            from oci.retry import NoneRetryStrategy  # noqa: PLC0415  as above

            base = self._connected().base_client
            host = self._access.endpoint.rstrip("/")
            place = {"service_endpoint": host} if host and not host.endswith(_ORACLE) else {}
            made = client_class(
                base.config,
                signer=base.signer,
                timeout=(self._access.timeout, self._access.timeout),
                circuit_breaker_strategy=NoCircuitBreakerStrategy(),
                retry_strategy=NoneRetryStrategy(),
                skip_deserialization=True,
                **place,
            )
            made.base_client.session = base.session
            self._clients[name] = made
        return self._clients[name]


def _enable() -> Step:
    return Step("enable", "object events", "the bucket tells the Events service of its changes", ("enable", "", {}))


def _remove(rule: Mapping[str, Any]) -> Step:
    return Step("remove", str(rule["displayName"]), _shown(rule), ("delete", rule["id"], {}))


def _shown(rule: Mapping[str, Any]) -> str:
    names = names_of(rule)
    actions = rule.get("actions", {}).get("actions") or [{}]
    target = actions[0].get("functionId") or actions[0].get("topicId") or actions[0].get("actionType", "nobody")
    return f"create, update, delete of {names} to {target}"


def _greeting(error: StoreRefused) -> Greeting:
    cause: Any = error.__cause__
    status = getattr(cause, "status", 0)
    trouble: Trouble = "look" if status == 403 else "bucket"
    if status in (0, 401):
        trouble = "clock" if "clock" in str(cause).lower() and status else "credentials"
    if status == 0 and "certificate" in str(error).lower():
        trouble = "bucket"
    return Greeting(str(error), trouble, _date(cause))


def _date(error: Any) -> Any:
    date = (getattr(error, "headers", None) or {}).get("date")
    return http_date(date)
