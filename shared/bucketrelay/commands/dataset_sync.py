"""`bucketrelay dataset-sync`: syncs datasets told by a broker, as the sensitive-data-archive's `sync` does."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bucketrelay.commands.messages import by_message
from bucketrelay.commands.terminal import common, configuration, usage
from bucketrelay.errors import ConfigError

if TYPE_CHECKING:
    from bucketrelay.config import Config


@click.command("dataset-sync")
@click.option("--no-worker", is_flag=True, help="Only take messages: workers elsewhere copy the files.")
@common
def dataset_sync(*, no_worker: bool, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Sync datasets told by a broker to a partner's store, as the sensitive-data-archive's sync does.

    --config also takes the original's config.yaml; its variables (BROKER_HOST and so on) count as there.
    """
    from bucketrelay import wiring_messages  # completion and help need none of it

    config = _configuration(config_file)
    raise SystemExit(by_message(config, wiring_messages.datasets, no_worker=no_worker, as_json=as_json, quiet=quiet))


def _configuration(config_file: Path | None) -> "Config":
    """Ours; or the original's where the file is YAML, or where its variables are all there is."""
    named = config_file or (Path(os.environ["CONFIGFILE"]) if os.environ.get("CONFIGFILE") else None)
    ours = (
        any(os.environ.get(name) for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG")) or Path("relay.toml").exists()
    )
    yaml = named is not None and named.suffix in (".yaml", ".yml")
    if not yaml and (named or ours or not os.environ.get("BROKER_HOST")):
        return configuration(config_file)
    from bucketrelay.config.sda import load  # PyYAML is an extra

    try:
        return load(named if yaml else None, os.environ)
    except ConfigError as error:
        usage(*error.mistakes)
