"""Every key of a configuration outside of the stores', with what it means: docs/configuration.md is made from it.

What the options of a store are, its cloud says: `clouds/*/facts.py`. A test holds that what is read is what is here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section.

    Attributes:
        type: in words, which docs/generate_schema.py knows.
        default: in words; "" where it is simply not set.
        keys: of a table, what is in it; empty where its keys are the user's own.
    """

    name: str
    type: str
    meaning: str
    default: str = ""
    keys: tuple["Key", ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of table: how it is written, what for, what is in it."""

    written: str
    meaning: str
    keys: tuple[Key, ...]


_TOP = Section(
    "",
    "At the top of the file",
    (Key("log", "a store's name", "the store that receives the success and failed lists", "must be there"),),
)
_WINDOWS = (
    Key("open", "list of times", '`"20:00-06:00"`, `"sat-sun"`, `"mon-fri 20:00-06:00"`, in UTC', "at all times"),
    Key("bandwidth", "size", "bytes a second that one process moves for the route", "no limit"),
)
_ROUTES = Section(
    "[[routes]]",
    "From one source to its targets, or to somebody who moves the objects himself",
    (
        Key("name", "text", "of the route: in every line of the lists", "must be there"),
        Key("source", "a store's name", "whose bucket's events it takes", "must be there"),
        Key("targets", "list of stores' names", "each succeeds or fails on its own", "this or `forward`"),
        Key("forward", "a forward's name", "instead of targets: tell somebody else to move it"),
        Key("include", "list of globs", "which keys; `*` stays inside a path segment, `**` does not", "every key"),
        Key("exclude", "list of globs", "which keys not; it wins over `include`", "none"),
        Key("strip_prefix", "text", "removed from the key; a key without it is not this route's"),
        Key("add_prefix", "text", "put before the key at the targets"),
        Key("deletes", '"keep" or "follow"', "what becomes of a copy whose source is deleted", '"keep"'),
        Key("max_deletes", "number", "the fuse: so many deletes in an hour, then they are held", "1000"),
        Key(
            "overwrite",
            '"any" or "ours"',
            "`ours`: an object at the target that no route wrote is not replaced",
            '"any"',
        ),
        Key("strict", "true or false", "fail rather than copy what the target cannot carry whole", "false"),
        Key("shared", "true or false", "other routes, which say so too, may write the same target keys", "false"),
        Key("first", "list of globs", "which keys wait for no others", "none"),
        Key("probe", "duration", "how often a heartbeat shows that it works: docs/status.md", "never"),
        Key("windows", "table", "when it works, and how fast: docs/pausing.md", "always", _WINDOWS),
    ),
)
_FORWARDS = Section(
    "[forwards.NAME]",
    "Somebody else who moves objects: docs/forwarding.md",
    (
        Key("type", '"oms" or "webhook"', "who it is", "must be there"),
        Key("url", "URL", "where the events go", "must be there"),
        Key("access_key", "secret", "OMS: with `secret_key`", "the function's agency"),
        Key("secret_key", "secret", "OMS: the secret key; a webhook: what its calls are signed with"),
    ),
)
_LIMITS = Section(
    "[limits]",
    "How much one process holds and does at once",
    (
        Key("concurrency", "1 to 256", "tasks at once", "16"),
        Key("part_size", "size", "of what large objects are moved in", '"8MiB"'),
        Key("memory", "size", "bytes of objects held at once, over all tasks", '"128MiB"'),
        Key("margin", "seconds", "kept back before the platform's deadline", "5"),
    ),
)
_QUEUE = Section(
    "[queue]",
    "Where jobs wait",
    (
        Key("url", "URL", "`sqlite:///relay.db`, relative to this file, or `postgresql://…`", "sqlite:///relay.db"),
        Key("lease", "duration", "how long a worker may be silent before its job is somebody else's", '"60s"'),
        Key("attempts", "1 to 1000", "then the job is dead, with its reason", "8"),
    ),
)
_SCHEDULES = Section(
    "[[schedules]]",
    "What `worker` and `serve` do again and again, between them each once",
    (
        Key("every", "duration", "how often", "this or `cron`"),
        Key("cron", "text", "minute hour day month weekday, in UTC"),
        Key("reconcile", "a route's name", "compare and repair it", "one of these three"),
        Key("inventory", "a store's name", "bring its inventory up to date"),
        Key("sweep", "true", "abandoned uploads"),
    ),
)
_SERVE = Section(
    "[serve]",
    "Who may call us over HTTP",
    (
        Key("token", "secret", "`Authorization: Bearer …`; without it and `user`, only loopback is served"),
        Key("read_token", "secret", "may look, may change nothing"),
        Key("user", "text", "for basic authorization, with `password`"),
        Key("password", "secret", "goes with `user`"),
        Key("certificate", "file", "PEM, with `key`: HTTPS; relative to this file"),
        Key("key", "file", "the certificate's private key"),
        Key("coms_default", "a store's name", "the bucket of a COMS client that names none"),
    ),
)
_ALARMS = Section(
    "[alarms]",
    "From when on somebody should look: `bucketrelay status` exits 1",
    (
        Key("lag", "duration", "the greatest that is fine"),
        Key("failed", "number", "so many failed tasks"),
        Key("dead", "number", "so many dead jobs"),
        Key("books", "duration", "so long since a route was last compared"),
        Key("probe", "duration", "so long since the last heartbeat of a route that has any came through"),
        Key("webhook", "a forward's name", "who is told"),
    ),
)
_BROKER = (
    Key("broker", "URL", "`amqp://`, `amqps://`, for copies also `sqs://`", "must be there"),
    Key("ca_file", "file", "authorities that the broker's certificate is of", "the system's"),
    Key("prefetch", "1 to 10000", "messages taken before the first of them is answered", "20"),
)
_COPIER = Section(
    "[copier]",
    "Copies that are asked for by message: docs/copier.md",
    (
        *_BROKER,
        Key("requests", "text", "the queue that requests come by", "must be there"),
        Key("replies", "text", "the queue of the replies", "no replies"),
        Key("roots", "table", "a root's name in the messages = a store's name", "must be there"),
    ),
)
_REMOTE = (
    Key("url", "URL", "`https://host[:port][/path]`", "must be there"),
    Key("user", "text", "that we are there", "must be there"),
    Key("password", "secret", "the user's", "must be there"),
    Key("ca_file", "file", "authorities that its certificate is of", "the system's"),
)
_DATASETS = Section(
    "[datasets]",
    "An archive whose datasets are synced to a partner: docs/dataset-sync.md",
    (
        *_BROKER,
        Key("queue", "text", "a stream, a quorum or a classic queue", "must be there"),
        Key("exchange", "text", "where invalid messages go", '"sda"'),
        Key("offset", "text", 'where a stream is begun: `"first"`, `"next"`, or a time', '"first"'),
        Key("database", "URL", "the archive's PostgreSQL, read only", "must be there"),
        Key("center_prefix", "text", "how the ids of this centre's datasets begin", "must be there"),
        Key("archive", "a store's name", "of the archive's files", "must be there"),
        Key("archive_location", "table", "of archives in several places: a place's name there = a store's name"),
        Key("target", "a store's name", "that the partner reads", "must be there"),
        Key("key_file", "file", "the archive's Crypt4GH key", "must be there"),
        Key("passphrase", "secret", "of the key"),
        Key("receiver_key", "file", "the partner's public key", "must be there"),
        Key("remote", "table", "the partner's API: `url`, `user`, `password`, `ca_file`", "must be there", _REMOTE),
    ),
)
SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "": _TOP,
        "routes": _ROUTES,
        "forwards": _FORWARDS,
        "limits": _LIMITS,
        "queue": _QUEUE,
        "schedules": _SCHEDULES,
        "serve": _SERVE,
        "alarms": _ALARMS,
        "copier": _COPIER,
        "datasets": _DATASETS,
    }
)
