"""The receiving end's API: one POST for a dataset, told again until it was answered."""

import base64
from hashlib import sha256
from urllib.parse import urlsplit

from bucketrelay.deadline import Deadline
from bucketrelay.errors import StoreRefused, StoreUnavailable
from bucketrelay.http.connections import Connections
from bucketrelay.http.faults import Misaddressed, NoAnswer, Unsendable, Untrusted
from bucketrelay.http.messages import Request
from bucketrelay.http.post import Post
from bucketrelay.values import dataclass, field

_LATER = (401, 403, 404)  # a password, a permission, a proxy: somebody may be mending it right now


@dataclass(frozen=True, slots=True)
class Remote:
    """Where datasets are told.

    Args:
        post: the address of `/dataset`.
        user, password: by basic authentication.
    """

    post: Post
    user: str
    password: str = field(repr=False)

    def __call__(self, body: bytes, deadline: Deadline) -> None:
        """Tell it; returns once the answer was 200.

        Raises:
            StoreUnavailable: it may be answered otherwise later.
            StoreRefused: the receiving end refuses this very message.
        """
        answer = self.post.send(body, lambda: self._headers(body), deadline, hide=(self.password,))
        if answer.status == 200:
            return
        words = self.post.words(answer, (self.password,))
        if answer.again or answer.status in _LATER:
            raise StoreUnavailable(words)
        raise StoreRefused(f"{words}: 200 is the only answer that means that it was taken")

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "Authorization": basic(self.user, self.password),
            "Content-Type": "application/json",
            "Idempotency-Key": sha256(body).hexdigest(),
        }


def ready(url: str, shown: str, credentials: tuple[str, str], ca_file: str = "") -> int:
    """The status of the receiving end's answer to `GET /ready`.

    Raises:
        StoreUnavailable: nobody answers.
        StoreRefused: somebody answers who is not believed.
    """
    connections = Connections(url, ca_file=ca_file)
    request = Request("GET", f"{urlsplit(url).path}/ready", {"Authorization": basic(*credentials)})
    try:
        return connections.send(request, repeatable=True, whole=False).status
    except (Untrusted, Misaddressed, Unsendable) as fault:
        raise StoreRefused(f"{shown}: {fault}") from fault
    except NoAnswer as fault:
        raise StoreUnavailable(f"{shown}: {fault}") from fault
    finally:
        connections.close()


def basic(user: str, password: str) -> str:
    """The header of basic authentication."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
