"""`python -m bucketrelay` and the `bucketrelay` command."""

import sys


def main() -> None:
    """Run the command line, or say how to install what it needs."""
    try:
        from bucketrelay.cli import cli  # noqa: PLC0415 — click and rich are an extra
    except ModuleNotFoundError as error:
        sys.exit(f"bucketrelay: {error.name} is missing: pip install 'bucketrelay[cli]'")
    cli(prog_name="bucketrelay")


if __name__ == "__main__":
    main()
