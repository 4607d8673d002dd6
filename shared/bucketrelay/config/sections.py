"""The routes, the forwards and the limits of a file."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Literal, cast

from bucketrelay.config.reading import Reading, Text, did_you_mean, in_quotes
from bucketrelay.config.stores import both
from bucketrelay.config.tables import Table, shown_size
from bucketrelay.config.urls import BadURL, forward_url
from bucketrelay.config.values import ForwardConfig, Limits, StoreConfig
from bucketrelay.model import Deletes, Overwrite
from bucketrelay.routes import BadGlob, Route, glob
from bucketrelay.store import GiB, MiB

if TYPE_CHECKING:
    from bucketrelay.routes.windows import Windows

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TARGETS_ONLY = ("strip_prefix", "add_prefix", "strict", "max_deletes", "overwrite", "shared", "probe")


def check_name(reading: Reading, path: str, name: str) -> None:
    """Names stand in lists, log lines and keys of the log store, so they are plain."""
    if not _NAME.fullmatch(name):
        reading.mistake(
            path, "is no name: write at most 64 letters, digits, - _ or ., beginning with a letter or a digit"
        )


def read_route(
    table: Table, names: Collection[str], stores: Mapping[str, StoreConfig], forwards: Collection[str]
) -> Route | None:
    """One route; None after a mistake that leaves it without a name or a source.

    Args:
        names: of all stores in the file, also of those that have a mistake and are not in *stores*.
        forwards: the names of all forwards in the file.
    """
    name = table.text("name", need="give the route a name of its own; the lists have it in every line")
    if name:
        check_name(table.reading, table.at("name"), name.value)
    source = table.text("source", need="name the store that it copies from")
    if source:
        _known(table, table.at("source"), source, names)
    targets, forward = _targets(table, names), _forward(table, forwards)
    include = _globs(table, "include", need='remove it to take every key, or write ["**"]')
    exclude = _globs(table, "exclude")
    strip, add = _part_of_key(table, "strip_prefix"), _part_of_key(table, "add_prefix")
    deletes = Deletes(table.choice("deletes", [rule.value for rule in Deletes]) or "keep")
    most, strict = table.whole("max_deletes", 0, 1_000_000_000), table.flag("strict")
    shared = bool(table.flag("shared"))
    first, windows = _globs(table, "first"), _windows(table)
    probe = table.duration("probe", 60, 86400) or 0.0
    overwrite = Overwrite(table.choice("overwrite", [which.value for which in Overwrite]) or "any")
    table.close({"target": 'is an unknown key; did you mean targets = ["…"]?'})
    if not name or not source or source.value not in stores:
        return None
    at, most = stores[source.value].address, 1000 if most is None else most
    route = Route(
        name=name.value,
        source=at,
        source_store=source.value,
        targets=targets,
        forward=forward,
        include=include,
        exclude=exclude,
        strip_prefix=strip,
        add_prefix=add,
        deletes=deletes,
        max_deletes=most,
        strict=bool(strict),
        shared=shared,
        overwrite=overwrite,
        first=first,
        windows=windows,
        probe=probe,
    )
    _check_probe(table, route)
    return route


def _check_probe(table: Table, route: Route) -> None:
    """Whether a heartbeat can be told from what else is there, and passes the filters."""
    if not route.probe or route.forward:
        return
    from bucketrelay.routes.probes import NAME, probe_key  # few routes have any

    if not probe_key(route):
        table.mistake(
            "probe", f'and no key below "{NAME}/" passes the filters: add one to include, such as "{NAME}/**"'
        )


def _known(table: Table, path: str, name: Text, names: Collection[str]) -> bool:
    if name.value in names:
        return True
    table.reading.mistake(path, f"no store is named {in_quotes(name.written)}{did_you_mean(name.written, names)}")
    return False


def _targets(table: Table, names: Collection[str]) -> tuple[str, ...]:
    given = table.texts("targets", need="name the stores to copy to")
    if "targets" in table and "forward" in table:
        table.mistake("forward", "and targets exclude each other: make two routes of them")
    elif "targets" not in table and "forward" not in table:
        table.mistake("targets", 'is missing: name the stores to copy to, targets = ["…"], or a forward')
    targets: list[str] = []
    for path, name in given:
        if name.value in targets:
            table.reading.mistake(path, f"{in_quotes(name.written)} is named twice: remove one")
        elif _known(table, path, name, names):
            targets.append(name.value)
    return tuple(targets)


def _forward(table: Table, forwards: Collection[str]) -> str:
    forward = table.text("forward")
    if "forward" in table:
        for key in _TARGETS_ONLY:
            if key in table:
                table.mistake(key, "means nothing to a forward, which tells others the source's key: remove it")
    if forward and forward.value not in forwards:
        hint = did_you_mean(forward.written, forwards) or "; write [forwards.NAME] with its type and url"
        table.mistake("forward", f"no forward is named {in_quotes(forward.written)}{hint}")
    return forward.value if forward else ""


def _windows(table: Table) -> "Windows | None":
    if "windows" not in table:
        return None
    from bucketrelay.routes.windows import BadWindow, Span, Windows, spans  # few routes have any

    section = table.table("windows")
    hours: list[Span] = []
    for path, text in section.texts("open", need="remove it to work at all times"):
        try:
            hours += spans(text.value)
        except BadWindow as error:
            table.reading.mistake(path, str(error))
    bandwidth = section.size("bandwidth", 64 * 1024, 1024 * GiB)
    section.close()
    return Windows(tuple(hours), bandwidth)


def _globs(table: Table, key: str, *, need: str = "") -> tuple[str, ...]:
    globs = []
    for path, pattern in table.texts(key, need=need):
        try:
            glob(pattern.value)
        except BadGlob as error:
            table.reading.mistake(path, str(error))
        else:
            globs.append(pattern.value)
        if pattern.value.startswith("/"):
            table.reading.mistake(path, r"begins with /, and keys do not: remove it (\/ if they really do)")
    return tuple(globs)


def _part_of_key(table: Table, key: str) -> str:
    text = table.text(key, empty=True)
    return text.value if text else ""


def read_forward(table: Table, name: str) -> ForwardConfig | None:
    """One forward; None after a mistake that leaves it without a type or a URL."""
    kind = table.choice("type", ["oms", "webhook"], need='say what it is, "oms" or "webhook"')
    url = _address(table)
    access_key, secret_key = table.secret("access_key"), table.secret("secret_key")
    if kind == "oms":
        both(table, "access_key", "secret_key")
    table.close()
    try:
        address = forward_url(url.value) if url else ""
    except BadURL as error:
        table.mistake("url", str(error))
        return None
    if not kind or not url:
        return None
    known = cast("Literal['oms', 'webhook']", kind)
    return ForwardConfig(name, known, address, url.written.partition("?")[0], "", access_key, secret_key)


def _address(table: Table) -> Text | None:
    """Where the events go: often itself a secret."""
    if table.lacks("url"):
        written = str(table.value("url"))
        return Text("https://not-set.invalid/v2/not-set/sync-tasks/not-set/events", written)
    return table.text("url", need="say where the events go")


def read_limits(table: Table) -> Limits:
    """The limits, with their defaults for what is not given."""
    concurrency = table.whole("concurrency", 1, 256)
    part_size = table.size("part_size", 5 * MiB, 5 * GiB)  # what S3 takes as a part, the narrowest of all
    memory = table.size("memory", 5 * MiB, 1024 * GiB)
    margin = table.number("margin", 0, 300)
    table.close()
    usual = Limits()
    limits = Limits(
        concurrency or usual.concurrency,
        part_size or usual.part_size,
        memory or usual.memory,
        usual.margin if margin is None else margin,
    )
    if limits.memory < limits.part_size:
        key = "memory" if "memory" in table else "part_size"
        need = f"part_size is {shown_size(limits.part_size)}, memory {shown_size(limits.memory)}"
        table.mistake(key, f"leaves no room for a single part ({need}): raise memory or lower part_size")
    return limits
