"""`python -m bucketrelay` and the `bucketrelay` command."""

import os
import sys
from typing import Any, NoReturn

_CLOSED = "whoever read the output has closed it; what is left was not written"
_FAILED, _USAGE, _INTERRUPTED = 1, 2, 130


def main() -> NoReturn:
    """Run the command line; whatever ends it from outside ends in one line and an exit status, not in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # an output of another encoding: a key is shown, not lost
    try:
        from bucketrelay.cli import cli  # click and rich are an extra
    except ModuleNotFoundError as error:
        _end(f"{error.name} is missing: pip install '.[cli]' in a clone of bucketrelay", _USAGE)
    try:
        status = _run(cli)
        sys.stdout.flush()
    except KeyboardInterrupt:
        _end("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        _end(_CLOSED, _FAILED)
    except OSError as error:
        _end(f"standard output: {error.strerror or error}", _FAILED)
    sys.exit(status)


def _run(cli: Any) -> int:
    import click  # as above

    from bucketrelay.commands.terminal import OutputClosed  # as above

    try:
        return int(cli.main(prog_name="bucketrelay", standalone_mode=False) or 0)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else _FAILED
    except OutputClosed:
        raise BrokenPipeError from None
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return _USAGE


def _end(words: str, status: int) -> NoReturn:
    # What is still in the buffer would be tried again when the interpreter ends, with a traceback.
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        print(f"bucketrelay: {words}", file=sys.stderr, flush=True)  # noqa: T201 — there may be no click
    except OSError:
        os._exit(status)  # there is nobody left to tell
    sys.exit(status)


if __name__ == "__main__":
    main()
