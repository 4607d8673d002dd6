"""What is known of each kind of store, as data: `config` reads options by it, `doctor` and the pages are made from it.

Each cloud's own are in its folder's `facts.py`. Nothing here or there imports more than the standard library and the
words of `store`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from bucketrelay.store import Abilities, MiB
from bucketrelay.values import dataclass, field

Kind = Literal["text", "secret", "flag", "whole", "number", "choice", "endpoint", "classes"]
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a store.

    Attributes:
        default: in words; "" where it is simply not set.
        choices: of a `choice`.
        low, high: of a number, both included.
    """

    name: str
    kind: Kind
    meaning: str
    default: str = ""
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0


@dataclass(frozen=True, slots=True)
class ServerCopy:
    """Copies that the server makes by itself.

    Attributes:
        reach: between which stores, and on which condition, for the page; `{least}` stands for the size.
        least: bytes of an object that is worth it.
    """

    reach: str
    least: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One kind of store.

    Attributes:
        form: of its URL.
        abilities: as the cloud itself documents them. A store declares less where its server is another, and more
            classes where it is told so.
        storage_classes: the cloud's words for them.
        instead_of_keys: what to do where somebody writes `access_key`; "" where that is what the store takes.
        needs: the permission that each of the doctor's checks takes, in the cloud's own words, by the check's name;
            `{bucket}` and `{prefix}` stand for the store's.
    """

    scheme: str
    name: str
    form: str
    abilities: Abilities
    options: tuple[Option, ...] = ()
    needs: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    storage_classes: frozenset[str] = frozenset()
    copies: ServerCopy | None = None
    instead_of_keys: str = ""


# In any cloud's words, what is read rarely but at once. Not the archives (GLACIER, DEEP_ARCHIVE, COLD, Archive): what
# is in one cannot be read, so it could neither be copied nor compared again without being restored first. Who wants
# them says so with `storage_classes`.
RARELY_READ = ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "INTELLIGENT_TIERING", "WARM", "InfrequentAccess")
WORTH_A_COPY = 8 * MiB  # of what is smaller, the first look at the source has usually brought the bytes already

COMMON = (
    Option("endpoint", "endpoint", "the server's address; https where it says nothing else", "the cloud's own"),
    Option("region", "text", "the bucket's region", "as the cloud's own tools find it"),
    Option("access_key", "secret", "with `secret_key`; without both, the cloud's usual chain of credentials"),
    Option("secret_key", "secret", "goes with `access_key`"),
    Option("session_token", "secret", "of temporary keys"),
    Option("ca_file", "text", "authorities to trust instead of the system's, as PEM", "the system's"),
    Option(
        "timeout",
        "number",
        "seconds to connect, and for each read and write; six times as long for the answer to 1 MiB or more",
        "10",
        low=0.1,
        high=3600,
    ),
    Option("retries", "whole", "how often a harmless request is made again", "2", low=0, high=100),
    Option("coms_id", "flag", "whether the inventory writes an object's id into its tag `coms-id`", "false"),
    Option("coms_bucket_id", "text", "what COMS's clients call the bucket: docs/serve.md"),
)
EVENT_KEYS = Option(
    "event_keys",
    "choice",
    "how keys are written in the bucket's events, where that is otherwise: docs/events.md",
    "as the sender does",
    ("encoded", "raw"),
)
CLASSES = Option(
    "storage_classes",
    "classes",
    'what becomes of a class of another store here: `{ GLACIER = "COLD" }`',
    "docs/what-travels.md",
)
