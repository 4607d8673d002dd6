"""A configuration that was checked when its archive was built, in the form that a function loads without the checks.

It is JSON in a file beside relay.toml: a version of the form and of the package, the digest of the TOML it was made of,
and the values. Whoever edits relay.toml in the console changes the digest, and what needs more than these values, or
takes anything but whole secrets from the environment, is never written: a function then reads relay.toml with all its
checks. Secrets of the environment are written by their variables' names.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bucketrelay import __version__
from bucketrelay.config.values import Alarms, Config, ForwardConfig, Limits, QueueConfig, Secret, StoreConfig
from bucketrelay.errors import ConfigError
from bucketrelay.model import Address, Deletes, Overwrite
from bucketrelay.routes import Route
from bucketrelay.values import fields

FILE = "relay.checked.json"
_FORM = 1
_VALUES: dict[str, Any] = {made.__name__: made for made in (Address, Alarms, ForwardConfig, Limits, Route, StoreConfig)}
_WORDS: dict[str, Any] = {made.__name__: made for made in (Deletes, Overwrite)}
_HELD = ("log", "stores", "routes", "forwards", "limits", "alarms")  # of a configuration; no usual function has more
_MARK = "\ue000"  # of Unicode's private use: in no text of a configuration
_ELSEWHERE = f"/{_MARK}folder"
_NAME = _MARK + "{}" + _MARK


def checked_form(text: str) -> str | None:
    """What a function loads in place of *text*, a relay.toml; None where it has to read that itself.

    Raises:
        ConfigError: with every mistake, but for variables that only the function has.
    """
    from bucketrelay.config.toml import load, parse  # who loads a checked one does not pay for it

    environ = _Everything()
    try:
        config = load(text, environ, Path(_ELSEWHERE))
    except ConfigError:
        if environ.names:
            return None  # it may be right with what the function's environment has
        raise
    if not parse(text).keys() <= set(_HELD):
        return None
    writing = _Writing(environ.names)
    try:
        values = {name: writing.value(getattr(config, name)) for name in _HELD}
    except _NotThis:
        return None
    if writing.used != environ.names:
        return None
    return json.dumps({"form": _FORM, "version": __version__, "digest": _digest(text), "config": values})


def load_form(written: str, text: str, environ: Mapping[str, str], folder: Path) -> Config | None:
    """The configuration that *written* holds; None where it is not of *text*, or a variable that it names is not set.

    Args:
        folder: of the file, as in `load`.
    """
    try:
        whole = json.loads(written)
        if (whole["form"], whole["version"], whole["digest"]) != (_FORM, __version__, _digest(text)):
            return None
        held = {name: _value(value, environ) for name, value in whole["config"].items()}
        return Config(**held, queue=QueueConfig(path=folder / QueueConfig().path))
    except (
        ValueError,
        LookupError,
        TypeError,
    ):  # somebody has edited it: relay.toml is checked, and says what is wrong
        return None


class _NotThis(Exception):
    """The configuration has a value that is not for this form."""


class _Everything(Mapping[str, str]):
    """An environment in which every variable is set, each to a text of its own. It notes which were asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return _NAME.format(name)

    def __iter__(self) -> Any:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class _Writing:
    """Values as JSON: each list begins with the name of its kind."""

    def __init__(self, names: set[str]) -> None:
        self._secrets = {_NAME.format(name): name for name in names}
        self.used: set[str] = set()

    def value(self, value: Any) -> Any:
        kind = type(value).__name__
        if isinstance(value, Secret):
            return self._secret(value.reveal())
        if kind in _WORDS:
            return [kind, value.value]
        if kind in _VALUES:
            return [kind, {one.name: self.value(getattr(value, one.name)) for one in fields(value) if one.init}]
        if isinstance(value, Mapping):
            return ["map", {name: self.value(one) for name, one in value.items()}]
        if isinstance(value, tuple | frozenset):
            return [kind, [self.value(one) for one in (value if isinstance(value, tuple) else sorted(value))]]
        if isinstance(value, str) and _MARK not in value:
            return value
        if value is None or isinstance(value, bool | int | float):
            return value
        raise _NotThis

    def _secret(self, text: str) -> Any:
        if text in self._secrets:
            self.used.add(self._secrets[text])
            return ["variable", self._secrets[text]]
        if _MARK in text:
            raise _NotThis
        return ["secret", text]


def _value(written: Any, environ: Mapping[str, str]) -> Any:
    if not isinstance(written, list):
        return written
    kind, held = written
    if kind in _VALUES:
        return _VALUES[kind](**{name: _value(one, environ) for name, one in held.items()})
    if kind in _WORDS:
        return _WORDS[kind](held)
    if kind == "map":
        return MappingProxyType({name: _value(one, environ) for name, one in held.items()})
    if kind in ("tuple", "frozenset"):
        made = [_value(one, environ) for one in held]
        return tuple(made) if kind == "tuple" else frozenset(made)
    if kind == "variable":
        return Secret(_set(environ.get(held), held))
    if kind == "secret":
        return Secret(held)
    raise LookupError(kind)


def _set(text: str | None, name: str) -> str:
    """A variable's value; what may be a mistake is left to who says so."""
    if not text or text != text.strip() or not (text.isascii() and text.isprintable()):
        raise LookupError(name)
    return text


def _digest(text: str) -> str:
    from hashlib import sha256  # signing loads it anyway, and only who is a function's process gets here

    return sha256(text.encode()).hexdigest()
