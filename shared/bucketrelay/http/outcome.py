"""What an answer means, and what a lost one: status × code × effect → error, once for all clouds and forwards.

A cloud brings its codes and remedies as a `Dialect`. Two questions are answered in two steps: what does the server say
(`meaning`, by code, else by status), and what follows from it for this kind of request (`error_for`).
docs/outcomes.md is made from these tables.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutcomeUnknown,
    RelayError,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)
from bucketrelay.http.faults import CutShort, Misaddressed, NoAnswer, NotSent, Unsendable, Untrusted
from bucketrelay.http.pace import seconds
from bucketrelay.model import NOTHING
from bucketrelay.values import dataclass, field


class Effect(str, Enum):
    """What a request does, as far as its repetition is concerned."""

    READ = "read"  # changes nothing
    REPEATABLE_WRITE = "repeatable write"  # done twice is done once, and nobody sees it before it is published: a part
    PUBLISHING_WRITE = "publishing write"  # is seen, or must not be done twice: an object, a commit, a delete, a begin


class Meaning(Enum):
    """What a server says by an error, whatever the request was. The value is its line in docs/outcomes.md."""

    BUSY = "asked too often; nothing was done"
    LATER = "not now; nothing was done"
    UNCLEAR = "something broke; whether it was done is open"
    DAMAGED = "what arrived is not what was sent; nothing was done"
    CHANGED = "the condition does not hold; nothing was done"
    RANGE = "the object is smaller than the range"
    GONE = "no such key or version"
    NO_UPLOAD = "no such multipart upload"
    UNSAID = "something is not there, key or bucket"
    ELSEWHERE = "the bucket is at another address"
    ARCHIVED = "the object cannot be read until it is restored"
    SKEWED = "the signature's time is wrong"
    LACKING = "the server does not know the call or a header"
    REFUSED = "no, and no again until somebody changes something"


class NotModified(Exception):
    """304: still the version of If-None-Match. `headers` are the answer's."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers
        super().__init__("304")


class NoSuchUpload(ObjectGone):
    """There is no such multipart upload."""


class OutOfRange(SourceChanged):
    """The object is smaller than the range asked for."""


class Unsaid(StoreRefused):
    """A 404 that does not say whether the key or the bucket is missing, as every HEAD's."""


class Archived(StoreRefused):
    """The object is there, but in a storage class that cannot be read."""


class Lacking(StoreRefused):
    """The server knows that it does not know the call or a header."""


