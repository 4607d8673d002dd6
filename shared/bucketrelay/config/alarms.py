"""Reading `[alarms]`: from when on somebody should look."""

from collections.abc import Collection

from bucketrelay.config.reading import did_you_mean, quoted
from bucketrelay.config.tables import Table
from bucketrelay.config.values import Alarms

_YEAR = 365 * 86400


def read_alarms(table: Table, forwards: Collection[str]) -> Alarms:
    """The section; *forwards* are the names of all forwards in the file."""
    alarms = Alarms(
        lag=table.duration("lag", 1, _YEAR),
        failed=table.whole("failed", 1, 1_000_000_000),
        dead=table.whole("dead", 1, 1_000_000_000),
        books=table.duration("books", 1, _YEAR),
        webhook=_webhook(table, forwards),
    )
    table.close()
    return alarms


def _webhook(table: Table, forwards: Collection[str]) -> str:
    name = table.text("webhook")
    if name and name.value not in forwards:
        hint = did_you_mean(name.written, forwards) or '; write [forwards.NAME] with type = "webhook" and its url'
        table.mistake("webhook", f"no forward is named {quoted(name.written)}{hint}")
    return name.value if name else ""
