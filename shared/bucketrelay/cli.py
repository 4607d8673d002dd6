"""The command line. Results go to standard output, everything else to standard error.

Exit status: 0 all tasks ended well, 1 at least one failed or is unfinished, 2 wrong usage or configuration.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any

import click

from bucketrelay import __version__
from bucketrelay.commands.terminal import options

# Each in the module of its name below `commands`, imported only when it runs; here is what `--help` says of it.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "init": "Write a commented relay.toml to start from.",
        "check": "Read the configuration: every mistake, or what the routes are.",
        "demo": "Show the main job between local stand-ins of three clouds.",
        "replicate": "Do what the function would do with these events.",
        "replay": "Run the failed lists again.",
        "reconcile": "Compare both sides of a route and repair the difference.",
        "worker": "Take jobs from the job queue until told to stop.",
        "inventory": "Bring the inventory of a store up to date.",
        "serve": "HTTP: events, synchronisation, metrics.",
        "queue": "Look at the job queue, and after it.",
        "copier": "Answer copy requests from a broker, as medusa-copier did.",
        "dataset-sync": "Sync datasets told by a broker to a partner's store.",
        "status": "How far behind each route is, since when, and why.",
        "barrier": "Wait until every write of now is at every target.",
        "estimate": "What a backfill, or a day like the last, takes: requests, bytes, time, money.",
        "pause": "Have every process leave a route alone, until it is resumed.",
        "resume": "Have a paused route work again.",
        "turn": "Write the configuration of the other direction.",
        "doctor": "Try every store, permission and wiring.",
        "wire": "Set up the events of a route's source bucket.",
    }
)


class Commands(click.Group):
    """The commands by name, imported when one of them runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which somebody meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"bucketrelay.commands.{name}"), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        """As click does, with the nearest name where there is no such command."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing what is in it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bucketrelay")
@options
def cli(**_: Any) -> None:
    """Event-driven replication of object storage, from any cloud to any cloud.

    --config, --json, -q and -v may stand before or after the command.
    """
