"""Reading `[[schedules]]`: what is done again and again."""

from collections.abc import Collection, Sequence

from bucketrelay.config.reading import did_you_mean, in_quotes
from bucketrelay.config.tables import Table
from bucketrelay.config.values import ScheduleConfig

_YEAR = 366 * 86400
_WHAT = ("reconcile", "inventory", "sweep")


def read_schedules(
    rows: Sequence[Table], stores: Collection[str], routes: Collection[str]
) -> tuple[ScheduleConfig, ...]:
    """The sections; *stores* and *routes* are the names in the file."""
    read: list[ScheduleConfig] = []
    for row in rows:
        schedule = _schedule(row, stores, routes)
        if schedule in read:
            row.reading.mistake(row.path, f"is the same as schedules[{read.index(schedule)}]: remove one")
        read.append(schedule)
    return tuple(read)


def _schedule(table: Table, stores: Collection[str], routes: Collection[str]) -> ScheduleConfig:
    every = table.duration("every", 1, _YEAR)
    cron = _cron(table)
    if ("every" in table) == ("cron" in table):
        table.reading.mistake(table.path, 'needs either every = "1h" or cron = "0 3 * * *"')
    if sum(word in table for word in _WHAT) != 1:
        table.reading.mistake(
            table.path, 'says not what to do: write one of reconcile = "ROUTE", inventory = "STORE", sweep = true'
        )
    reconcile, inventory = _name(table, "reconcile", "route", routes), _name(table, "inventory", "store", stores)
    sweep = table.flag("sweep")
    if sweep is False:
        table.mistake("sweep", "is false, which asks for nothing: remove the schedule")
    table.close()
    return ScheduleConfig(every or 0.0, cron, reconcile, inventory, bool(sweep))


def _name(table: Table, key: str, what: str, known: Collection[str]) -> str:
    name = table.text(key)
    if name and name.value not in known:
        table.mistake(key, f"no {what} is named {in_quotes(name.written)}{did_you_mean(name.written, known)}")
    return name.value if name else ""


def _cron(table: Table) -> str:
    text = table.text("cron")
    if text is None:
        return ""
    try:
        # A function, which runs no schedules, does without it: it then believes the line.
        from croniter import croniter  # see above
    except ImportError:
        return text.value
    if len(text.value.split()) != 5 or not croniter.is_valid(text.value):
        table.mistake("cron", 'is no cron line: five fields, minute hour day month weekday, such as "0 3 * * *"')
    return text.value