class Refusal(Exception):
    """An answer that is an error, as it came; the cause of what `error_for` makes of it.

    Attributes:
        code: the cloud's; "" where the answer had none, as all to HEAD.
        headers: names in lower case.
    """

    def __init__(self, status: int, code: str = "", message: str = "", headers: Mapping[str, str] = NOTHING) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, headers
        super().__init__(f"{code or 'no code'} ({status}) {message}".strip())


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a cloud says no.

    Attributes:
        codes: its error codes; what is not among them is understood by its status.
        remedies: what to do about a code, in words.
        forbidden: what to grant where a 403 is about no permission that the request names.
        elsewhere: what to do about a bucket at another address.
    """

    codes: Mapping[str, Meaning]
    remedies: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    forbidden: str = "grant the permission, then replay"
    elsewhere: str = "set the store's region"


# RFC 9110, 15; RFC 8470 (425); RFC 6585 (429). What is not here: REFUSED below 500, UNCLEAR from there on.
STATUSES: Mapping[int, Meaning] = MappingProxyType(
    {
        301: Meaning.ELSEWHERE,
        302: Meaning.ELSEWHERE,
        303: Meaning.ELSEWHERE,
        307: Meaning.ELSEWHERE,
        308: Meaning.ELSEWHERE,
        404: Meaning.UNSAID,
        408: Meaning.LATER,  # "did not receive a complete request message": so it was not carried out
        409: Meaning.LATER,  # "conflict with the current state", which passes; codes that say for good are REFUSED
        412: Meaning.CHANGED,
        416: Meaning.RANGE,
        425: Meaning.LATER,
        429: Meaning.BUSY,
        500: Meaning.UNCLEAR,
        501: Meaning.LACKING,
        502: Meaning.UNCLEAR,
        503: Meaning.UNCLEAR,  # a gateway's own: the server behind it may be at work. A cloud's code may say more
        504: Meaning.UNCLEAR,
    }
)
# What a code may say under a 5xx. Others come from servers that say 500 for whatever they did not expect.
_BELIEVED = (Meaning.BUSY, Meaning.LATER, Meaning.UNCLEAR, Meaning.LACKING)
_ABSENT = (200, 404)  # under which *no such key* is believed: under a success it is of a slow copy's source
_LATER = (StoreUnavailable, "try again later")
_GONE = (ObjectGone, "look again")
_CHANGED = "somebody wrote it since it was looked at: look again"
_UNKNOWN = (OutcomeUnknown, "the write may have happened: look before believing either")
Follows = tuple[type[RelayError], str]  # the error, and its last words
_SAME: Mapping[Meaning, Follows] = MappingProxyType(
    {
        Meaning.BUSY: _LATER,
        Meaning.LATER: _LATER,
        Meaning.DAMAGED: (Damaged, "what arrived there is not what was sent: start over"),
        Meaning.RANGE: (OutOfRange, "the object is smaller than it was: look again"),
        Meaning.GONE: _GONE,
        Meaning.NO_UPLOAD: (NoSuchUpload, "begin again"),
        Meaning.UNSAID: (
            Unsaid,
            "the answer does not say whether the key or the bucket is missing: check the store's url",
        ),
        Meaning.ELSEWHERE: (StoreRefused, ""),
        Meaning.ARCHIVED: (Archived, "the object is archived: restore it, then replay"),
        Meaning.SKEWED: (StoreRefused, "set this machine's clock"),
        Meaning.LACKING: (Lacking, "the server does not support this request"),
        Meaning.REFUSED: (StoreRefused, ""),
    }
)
_BY_EFFECT: Mapping[tuple[Meaning, Effect], Follows] = MappingProxyType(
    {
        (Meaning.UNCLEAR, Effect.READ): _LATER,
        (Meaning.UNCLEAR, Effect.REPEATABLE_WRITE): _LATER,
        (Meaning.UNCLEAR, Effect.PUBLISHING_WRITE): _UNKNOWN,
        (Meaning.CHANGED, Effect.READ): (SourceChanged, _CHANGED),
        (Meaning.CHANGED, Effect.REPEATABLE_WRITE): (TargetChanged, _CHANGED),
        (Meaning.CHANGED, Effect.PUBLISHING_WRITE): (TargetChanged, _CHANGED),
    }
)


def meaning(status: int, code: str, codes: Mapping[str, Meaning]) -> Meaning:
    """What the server says. A status below 300 is that of an error under a success, as S3 has for slow copies."""
    told = codes.get(code)
    if told is Meaning.GONE and status not in _ABSENT:
        told = (
            None  # a server that refuses, or a proxy, and names a missing key all the same: nothing is deleted for it
        )
    if told is not None and (status < 500 or told in _BELIEVED):
        return told
    return STATUSES.get(status) or (Meaning.UNCLEAR if status >= 500 or status < 300 else Meaning.REFUSED)


def follows(told: Meaning, effect: Effect) -> Follows:
    """The error that a meaning becomes for a kind of request, and its remedy; "" where only the code has one."""
    return _SAME[told] if told in _SAME else _BY_EFFECT[told, effect]


def error_for(
    refusal: Refusal, effect: Effect, url: str, dialect: Dialect, *, permission: str = "", elsewhere: str = ""
) -> RelayError:
    """What to raise for an answer that is an error; to be raised `from` the refusal.

    Args:
        url: of the object or the store.
        permission: what the request needs, to be granted where the answer is 403 for no reason that has another remedy.
        elsewhere: where the bucket is, if the answer says so.
    """
    told = meaning(refusal.status, refusal.code, dialect.codes)
    kind, remedy = follows(told, effect)
    if told is Meaning.ELSEWHERE:
        remedy = f"the bucket is in another region: {elsewhere or dialect.elsewhere}"
    elif told in (Meaning.REFUSED, Meaning.ARCHIVED, Meaning.LACKING, Meaning.SKEWED):
        remedy = dialect.remedies.get(refusal.code) or remedy or _remedy(refusal.status, permission, dialect)
    words = (url, f"{refusal.code or 'no code'} ({refusal.status})", refusal.message, remedy)
    text = ": ".join(part for part in words if part)
    if issubclass(kind, StoreUnavailable):
        busy = told is Meaning.BUSY or refusal.status in (429, 503)
        return kind(text, busy=busy, after=seconds(refusal.headers.get("retry-after", "")))
    return kind(text)


def error_without_answer(fault: NoAnswer, effect: Effect, url: str) -> RelayError:
    """What to raise where no whole answer came; to be raised `from` the fault."""
    words = f"{url}: {fault}"
    if isinstance(fault, Untrusted):
        return StoreRefused(f"{words}: check endpoint, or set ca_file to the authority's certificate")
    if isinstance(fault, Misaddressed):
        return StoreRefused(f"{words}: mend endpoint: http:// or https://, or the port")
    if isinstance(fault, Unsendable):
        return StoreRefused(words)
    if isinstance(fault, NotSent):
        return StoreUnavailable(f"{words}: check endpoint and network, then try again")
    if effect is Effect.PUBLISHING_WRITE:
        return OutcomeUnknown(f"{words}: no answer to a write: look before believing either")
    if isinstance(fault, CutShort) and effect is Effect.READ:
        return Damaged(f"{words}: start over")
    return StoreUnavailable(f"{words}: try again later")


def _remedy(status: int, permission: str, dialect: Dialect) -> str:
    if status in (401, 403):
        return f"grant {permission}" if permission else dialect.forbidden
    if status == 431:
        return "the object's metadata has more headers, or longer ones, than the server takes: give it fewer"
    return "mend the configuration or the object"
