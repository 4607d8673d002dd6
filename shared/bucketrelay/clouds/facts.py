"""What is known of each kind of store, as data: `config` reads options by it, `doctor` and the pages are made from it.

Each cloud's own are in its folder's `facts.py`. Nothing here or there imports more than the standard library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

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
class Facts:
    """One kind of store.

    Attributes:
        form: of its URL.
        needs: the permission that each of the doctor's checks takes, in the cloud's own words, by the check's name;
            `{bucket}` and `{prefix}` stand for the store's.
    """

    scheme: str
    name: str
    form: str
    options: tuple[Option, ...] = ()
    needs: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


COMMON = (
    Option("endpoint", "endpoint", "the server's address; https where it says nothing else", "the cloud's own"),
    Option("region", "text", "the bucket's region", "as the cloud's own tools find it"),
    Option("access_key", "secret", "with `secret_key`; without both, the cloud's usual chain of credentials"),
    Option("secret_key", "secret", "goes with `access_key`"),
    Option("session_token", "secret", "of temporary keys"),
    Option("ca_file", "text", "authorities to trust instead of the system's, as PEM", "the system's"),
    Option("timeout", "number", "seconds to connect, and for each read and write", "10", low=0.1, high=3600),
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
