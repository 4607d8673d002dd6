"""The command line. Results go to standard output, everything else to standard error.

Exit status: 0 all tasks ended well, 1 at least one failed or is unfinished, 2 wrong usage or configuration.
"""

import click
from rich.console import Console

from bucketrelay import __version__
from bucketrelay.commands.doctor import doctor
from bucketrelay.commands.reconcile import reconcile
from bucketrelay.commands.replay import replay
from bucketrelay.commands.replicate import replicate
from bucketrelay.commands.terminal import usage
from bucketrelay.commands.wire import wire


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bucketrelay")
def cli() -> None:
    """Event-driven replication of object storage, from any cloud to any cloud."""


@cli.command()
def demo() -> None:
    """Show the main job between local stand-ins of S3, OBS and OCI; no account, no network."""
    try:
        from bucketrelay.commands import demo as show  # noqa: PLC0415 — the emulators are an extra
    except ModuleNotFoundError as error:
        usage(f"{error.name} is missing: pip install 'bucketrelay[all,emulators]'")
    raise SystemExit(show.main(Console(highlight=False)))


for command in (replicate, replay, reconcile, wire, doctor):
    cli.add_command(command)
