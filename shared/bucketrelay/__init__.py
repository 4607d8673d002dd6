"""Event-driven replication of object storage, from any cloud to any cloud, as serverless functions.

What a program may import from here is in `__all__`, documented in docs/api.md, and changes only with a new version of
the contract. Each name is imported at first use, so that a function pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bucketrelay.abilities import PartStore
    from bucketrelay.config import Config, load
    from bucketrelay.drivers.answers import Report
    from bucketrelay.drivers.function import handle
    from bucketrelay.errors import (
        BadEvent,
        ConfigError,
        ObjectGone,
        OutOfTime,
        RelayError,
        SourceChanged,
        StoreRefused,
        StoreUnavailable,
    )
    from bucketrelay.model import Change, ObjectEvent, ObjectInfo, Outcome, Result, Task
    from bucketrelay.store import Store
    from bucketrelay.system import System
    from bucketrelay.wiring import system as build_system

__version__ = "0.1.0"

__all__ = [
    "BadEvent",
    "Change",
    "Config",
    "ConfigError",
    "ObjectEvent",
    "ObjectGone",
    "ObjectInfo",
    "OutOfTime",
    "Outcome",
    "PartStore",
    "RelayError",
    "Report",
    "Result",
    "SourceChanged",
    "Store",
    "StoreRefused",
    "StoreUnavailable",
    "System",
    "Task",
    "build_system",
    "handle",
    "load",
]

# Where each is, and what it is called there.
_HOMES = {
    "BadEvent": "errors",
    "Change": "model",
    "Config": "config",
    "ConfigError": "errors",
    "ObjectEvent": "model",
    "ObjectGone": "errors",
    "ObjectInfo": "model",
    "OutOfTime": "errors",
    "Outcome": "model",
    "PartStore": "abilities",
    "RelayError": "errors",
    "Report": "drivers.answers",
    "Result": "model",
    "SourceChanged": "errors",
    "Store": "store",
    "StoreRefused": "errors",
    "StoreUnavailable": "errors",
    "System": "system",
    "Task": "model",
    "build_system": "wiring:system",
    "handle": "drivers.function",
    "load": "config",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        module, _, other = _HOMES[name].partition(":")
        return getattr(import_module(f"bucketrelay.{module}"), other or name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
