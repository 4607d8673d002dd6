"""`bucketrelay copier`: answers copy requests from a broker, as medusa-copier did."""

from pathlib import Path

import click

from bucketrelay.commands.messages import by_message, medusa
from bucketrelay.commands.terminal import common, configuration


@click.command()
@click.option(
    "--medusa",
    "original",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="medusa-copier's own medusa_copier.yaml, instead of ours.",
)
@click.option(
    "--no-worker", is_flag=True, help="Only take requests and send replies: workers elsewhere do the copying."
)
@common
def copier(*, original: Path | None, no_worker: bool, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Answer copy requests from a broker, as medusa-copier did.

    SIGTERM and SIGINT: what runs ends, nothing new begins. SIGUSR2 toggles a halt after what runs.
    """
    config = medusa(original) if original else configuration(config_file)
    from bucketrelay import wiring_messages  # completion and help need none of it

    raise SystemExit(by_message(config, wiring_messages.copier, no_worker=no_worker, as_json=as_json, quiet=quiet))
