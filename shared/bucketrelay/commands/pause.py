"""`bucketrelay pause`: nothing of a route is done until it is resumed, and nothing that comes meanwhile is lost."""

import json
from contextlib import closing
from pathlib import Path

import click

from bucketrelay import wiring
from bucketrelay.commands.acts import note
from bucketrelay.commands.terminal import common, configuration, known_route


@click.command()
@click.argument("route")
@common
def pause(*, route: str, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Have every process leave ROUTE alone until `resume`: within five seconds.

    What runs ends. What comes meanwhile waits in the job queue, or fails, comes again and is in the failed list.
    """
    system = wiring.system(configuration(config_file, quiet=quiet), emit=lambda _: None)
    known_route(route, system.routes)
    with closing(system):
        note(system.log(), "pause", {"route": route})
        system.pauses.pause(route)
    if as_json:
        click.echo(json.dumps({"route": route, "paused": True}))
    elif not quiet:
        click.echo(f"paused; `bucketrelay resume {route}` ends that", err=True)
