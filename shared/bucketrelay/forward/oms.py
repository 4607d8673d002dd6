"""Huawei's Object Storage Migration Service: asked to copy keys by one of its synchronisation tasks.

What the template `sync-oms-data` does: `POST {"object_keys": […]}` to the task's events address, signed with the keys
of the account that owns the task. OMS answers 200 when it has noted the keys; it copies them later, and says how that
went in the task's own lists. It is told of keys alone: a removal or a version cannot be said.

Source: OMS API reference, CreateSyncEvents; user guide, "Configuring the Source Storage Service to Send Synchronization
Requests".
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from bucketrelay.clouds.huawei.sign import Keys, api_authorization
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, RelayError, StoreRefused
from bucketrelay.forward import Notice, Verdict
from bucketrelay.http.post import Answer, Post, Retry
from bucketrelay.model import Change

_MOST = 10  # keys in a request, as the API page's text says; its schema says 100
_ILLEGAL_CHARACTERS = "OMS.0078"  # the one refusal that is about a key and not about the task
_REFUSING = re.compile("fail|error|refus|reject|invalid|illegal|skip", re.IGNORECASE)
_REMEDIES = {
    400: "check the address and the task's id",
    401: "check the access key, the secret key and this machine's clock",
    403: "give the key's owner the permission oms:synctask:createEvent",
    404: "check the address, its project and the task's id",
}


class OmsForward:
    """One synchronisation task of OMS.

    Args:
        url: the task's `sync_url`; what is missing at its end is added, see `events_url`.
        task_id: the task's id, where *url* does not end in it.
        keys: gives those of the account that owns the task, before each request: a function's agency renews its own.
        project: the id of the OMS task's project, where *url* does not have it.
        shown: what messages call it.
        timeout: seconds for each step of a request.
        ca_file: certificates to trust instead of the system's.

    Raises:
        ConfigError: *url* lacks what the other arguments do not have, either.
    """

    together = _MOST

    def __init__(  # noqa: PLR0913 — what may be set, each by its name
        self,
        url: str,
        task_id: str = "",
        *,
        keys: Callable[[], Keys] = lambda: ("", "", ""),
        project: str = "",
        shown: str = "",
        timeout: float = 10.0,
        ca_file: str = "",
        retry: Retry | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._post = Post(events_url(url, task_id, project), shown, timeout=timeout, ca_file=ca_file, retry=retry)
        self._keys, self._now = keys, now

    def close(self) -> None:
        """Close the connections; the next notice opens new ones."""
        self._post.close()

    def __repr__(self) -> str:
        return f"OmsForward({self._post.shown})"

    def tell(self, notices: Sequence[Notice], deadline: Deadline) -> list[Verdict]:
        """Ask for all keys, each once, at most ten in a request."""
        unsayable = [_unsayable(notice) for notice in notices]
        keys = list(dict.fromkeys(n.key for n, bad in zip(notices, unsayable, strict=True) if not bad))
        verdicts: dict[str, Verdict] = {}
        for start in range(0, len(keys), _MOST):
            verdicts.update(self._ask(keys[start : start + _MOST], deadline))
        return [bad or verdicts[notice.key] for notice, bad in zip(notices, unsayable, strict=True)]

    def _ask(self, keys: list[str], deadline: Deadline) -> dict[str, Verdict]:
        body = json.dumps({"object_keys": [encode_key(key) for key in keys]}).encode()
        try:
            hide = self._keys()
            answer = self._post.send(body, lambda: self._sign(body), deadline, hide=hide)
        except RelayError as error:
            return dict.fromkeys(keys, error)
        words, code = self._post.words(answer, hide), answer.json().get("error_code")
        if answer.taken and not code:
            left = f"{words}: OMS left this key out"
            return {key: StoreRefused(left) if out else None for key, out in _verdicts(answer, keys)}
        if code == _ILLEGAL_CHARACTERS and len(keys) > 1:  # one key's fault, and the answer does not say whose
            middle = len(keys) // 2
            return self._ask(keys[:middle], deadline) | self._ask(keys[middle:], deadline)
        remedy = "this key has characters that OMS does not take" if code == _ILLEGAL_CHARACTERS else ""
        return dict.fromkeys(keys, StoreRefused(f"{words}: {remedy or _REMEDIES.get(answer.status, _REMEDIES[400])}"))

    def _sign(self, body: bytes) -> dict[str, str]:
        keys = self._keys()
        if not (keys[0] and keys[1]):
            raise StoreRefused(
                f"{self._post.shown}: no access key: set access_key and secret_key, or give the function an agency"
            )
        return sign(self._post, body, keys, self._now())


def events_url(url: str, task_id: str = "", project: str = "") -> str:
    """The address that takes a task's events, from a `sync_url` that may be all of it or only its beginning.

    Huawei's pages show no example, and its functions for other clouds get by with the URL alone. So: what ends in
    `/events` is taken as it is; else what is missing of `/v2/{project}/sync-tasks/{task}/events` is added.

    Raises:
        ConfigError: the task or the project is nowhere to be found, or the URL names another task than *task_id*.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    rest = _Place.of(path)
    if rest.task and task_id and rest.task != task_id:
        raise ConfigError(["it names another task than the task id: take both from the same task's details"])
    if not path.endswith("/events"):
        task, project = rest.task or quote(task_id, safe=""), rest.project or quote(project, safe="")
        if not task:
            raise ConfigError(["it has no task: write …/v2/PROJECT/sync-tasks/TASK/events"])
        if not project:
            raise ConfigError(
                ["it has no project: write …/v2/PROJECT/sync-tasks/TASK/events, as OMS's console shows it"]
            )
        path = f"{rest.base}/v2/{project}/sync-tasks/{task}/events"
    return parts._replace(path=path).geturl()


