"""One bounded POST to one address, again while that may help and there is time. Standard library only."""

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from urllib.parse import quote, urlsplit

from bucketrelay import deadline as deadlines
from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.connections import Connections
from bucketrelay.http.faults import Misaddressed, NoAnswer, Unsendable, Untrusted
from bucketrelay.http.messages import Request
from bucketrelay.http.pace import Pace, seconds
from bucketrelay.values import dataclass

_LONGEST_ANSWER = 64 * 1024  # bytes that are read; what an answer has to say is said in fewer
_LONGEST_WORDS = 300  # characters of an answer that are quoted
_AGAIN = frozenset({408, 425, 429})  # RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4; and every 5xx
_URL_SIGNS = "/%:@!$&'()*+,;=~?"
_HIDDEN = "**********"


@dataclass(frozen=True, slots=True)
class Retry:
    """How a request is repeated: at most *attempts* in all, with pauses that double, scattered by *jitter*.

    A `Retry-After` is obeyed instead, unless it asks for more than *longest* or than the time left: then the task
    fails, and comes again when the platform brings it.
    """

    attempts: int = 4
    first: float = 0.25  # seconds
    longest: float = 20.0  # seconds
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def pause(self, attempt: int, wanted: float | None) -> float:
        """Seconds to wait after attempt number *attempt* (from 0)."""
        scattered = self.first * 2.0**attempt * (0.5 + self.jitter())
        return min(self.longest, scattered) if wanted is None else wanted + self.first * self.jitter()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    body: bytes  # its beginning, if it is long
    retry_after: float | None = None  # seconds

    @property
    def taken(self) -> bool:
        """2xx. A redirect is none: whoever could send one would get our notices, signed."""
        return 200 <= self.status < 300

    @property
    def again(self) -> bool:
        """Whether the same request may be answered otherwise later."""
        return self.status >= 500 or self.status in _AGAIN

    def json(self) -> dict[str, object]:
        """The body as a JSON object; empty if it is none."""
        with suppress(ValueError, RecursionError):
            parsed = json.loads(self.body)
            return parsed if isinstance(parsed, dict) else {}
        return {}

    def words(self, hide: Iterable[str] = ()) -> str:
        """Status and the body's own words in one line, for a message, such as "400 OMS.0054 Invalid task ID".

        Args:
            hide: secrets that the other side may quote: Huawei's gateway repeats the access key.
        """
        members = self.json()
        known = [members[name] for name in ("error_code", "code", "error_msg", "message", "error") if name in members]
        text = " ".join(str(word) for word in known) or self.body.decode("utf-8", "replace")
        for secret in hide:
            text = text.replace(secret, _HIDDEN) if secret else text
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f"{self.status} {text[:_LONGEST_WORDS]}".strip()


class Post:
    """An address that takes POST requests; for many threads.

    Args:
        url: http(s); never in a message, as a webhook's URL is often itself the secret.
        shown: what messages call it; by default scheme and host.
        timeout: seconds for each step of a request, less where less is left.
        ca_file: certificates to trust instead of the system's.
        pace: how fast requests to this host may go.

    Raises:
        ConfigError: *url* is no address of the web.
    """

    def __init__(
        self,
        url: str,
        shown: str = "",
        *,
        timeout: float = 10.0,
        ca_file: str = "",
        retry: Retry | None = None,
        pace: Pace | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError([f"{shown or 'the URL of a forward'}: must be an address such as https://host/path"])
        self.scheme, self.host = parts.scheme, parts.netloc.rpartition("@")[2]
        self.path, self.query = quote(parts.path or "/", safe=_URL_SIGNS), quote(parts.query, safe=_URL_SIGNS)
        self.shown = shown or f"{self.scheme}://{self.host}"
        self._connections = Connections(f"{self.scheme}://{self.host}", ca_file=ca_file, timeout=timeout)
        self._retry, self._pace = retry or Retry(), pace or Pace()

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._connections.close()

    def words(self, answer: Answer, hide: Iterable[str] = ()) -> str:
        """Who answered, and in which words, without *hide* and without what `shown` does not show of the URL."""
        path = "" if self.path in self.shown or self.path == "/" else self.path  # web servers quote it in a 404
        return f"{self.shown}: {answer.words((*hide, path, self.query))}"

    def send(
        self, body: bytes, headers: Callable[[], Mapping[str, str]], deadline: Deadline, *, hide: Iterable[str] = ()
    ) -> Answer:
        """The answer to *body*, whatever its status, unless it is one that asks to come again.

        Args:
            headers: called for each attempt, as signatures hold the time.
            hide: secrets that messages must not repeat.

        Raises:
            StoreUnavailable: 5xx, 429, a timeout or a broken connection, also in the last attempt.
            StoreRefused: the certificate is not trusted, or a header cannot be sent.
            OutOfTime: no time was left for an attempt.
        """
        deadline.check()
        for attempt in range(self._retry.attempts):
            wanted, sent = None, self._pace.turn(deadline, self.shown)
            try:
                with deadlines.under(deadline):
                    answer = self._once(body, headers())
                self._note(answer, sent)
                if not answer.again:
                    return answer
                failure, wanted = StoreUnavailable(self.words(answer, hide)), answer.retry_after
            except StoreUnavailable as error:
                failure = error
            wait = self._retry.pause(attempt, wanted)
            if (
                attempt + 1 == self._retry.attempts
                or wait >= deadline.remaining()
                or (wanted or 0) > self._retry.longest
            ):
                break
            self._retry.sleep(wait)
        raise failure

    def _note(self, answer: Answer, sent: float) -> None:
        if answer.status in (429, 503):
            self._pace.note_refusal(sent, None)  # Retry-After is obeyed by `send`, and not beyond `Retry.longest`
        else:
            self._pace.note_success()

    def _once(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = Request("POST", f"{self.path}?{self.query}" if self.query else self.path, headers, body)
        try:
            # Publishing: who is told twice does the work twice. What `Retry` repeats is another matter: it has our id.
            answer = self._connections.send(request, repeatable=False, longest=_LONGEST_ANSWER, whole=False)
        except NoAnswer as fault:
            raise self._error_of(fault) from fault
        return Answer(answer.status, answer.body, seconds(answer.headers.get("retry-after", "")))

    def _error_of(self, fault: NoAnswer) -> RelayError:
        if isinstance(fault, Untrusted):
            return StoreRefused(f"{self.shown}: {fault}: set SSL_CERT_FILE to its authority's")
        if isinstance(fault, Misaddressed):
            return StoreRefused(f"{self.shown}: {fault}: mend the forward's url")
        if isinstance(fault, Unsendable):
            return StoreRefused(f"{self.shown}: the keys hold a line break or letters outside of ASCII")
        return StoreUnavailable(f"{self.shown}: {fault}")
