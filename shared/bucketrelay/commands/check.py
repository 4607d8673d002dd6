"""`bucketrelay check`: every mistake of the configuration, or what it comes to."""

from pathlib import Path

import click

from bucketrelay import wiring
from bucketrelay.commands.rows import Rows, plural
from bucketrelay.commands.terminal import common, configuration
from bucketrelay.config import Config
from bucketrelay.routes import Route


@click.command()
@common
def check(*, config_file: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Read the configuration and say every mistake, or what the routes are. Needs no network and no secrets."""
    del verbose  # nothing is asked
    found = configuration(config_file, secrets=False, quiet=quiet)
    wiring.system(found, emit=lambda _: None)  # what only the making of it finds out; connects to nothing
    with Rows(("route", "from", "to", "deletes", "keys"), as_json) as rows:
        for route in found.routes:
            said = _said(found, route)
            to = ", ".join(_to(found, route))
            rows.add((route.name, route.source.url, to, route.deletes.value, _keys(route)), said)
    if not quiet:
        log = found.address(found.log).url if found.log else "no store: all copies are by message"
        count = plural(len(found.routes), "route")
        click.echo(f"no mistake: {count}, {plural(len(found.stores), 'store')}, lists in {log}", err=True)


def _said(found: Config, route: Route) -> dict[str, object]:
    return {
        "route": route.name,
        "source": route.source.url,
        "targets": _to(found, route),
        "deletes": route.deletes.value,
        "include": list(route.include),
        "exclude": list(route.exclude),
        "strip_prefix": route.strip_prefix,
        "add_prefix": route.add_prefix,
    }


def _to(found: Config, route: Route) -> list[str]:
    if route.forward:
        return [found.forwards[route.forward].shown]
    return [found.address(name).url for name in route.targets]


def _keys(route: Route) -> str:
    """What the filters and prefixes make of a key, in a few words."""
    words = [", ".join(route.include) or "all"]
    words += [f"but {', '.join(route.exclude)}"] if route.exclude else []
    words += [f"less {route.strip_prefix}"] if route.strip_prefix else []
    words += [f"below {route.add_prefix}"] if route.add_prefix else []
    return "; ".join(words)
