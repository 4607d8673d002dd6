"""YAML files of other programs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bucketrelay.errors import ConfigError

_LARGEST = 1024 * 1024  # bytes of a file
_SYMBOL = re.compile(rb"([\s,{\[]):(\w+)")


def read(path: Path) -> Mapping[str, Any]:
    """The settings in a file, without the colons of Ruby's symbols.

    Raises:
        ConfigError: there is no such file, or it is no YAML.
    """
    try:
        import yaml  # an extra
    except ModuleNotFoundError as error:
        raise ConfigError(["PyYAML is missing: pip install 'bucketrelay[messages]'"]) from error
    try:
        with path.open("rb") as file:
            document = _parse(yaml, file.read(_LARGEST))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read, {error.strerror}: correct the path"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError([f"{path}: is no YAML: {_place(error)}"]) from error
    if not isinstance(document, dict):
        raise ConfigError([f"{path}: is no table of settings"])
    return _plain(document)


def _parse(yaml: Any, text: bytes) -> object:
    """Ruby's symbols are texts to YAML, but between braces, where `:info` is none to PyYAML."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return yaml.safe_load(_SYMBOL.sub(rb"\1\2", text))


def _place(error: Exception) -> str:
    """Where it is wrong; not what stands there, which may be a secret."""
    mark = getattr(error, "problem_mark", None)
    words = getattr(error, "problem", None) or type(error).__name__
    return f"line {mark.line + 1}, column {mark.column + 1}: {words}" if mark else str(words)


def _plain(fields: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k).lstrip(":"): _plain(v) if isinstance(v, dict) else v for k, v in fields.items()}
