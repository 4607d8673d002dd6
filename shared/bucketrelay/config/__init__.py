"""The configuration: read once, at the edge, completely.

`load` reads the text of a TOML file, `find` looks for the configuration of this process. Both return a Config without
mistakes, or raise ConfigError with all mistakes at once. A Secret shows itself to nobody.
"""

from bucketrelay.config.environment import from_environment
from bucketrelay.config.find import FILE, Place, find, load_place, locate, read
from bucketrelay.config.toml import load
from bucketrelay.config.values import Config, ForwardConfig, Limits, Secret, StoreConfig

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
