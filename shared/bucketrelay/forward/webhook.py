"""Any HTTP receiver: told of each change by a CloudEvent, signed as Standard Webhooks asks for.

Sources: CloudEvents 1.0.2, JSON format and HTTP binding, structured mode; Standard Webhooks 1.0.0
(github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from urllib.parse import quote

from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, RelayError, StoreRefused
from bucketrelay.forward import Notice, Verdict
from bucketrelay.http.post import Answer, Post, Retry

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_ENCODED_SECRET = "whsec_"  # noqa: S105 — the prefix that Standard Webhooks gives to a secret in base64
# What CloudEvents forbids in an attribute: controls, lone surrogates, noncharacters.
_NOT_IN_AN_ATTRIBUTE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_REMEDIES = {
    401: "check the secret at both ends, and the clocks",
    403: "check the secret at both ends, and the clocks",
    404: "check the URL",
    410: "the receiver wants no more of these: remove the forward",
    413: "let the receiver take bodies of 8 KiB",
}


class WebhookForward:
    """One receiver of CloudEvents.

    Args:
        url: where they go.
        secret_key: signs them; `whsec_` and base64 as Standard Webhooks writes it, else the bytes of the text. Without
            it they go unsigned.
        access_key: names the secret to the receiver, in `webhook-key-id`.
        shown: what messages call the receiver.
        timeout: seconds for each step of a request.
        ca_file: certificates to trust instead of the system's.

    Raises:
        ConfigError: *secret_key* is not what it says it is.
    """

    together = 1

    def __init__(  # noqa: PLR0913 — what may be set, each by its name
        self,
        url: str,
        *,
        secret_key: str = "",
        access_key: str = "",
        shown: str = "",
        timeout: float = 10.0,
        ca_file: str = "",
        retry: Retry | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._post = Post(url, shown, timeout=timeout, ca_file=ca_file, retry=retry)
        self._secret, self._key_id, self._now = secret_bytes(secret_key), access_key, now
        self._hide = (secret_key, access_key)

    def close(self) -> None:
        """Close the connections; the next notice opens new ones."""
        self._post.close()

    def __repr__(self) -> str:
        return f"WebhookForward({self._post.shown})"

    def tell(self, notices: Sequence[Notice], deadline: Deadline) -> list[Verdict]:
        """One request for each."""
        return [self._one(notice, deadline) for notice in notices]

    def send(self, event: Mapping[str, object], deadline: Deadline) -> None:
        """Send one CloudEvent. Raises RelayError unless the receiver has taken it."""
        body = json.dumps(event, separators=(",", ":")).encode()
        answer = self._post.send(body, lambda: self._headers(str(event["id"]), body), deadline, hide=self._hide)
        if not answer.taken:
            raise self._refusal(answer)

    def _one(self, notice: Notice, deadline: Deadline) -> Verdict:
        try:
            self.send(cloud_event(notice), deadline)
        except RelayError as error:
            return error
        return None

    def _headers(self, message: str, body: bytes) -> dict[str, str]:
        seconds = str(int(self._now().timestamp()))
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Idempotency-Key": message,
            "webhook-id": message,
            "webhook-timestamp": seconds,
        }
        if self._secret:
            headers["webhook-signature"] = signature(self._secret, message, seconds, body)
        if self._secret and self._key_id:
            headers["webhook-key-id"] = self._key_id
        return headers

    def _refusal(self, answer: Answer) -> StoreRefused:
        moved = "redirects are not followed: write the address itself" if answer.status < 400 else "ask the receiver"
        return StoreRefused(f"{self._post.words(answer, self._hide)}: {_REMEDIES.get(answer.status, moved)}")


def signature(secret: bytes, message: str, seconds: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, as Standard Webhooks defines it."""
    signed = f"{message}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def secret_bytes(text: str) -> bytes:
    """The key that a secret stands for.

    Raises:
        ConfigError: it begins with `whsec_` and is not base64; without a word of it.
    """
    if not text.startswith(_ENCODED_SECRET):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_ENCODED_SECRET), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(
            ["secret_key begins with whsec_, but what follows is not base64: copy it once more"]
        ) from None


def cloud_event(notice: Notice) -> dict[str, object]:
    """What a receiver is told. `subject` is the key as the store sees it; `data.key` the whole one, exactly.

    `id` is the same whenever the same event is told of again, and so is the idempotency key. An event that has neither
    an id nor a time of its own gets a new one each time: taken for a repetition, a later change would be lost.
    """
    task, source = notice.task, notice.source
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": _id(notice),
        "source": quote(source.url, safe=":/@"),
        "type": f"io.bucketrelay.object.{task.change.value}",
        "subject": _NOT_IN_AN_ATTRIBUTE.sub(lambda match: quote(match[0], errors="surrogatepass"), task.key),
        "datacontenttype": "application/json",
    }
    if task.time:
        event["time"] = task.time.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    event["data"] = {
        "route": task.route,
        "cause": task.cause,
        "bucket": source.bucket,
        **({"namespace": source.namespace} if source.namespace else {}),
        "key": notice.key,
        "size": task.size,
    }
    return event


def _id(notice: Notice) -> str:
    task = notice.task
    if not task.cause and not task.time:
        return os.urandom(16).hex()
    when = task.time.astimezone(timezone.utc).isoformat() if task.time else ""
    text = json.dumps([task.route, notice.source.url, notice.key, task.change.value, task.cause, when])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
