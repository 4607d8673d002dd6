"""Where the configuration is."""

from collections.abc import Mapping
from pathlib import Path

from bucketrelay.config.environment import OMS_VARIABLES, from_environment
from bucketrelay.config.toml import load
from bucketrelay.config.values import Config
from bucketrelay.errors import ConfigError

FILE = "relay.toml"


def find(environ: Mapping[str, str], beside: Path | None, cwd: Path) -> Config:
    """The configuration of this process: the first of these that there is, and that one alone.

    1. the text in `BUCKETRELAY_TOML`: before a path, as a deployment's setting overrides what an image has built in;
    2. the file that `BUCKETRELAY_CONFIG` names, relative to *cwd*;
    3. `relay.toml` in the folder *beside*, where the function's handler is;
    4. `relay.toml` in *cwd*;
    5. the environment alone: see `from_environment`.

    A variable that is empty counts as not set: deployment templates set what their users leave out to "".

    Args:
        environ: only ever asked by `.get`, so that a mapping will do which asks the platform.

    Raises:
        ConfigError: with every mistake; or that there is no configuration, and where it was looked for.
    """
    if text := environ.get("BUCKETRELAY_TOML"):
        return load(text, environ)
    if named := environ.get("BUCKETRELAY_CONFIG"):
        path = cwd / named
        text = read(path)
        if text is None:
            raise ConfigError(
                [f"BUCKETRELAY_CONFIG: there is no file {path}: correct the path, or remove the variable"]
            )
        return load(text, environ)
    places = list(dict.fromkeys(folder / FILE for folder in (beside, cwd) if folder is not None))
    for path in places:
        text = read(path)
        if text is not None:
            return load(text, environ)
    config = from_environment(environ)
    if config is None:
        raise ConfigError([_nowhere(places)])
    return config


def read(path: Path) -> str | None:
    """The text of a file; None if there is none.

    Raises:
        ConfigError: it is there and cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read, {error.strerror}: mend it, or name another file"]) from error
    except ValueError as error:  # UnicodeDecodeError is one, and so is a path with a NUL in it
        raise ConfigError([f"{path}: is not text in UTF-8: save it as such"]) from error


def _nowhere(places: list[Path]) -> str:
    return (
        "there is no configuration. Looked for: BUCKETRELAY_TOML and BUCKETRELAY_CONFIG in the environment, "
        f"{' and '.join(str(path) for path in places)}, RELAY_SOURCE with RELAY_TARGETS and RELAY_LOG, "
        f"and the OMS template's variables ({', '.join(OMS_VARIABLES)}). Write a {FILE}, or set one of them"
    )