class _Place(NamedTuple):
    """What a path says already."""

    base: str
    project: str = ""
    task: str = ""

    @staticmethod
    def of(path: str) -> "_Place":
        match = re.fullmatch(r"(.*?)/v2(?:/([^/]+)(?:/sync-tasks(?:/([^/]+)(?:/events)?)?)?)?", path)
        return _Place(match[1], match[2] or "", match[3] or "") if match else _Place(path)


def encode_key(key: str) -> str:
    """*key* as OMS wants it in `object_keys`: percent-encoded whole, a slash as `%2F`, a blank as `%20`, never `+`."""
    return quote(key, safe="")


def sign(post: Post, body: bytes, keys: Keys, now: datetime) -> dict[str, str]:
    """The headers of a request with a JSON *body*, signed with SDK-HMAC-SHA256."""
    headers = {
        "Content-Type": "application/json",
        "Host": post.host,
        "X-Sdk-Date": now.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ"),
    }
    if keys[2]:
        headers["X-Security-Token"] = keys[2]
    if project := _Place.of(post.path).project:
        headers["X-Project-Id"] = project  # as the SDK's own client does; keys alone name the main project only
    query = parse_qsl(post.query, keep_blank_values=True)
    return {**headers, "Authorization": api_authorization("POST", post.path, query, headers, body, keys)}


def _unsayable(notice: Notice) -> StoreRefused | None:
    """Why OMS cannot be told of this, if it cannot."""
    where = notice.source.of(notice.task.key)
    if notice.task.change is Change.REMOVED:
        return StoreRefused(f'{where}: OMS takes no deletes: remove it at the target, and write deletes = "keep"')
    try:
        encode_key(notice.key)
    except UnicodeEncodeError:
        return StoreRefused(f"{where!a}: the key is not text in UTF-8, which OMS asks for: copy it under another name")
    return None


def _verdicts(answer: Answer, keys: list[str]) -> Iterator[tuple[str, bool]]:
    """Each key, and whether OMS says that it left it out.

    Documented is a 200 without a body. Should it name keys, those in a list of failures were left out; where there are
    only lists of others, those that are in none.
    """
    lists = {name: set(_names(value)) for name, value in answer.json().items() if isinstance(value, list)}
    refused = {key for name, named in lists.items() if _REFUSING.search(name) for key in named}
    taken = {key for name, named in lists.items() if not _REFUSING.search(name) for key in named}
    for key in keys:
        spellings = {key, encode_key(key)}
        yield key, bool(spellings & refused) or (bool(taken) and not spellings & taken)


def _names(values: Sequence[object]) -> Iterator[str]:
    for value in values:
        name = value.get("object_key", value.get("key")) if isinstance(value, dict) else value
        if isinstance(name, str):
            yield name
