"""One bounded POST to one address, again while that may help and there is time. Standard library only."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from bucketrelay.deadline import Deadline
from bucketrelay.errors import ConfigError, RelayError, StoreRefused, StoreUnavailable
from bucketrelay.http.pace import Pace, seconds

if TYPE_CHECKING:
    import http.client
    import ssl

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

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after attempt number *attempt* (from 0)."""
        scattered = self.first * 2.0**attempt * (0.5 + self.jitter())
        return min(self.longest, scattered) if asked is None else asked + self.first * self.jitter()


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
            found = json.loads(self.body)
            return found if isinstance(found, dict) else {}
        return {}

    def words(self, hide: Iterable[str] = ()) -> str:
        """Status and the body's own words in one line, for a message, such as "400 OMS.0054 Invalid task ID".

        Args:
            hide: secrets that the other side may quote: Huawei's gateway repeats the access key.
        """
        members = self.json()
        known = [members[name] for name in ("error_code", "code", "error_msg", "message", "error") if name in members]
        said = " ".join(str(word) for word in known) or self.body.decode("utf-8", "replace")
        for secret in hide:
            said = said.replace(secret, _HIDDEN) if secret else said
        said = " ".join("".join(c if c.isprintable() else " " for c in said).split())
        return f"{self.status} {said[:_LONGEST_WORDS]}".strip()


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
        self._name, self._port = parts.hostname, parts.port
        self._timeout, self._ca_file, self._retry = timeout, ca_file, retry or Retry()
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def said(self, answer: Answer, hide: Iterable[str] = ()) -> str:
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
            asked, sent = None, self._pace.turn(deadline, self.shown)
            try:
                answer = self._once(body, headers(), min(self._timeout, max(deadline.left(), 0.001)))
                self._note(answer, sent)
                if not answer.again:
                    return answer
                failure, asked = StoreUnavailable(self.said(answer, hide)), answer.retry_after
            except StoreUnavailable as error:
                failure = error
            wait = self._retry.pause(attempt, asked)
            if attempt + 1 == self._retry.attempts or wait >= deadline.left() or (asked or 0) > self._retry.longest:
                break
            self._retry.sleep(wait)
        raise failure

    def _note(self, answer: Answer, sent: float) -> None:
        if answer.status in (429, 503):
            self._pace.refused(sent, None)  # Retry-After is obeyed by `send`, and not beyond `Retry.longest`
        else:
            self._pace.accepted()

    def _once(self, body: bytes, headers: Mapping[str, str], timeout: float) -> Answer:
        import http.client  # noqa: PLC0415 — 25 ms, and configuring a forward needs none of it

        connection = self._connection(timeout)
        target = f"{self.path}?{self.query}" if self.query else self.path
        try:
            connection.request("POST", target, body, {"User-Agent": "bucketrelay", **headers})
            response = connection.getresponse()
            after = seconds(response.headers.get("Retry-After", ""))
            return Answer(response.status, response.read(_LONGEST_ANSWER), after)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from error
        except ValueError:  # without `from`: http.client's message quotes the header, which names the access key
            raise StoreRefused(f"{self.shown}: the keys hold a line break or letters outside of ASCII") from None
        finally:
            connection.close()

    def _connection(self, timeout: float) -> "http.client.HTTPConnection":
        import http.client  # noqa: PLC0415 — as above

        if self.scheme == "http":
            return http.client.HTTPConnection(self._name, self._port, timeout=timeout)
        return http.client.HTTPSConnection(self._name, self._port, timeout=timeout, context=self._trust())

    def _trust(self) -> "ssl.SSLContext":
        """The certificates to trust, read once: it takes some 20 ms."""
        with self._lock:
            if self._context is None:
                self._context = _context(self._ca_file, self.shown)
            return self._context

    def _broken(self, error: Exception) -> RelayError:
        import ssl  # noqa: PLC0415 — loaded already wherever there is one of its errors

        if isinstance(error, ssl.SSLCertVerificationError):
            why = "its certificate is not trusted, or names another host: set SSL_CERT_FILE to its authority's"
            return StoreRefused(f"{self.shown}: {why} ({error.verify_message})")
        if isinstance(error, TimeoutError):
            return StoreUnavailable(f"{self.shown}: no answer in time")
        return StoreUnavailable(f"{self.shown}: cannot be reached, or hung up: {str(error) or type(error).__name__}")


def _context(ca_file: str, shown: str) -> "ssl.SSLContext":
    import ssl  # noqa: PLC0415 — only https needs it

    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise StoreRefused(f"{shown}: ca_file {ca_file} holds no certificates in PEM: {error}") from error
    if not ca_file and not context.cert_store_stats()["x509_ca"]:
        # A slim image may have no certificates of its own; the SDKs bring certifi. A directory of the system's, read
        # only when it is needed, counts as none here, and stays trusted.
        with suppress(ImportError):
            import certifi  # noqa: PLC0415 — as above

            context.load_verify_locations(certifi.where())
    return context
