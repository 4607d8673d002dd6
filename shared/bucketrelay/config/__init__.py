"""The configuration: read once, at the edge, completely.

`load` reads the text of a TOML file, `find` looks for the configuration of this process. Both return a Config without
mistakes, or raise ConfigError with all mistakes at once. A Secret shows itself to nobody.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from bucketrelay.config.find import FILE, Place, find, load_place, locate, read
from bucketrelay.config.values import Config, ForwardConfig, Limits, Secret, StoreConfig

if TYPE_CHECKING:
    from bucketrelay.config.environment import from_environment
    from bucketrelay.config.toml import load

__all__ = [
    "FILE",
    "Config",
    "ForwardConfig",
    "Limits",
    "Place",
    "Secret",
    "StoreConfig",
    "find",
    "from_environment",
    "load",
    "load_place",
    "locate",
    "read",
]

_LATER = {"from_environment": "environment", "load": "toml"}  # with all their checks, which not every start needs


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"bucketrelay.config.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
