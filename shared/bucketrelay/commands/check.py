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
def check(*, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Read the configuration and say every mistake, or what the routes are. Needs no network and no secrets."""
    config = configuration(config_file, secrets=False, quiet=quiet)
    wiring.system(config, emit=lambda _: None)  # some mistakes show only here; no store is connected to
    with Rows(("route", "from", "to", "deletes", "keys"), as_json) as rows:
        for route in config.routes:
            row = _members(config, route)
            to = ", ".join(_to(config, route))
            rows.add((route.name, route.source.url, to, route.deletes.value, _keys(route)), row)
    if not quiet:
        log = config.address(config.log).url if config.log else "no store: all copies are by message"
        count = plural(len(config.routes), "route")
        click.echo(f"no mistake: {count}, {plural(len(config.stores), 'store')}, lists in {log}", err=True)


def _members(config: Config, route: Route) -> dict[str, object]:
    return {
        "route": route.name,
        "source": route.source.url,
        "targets": _to(config, route),
        "deletes": route.deletes.value,
        "include": list(route.include),
        "exclude": list(route.exclude),
        "strip_prefix": route.strip_prefix,
        "add_prefix": route.add_prefix,
    }


def _to(config: Config, route: Route) -> list[str]:
    if route.forward:
        return [config.forwards[route.forward].shown]
    return [config.address(name).url for name in route.targets]


def _keys(route: Route) -> str:
    """What the filters and prefixes make of a key, in a few words."""
    words = [", ".join(route.include) or "all"]
    words += [f"but {', '.join(route.exclude)}"] if route.exclude else []
    words += [f"less {route.strip_prefix}"] if route.strip_prefix else []
    words += [f"below {route.add_prefix}"] if route.add_prefix else []
    return "; ".join(words)
