"""Reading `[copier]`: where requests for copies come from, and which stores they may name."""

from collections.abc import Collection
from types import MappingProxyType
from urllib.parse import urlsplit

from bucketrelay.config.queue import shown_url
from bucketrelay.config.reading import did_you_mean, in_quotes
from bucketrelay.config.tables import Table
from bucketrelay.config.values import BrokerConfig, CopierConfig, Secret

_FORM = 'write "amqp://user:${PASSWORD}@host:5672/", amqps:// with TLS, or "sqs://?region=eu-west-1"'
_SCHEMES = ("amqp", "amqps", "sqs")


def read_copier(table: Table, stores: Collection[str]) -> CopierConfig | None:
    """The section; *stores* are the names of all stores in the file. None after a mistake that leaves too little."""
    broker = read_broker(table)
    requests = table.text("requests", need="name the queue that requests come by")
    replies = table.text("replies")
    roots = _roots(table, stores)
    table.close()
    if broker is None or requests is None:
        return None
    if replies and replies.value == requests.value:
        table.mistake("replies", "is the queue of the requests, too: each reply would be taken for a request")
    return CopierConfig(broker, requests.value, replies.value if replies else "", MappingProxyType(roots))


def read_broker(table: Table, schemes: Collection[str] = _SCHEMES) -> BrokerConfig | None:
    """`broker`, `ca_file` and `prefetch` of a section."""
    if table.lacks("broker"):  # what connects to nothing has no use for it
        url = written = "amqp://host"
    else:
        text = table.url("broker", need=f"say where the broker is: {_FORM}")
        url, written = (text.value, text.written) if text else ("", "")
    trusted, prefetch = table.file("ca_file"), table.whole("prefetch", 1, 10_000)
    if not url:
        return None
    if not _is_sound(url, schemes):
        table.mistake("broker", f"is no broker's URL: {_FORM}; a password's @ and / are written %40 and %2F")
        return None
    return BrokerConfig(Secret(url), shown_url(written), trusted, prefetch or 20)


def _is_sound(url: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in schemes or parts.fragment:
        return False
    return parts.scheme == "sqs" or bool(parts.hostname and port != 0 and not parts.query)


def _roots(table: Table, stores: Collection[str]) -> dict[str, str]:
    below, roots = table.table("roots"), {}
    if "roots" not in table:
        table.mistake("roots", "is missing: say which store a root's name in the messages means, { name = store }")
    for name in below:
        store = below.text(name)
        if store and store.value not in stores:
            hint = did_you_mean(store.written, stores)
            below.mistake(name, f"no store is named {in_quotes(store.written)}{hint}")
        elif store:
            roots[name] = store.value
    return roots
