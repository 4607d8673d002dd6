"""`bucketrelay resume`: a paused route works again."""

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
def resume(*, route: str, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Have ROUTE work again. What functions could not do meanwhile, `bucketrelay replay --route ROUTE` does now."""
    system = wiring.system(configuration(config_file, quiet=quiet), emit=lambda _: None)
    known_route(route, system.routes)
    with closing(system):
        note(system.log(), "resume", {"route": route})
        was = system.pauses.resume(route)
    if as_json:
        click.echo(json.dumps({"route": route, "paused": False, "was": was}))
    elif not quiet:
        hint = f"what functions were told meanwhile: bucketrelay replay --route {route}"
        click.echo(f"resumed; {hint}" if was else "it was not paused", err=True)
