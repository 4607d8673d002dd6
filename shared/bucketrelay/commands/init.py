"""`bucketrelay init`: a configuration to start from."""

from pathlib import Path

import click

from bucketrelay.commands.terminal import common, usage
from bucketrelay.config import FILE

# It is a configuration as it stands: `bucketrelay check` finds no mistake in it.
TEXT = """\
#:schema docs/relay.schema.json
# The line above has editors complete the keys (taplo, Even Better TOML): the path from here to that file of the clone.

# bucketrelay's configuration. `bucketrelay check` reads it and says every mistake, without a network or a secret.
# Every key with its default: docs/configuration.md.

log = "logs"                          # the store that receives the success and failed lists

[stores.photos]                       # a store is a bucket, or a folder of one: s3://bucket[/prefix]
url = "s3://my-photos"
region = "eu-central-1"
# endpoint = "https://s3.example.org" # for a server that is not AWS's
# access_key = "${AWS_ACCESS_KEY_ID}" # from the environment; without keys the SDK looks for them where it always does
# secret_key = "${AWS_SECRET_ACCESS_KEY}"

[stores.mirror]
url = "obs://my-photos-mirror"        # or oci://bucket@namespace, s3://…, file:///directory
endpoint = "https://obs.cn-north-4.myhuaweicloud.com"
access_key = "${HW_AK}"
secret_key = "${HW_SK}"

[stores.logs]
url = "s3://my-relay-logs/photos"
region = "eu-central-1"

[[routes]]                            # as many as you like
name = "photos"
source = "photos"
targets = ["mirror"]                  # each target succeeds or fails on its own
# include = ["in/**"]                 # which keys: `*` stays inside a path segment, `**` does not
# exclude = ["**/*.tmp"]
# strip_prefix = "in/"                # what a key is called at the targets
# add_prefix = "2026/"
deletes = "keep"                      # or "follow": what is deleted at the source is deleted there, too

# [limits]
# concurrency = 16                    # tasks at once in one invocation
# part_size = "8MiB"
# memory = "128MiB"                   # bytes of objects held at once
# margin = 5                          # seconds kept back before the platform's deadline
"""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@common
def init(*, file: Path | None, config_file: Path | None, as_json: bool, quiet: bool) -> None:
    """Write a commented FILE to start from, relay.toml by default; never over one that is there."""
    del as_json
    path = file or config_file or Path(FILE)
    try:
        with path.open("x", encoding="utf-8") as new:
            new.write(TEXT)
    except FileExistsError:
        usage(f"{path} is there already, and is left as it is: name another file, or move it away")
    except OSError as error:
        usage(f"{path}: cannot be written, {error.strerror}")
    if not quiet:
        click.echo(f"{path} is written: change the names in it, then run bucketrelay check", err=True)
