"""Reading `[alarms]`: from when on somebody should look."""

from collections.abc import Collection, Mapping

from bucketrelay.config.reading import did_you_mean, in_quotes
from bucketrelay.config.tables import Table
from bucketrelay.config.values import Alarms, ForwardConfig
from bucketrelay.durations import as_text

_YEAR = 365 * 86400


def read_alarms(
    table: Table, names: Collection[str], forwards: Mapping[str, ForwardConfig], probes: Collection[float]
) -> Alarms:
    """The section.

    Args:
        probes: seconds between two heartbeats, of the routes that have any.
        names: of all forwards in the file, also of those that have a mistake and are not in *forwards*.
    """
    alarms = Alarms(
        lag=table.duration("lag", 1, _YEAR),
        failed=table.whole("failed", 1, 1_000_000_000),
        dead=table.whole("dead", 1, 1_000_000_000),
        books=table.duration("books", 1, _YEAR),
        probe=_probe(table, probes),
        webhook=_webhook(table, names, forwards),
    )
    table.close()
    return alarms


def _probe(table: Table, probes: Collection[float]) -> float | None:
    seconds = table.duration("probe", 1, _YEAR)
    if seconds is not None and not probes:
        table.mistake("probe", 'and no route has a heartbeat: give one probe = "5m"')
    elif seconds is not None and seconds <= max(probes):
        most = as_text(max(probes))
        table.mistake(
            "probe", f"is not longer than the {most} between two heartbeats of a route: three times as long is"
        )
    return seconds


def _webhook(table: Table, names: Collection[str], forwards: Mapping[str, ForwardConfig]) -> str:
    name = table.text("webhook")
    if name and name.value not in names:
        hint = did_you_mean(name.written, names) or '; write [forwards.NAME] with type = "webhook" and its url'
        table.mistake("webhook", f"no forward is named {in_quotes(name.written)}{hint}")
    elif name and name.value in forwards and forwards[name.value].type != "webhook":
        table.mistake(
            "webhook", f"{in_quotes(name.written)} is of another type: alarms go to a forward of type webhook"
        )
    return name.value if name else ""
