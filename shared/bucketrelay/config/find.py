"""Where the configuration is."""

from collections.abc import Mapping
from pathlib import Path

from bucketrelay.config.checked import FILE as CHECKED
from bucketrelay.config.checked import load_form
from bucketrelay.config.values import Config
from bucketrelay.config.variables import OMS_VARIABLES, RELAY_VARIABLES
from bucketrelay.errors import ConfigError
from bucketrelay.values import dataclass

FILE = "relay.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a configuration is. *text* is None where the environment alone describes it.

    Attributes:
        name: as people know it: a path, or the variable that holds the text.
        unused: variables that describe a configuration, too, and are not looked at.
        folder: what the paths in it are relative to.
    """

    name: str
    text: str | None = None
    unused: tuple[str, ...] = ()
    folder: Path = Path()


def find(environ: Mapping[str, str], beside: Path | None, cwd: Path) -> Config:
    """The configuration of this process; see `locate`, and `checked` for one that was checked before.

    Args:
        environ: only ever asked by `.get`, so that a mapping will do which asks the platform.

    Raises:
        ConfigError: with every mistake; or that there is no configuration, and where it was looked for.
    """
    place = locate(environ, beside, cwd)
    if place.text is not None and (written := read(place.folder / CHECKED)) is not None:
        known = load_form(written, place.text, environ, place.folder)
        if known is not None:
            return known
    return load_place(place, environ)


def locate(environ: Mapping[str, str], beside: Path | None, cwd: Path, explicit: Path | None = None) -> Place:
    """Where the configuration is: the first of these that there is, and that one alone.

    1. the file that the command line has *explicit*;
    2. the text in `BUCKETRELAY_TOML`: before a path, as a deployment's setting overrides what an image has built in;
    3. the file that `BUCKETRELAY_CONFIG` names, relative to *cwd*;
    4. `relay.toml` in the folder *beside*, where the function's handler is;
    5. `relay.toml` in *cwd*;
    6. the environment alone: see `from_environment`.

    A variable that is empty counts as not set: deployment templates set what their users leave out to "".

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    unused = tuple(name for name in (*RELAY_VARIABLES, *OMS_VARIABLES) if environ.get(name))
    if explicit is not None:
        return Place(str(explicit), _label(cwd / explicit, f"--config {explicit}"), unused, (cwd / explicit).parent)
    if text := environ.get("BUCKETRELAY_TOML"):
        return Place("BUCKETRELAY_TOML", text, unused, cwd)
    if named := environ.get("BUCKETRELAY_CONFIG"):
        return Place(named, _label(cwd / named, f"BUCKETRELAY_CONFIG={named}"), unused, (cwd / named).parent)
    places = list(dict.fromkeys(folder / FILE for folder in (beside, cwd) if folder is not None))
    for path in places:
        document = read(path)
        if document is not None:
            return Place(FILE if path.parent == cwd else str(path), document, unused, path.parent)
    if not unused:
        raise ConfigError([_nowhere(places)])
    return Place("the environment")


def load_place(place: Place, environ: Mapping[str, str], *, secrets: bool = True) -> Config:
    """The configuration at *place*. Raises ConfigError with every mistake, a syntax error with its file and line.

    Args:
        secrets: whether what secrets are made of has to be there; False for what connects to nothing.
    """
    if place.text is not None:
        from bucketrelay.config.toml import load  # 10 ms of checks, for what was not checked before

        return load(place.text, environ, place.folder, where=place.name, secrets=secrets)
    from bucketrelay.config.environment import from_environment  # as above

    config = from_environment(environ)
    assert config is not None  # `locate` has seen one of its variables
    return config


def _label(path: Path, origin: str) -> str:
    text = read(path)
    if text is None:
        raise ConfigError([f"{origin}: there is no file {path}: correct the path"])
    return text


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
        f"and the OMS template's variables ({', '.join(OMS_VARIABLES)}). Write a {FILE} (`bucketrelay init` begins "
        "one), or set one of them"
    )
