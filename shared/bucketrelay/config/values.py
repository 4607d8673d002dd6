"""What a configuration is once it has been read: frozen, complete, without mistakes."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal, final

from bucketrelay.errors import ConfigError
from bucketrelay.model import Address
from bucketrelay.routes import ANY_BUCKET, Route
from bucketrelay.store import MiB
from bucketrelay.values import dataclass, field

_HIDDEN = "**********"


@final
class Secret:
    """A text that shows itself to nobody who does not ask for it by `reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the call that needs it, and for nothing that is printed or kept."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({_HIDDEN!r})"

    def __str__(self) -> str:
        return _HIDDEN

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """One store: where it is, and the options that its configuration gives; what it does not give is not in there.

    `options` holds texts, Secrets (`access_key secret_key session_token`), seconds as float (`timeout`), int
    (`retries`), bool (`path_style`) and a Mapping of texts (`storage_classes`). Not in the repr: somebody may have put
    a secret where none belongs.
    """

    name: str
    address: Address
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def reveal(self) -> dict[str, object]:
        """The options with their secrets in plain text: for what makes the store's client, and for nothing else."""
        return {name: v.reveal() if isinstance(v, Secret) else v for name, v in self.options.items()}


@dataclass(frozen=True, slots=True)
class ForwardConfig:
    """Somebody else who moves objects, and how to tell him.

    `url` is as given, `task_id` only from the template's `sync_task_id`. Both stay out of the repr, as a webhook's
    URL is often itself the secret; `shown` is for messages and lists: without its query, and with `${NAME}` where the
    configuration has it.
    """

    name: str
    type: Literal["oms", "webhook"]
    url: str = field(repr=False)
    shown: str
    task_id: str = field(default="", repr=False)
    access_key: Secret | None = None
    secret_key: Secret | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one invocation may hold and do at once."""

    concurrency: int = 16  # tasks at once
    part_size: int = 8 * MiB
    memory: int = 128 * MiB  # bytes of objects held at once, over all tasks
    margin: float = 5.0  # seconds kept back before the platform's deadline


@dataclass(frozen=True, slots=True)
class Alarms:
    """What raises an alarm; None: nothing of the kind does.

    Attributes:
        lag: seconds that a write may be missing at a target.
        failed: failures within an hour.
        dead: dead jobs.
        books: seconds since the last complete books of a reconcile.
        probe: seconds since the last heartbeat that came through, of routes that have any.
        webhook: the forward that is told when an alarm is raised, and when it ends; "" for none.
    """

    lag: float | None = None
    failed: int | None = None
    dead: int | None = None
    books: float | None = None
    probe: float | None = None
    webhook: str = ""


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """Where jobs wait: a PostgreSQL database if `url` is there, else the SQLite file at `path`."""

    url: Secret | None = None
    path: Path = Path("relay.db")
    shown: str = "sqlite:///relay.db"  # for messages
    lease: float = 60.0  # seconds that a worker may be silent
    attempts: int = 8


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    """What is done again and again, and when: exactly one of the three things, at one of the two kinds of times."""

    every: float = 0.0  # seconds; 0 where there is a cron line
    cron: str = ""  # in UTC
    reconcile: str = ""  # a route
    inventory: str = ""  # a store
    sweep: bool = False  # abandoned uploads


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Who may call us over HTTP, and how."""

    token: Secret | None = None
    read_token: Secret | None = None
    user: str = ""
    password: Secret | None = None
    certificate: Path | None = None
    key: Path | None = None
    coms_default: str = ""  # the store that COMS's clients mean when they name no bucket


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """A message broker."""

    url: Secret
    shown: str  # for messages
    ca_file: Path | None = None
    prefetch: int = 20


@dataclass(frozen=True, slots=True)
class CopierConfig:
    """Copies that are asked for by message."""

    broker: BrokerConfig
    requests: str
    replies: str  # "": nobody is answered
    roots: Mapping[str, str]  # a root's name in the messages: a store's name


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """The receiving end's API."""

    url: str = field(repr=False)
    shown: str
    user: str
    password: Secret
    ca_file: Path | None = None


Offset = Literal["first", "next"] | datetime  # where a stream is begun that was never read


@dataclass(frozen=True, slots=True)
class DatasetsConfig:
    """An archive whose datasets are synced to a partner."""

    broker: BrokerConfig
    queue: str
    exchange: str
    database: Secret
    center_prefix: str
    archive: str  # stores' names
    target: str
    key_file: Path
    passphrase: Secret | None
    receiver_key: Path
    remote: RemoteConfig
    offset: Offset = "first"
    locations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of archives in several places


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a function needs to know. `log` is a store's name, or "" if all copies are by message."""

    log: str
    stores: Mapping[str, StoreConfig]
    routes: tuple[Route, ...]
    forwards: Mapping[str, ForwardConfig] = field(default_factory=lambda: MappingProxyType({}))
    limits: Limits = field(default_factory=Limits)
    alarms: Alarms = field(default_factory=Alarms)
    queue: QueueConfig = field(default_factory=QueueConfig)
    schedules: tuple[ScheduleConfig, ...] = ()
    serve: ServeConfig = field(default_factory=ServeConfig)
    copier: CopierConfig | None = None
    datasets: DatasetsConfig | None = None

    def address(self, store: str) -> Address:
        """Where the store is that a Task names: by its name, or by its URL where any bucket may be the source.

        Raises:
            ConfigError: no store is named so (any more).
        """
        if store in self.stores:
            return self.stores[store].address
        scheme, separator, place = store.partition("://")
        bucket, _, namespace = place.partition("@")
        for route in self.routes:
            source = self.stores[route.source_store].address
            if separator and bucket and "/" not in place and source == Address(scheme, ANY_BUCKET):
                return Address(scheme, bucket, namespace)
        raise ConfigError([f"no store is named {store!r}: was it renamed or removed from the configuration?"])
