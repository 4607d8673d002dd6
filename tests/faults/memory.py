"""What stopped code remembers, so that places from which everything must go on alike can be told to be one.

All that is left to a stopped task are the local variables of its frames, what they refer to, the places in the code,
and the exception that is being handled. All but for one thing: values that only the interpreter's stack holds, as the
first half of `a, b = look("a"), look("b")` while the second is asked for. Python does not show them; `places.py` tells
where there may be some, and there nothing is said to be alike.
"""

import sys
from collections import deque
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

from bucketrelay.deadline import Deadline
from faults.asking import AskingStore
from faults.places import hides, statement


class Memory:
    """Of one run of a task: asked at each operation."""

    def __init__(self) -> None:
        self._passed: list[tuple[FrameType, int, int]] = []

    def frames(self, frame: FrameType | None, end: CodeType) -> list[FrameType]:
        """From *frame* up to the code *end*, but for the harness itself."""
        found = []
        while frame is not None and frame.f_code is not end:
            if frame.f_globals["__name__"] not in _HARNESS:
                found.append(frame)
            frame = frame.f_back
        return found

    def passed(self, frames: list[FrameType]) -> None:
        """An operation is being answered to these frames."""
        self._passed += [(frame, frame.f_lineno, frame.f_lasti) for frame in frames]

    def of(self, frames: list[FrameType]) -> Any:
        """All that the frames remember, hashable; None if it cannot be told."""
        if any(map(hides, frames)) or any(map(self._in_the_middle, frames)):
            return None
        seen: dict[int, tuple] = {}
        try:
            remembered = [(f.f_code, f.f_lasti, _value(dict(f.f_locals), seen)) for f in frames]
            return (*remembered, _value(sys.exc_info()[1], seen))
        except _Opaque:
            return None

    def _in_the_middle(self, frame: FrameType) -> bool:
        """Whether the statement that *frame* is in has had an answer already."""
        lines = {line for f, line, last in self._passed if f is frame and last < frame.f_lasti}
        return any(statement(frame.f_code, line) == statement(frame.f_code, frame.f_lineno) for line in lines)


_HARNESS = frozenset(f"faults.{name}" for name in ("world", "asking", "stepping", "memory", "strategies", "house"))


class _Opaque(Exception):
    """Something whose state cannot be seen."""


_PLAIN = (type(None), bool, int, str, bytes, datetime, Enum, type, CodeType, ModuleType)


def _value(value: Any, seen: dict[int, tuple]) -> Any:
    if isinstance(value, float):
        return float  # how long something took: without a deadline nothing depends on it
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, AskingStore):
        return value.name
    if isinstance(value, Deadline) or type(value).__module__ in _HARNESS:
        return type(value)  # the same for every task, and no memory of the code that we step through
    if isinstance(value, tuple | MappingProxyType) or (is_dataclass(value) and value.__dataclass_params__.frozen):
        return type(value), _inside(value, seen)
    if id(value) in seen:
        return "seen", seen[id(value)][0]
    seen[id(value)] = len(seen), value  # held, so that no other thing gets its id meanwhile
    return type(value), _inside(value, seen)


def _inside(value: Any, seen: dict[int, tuple]) -> Any:
    if isinstance(value, tuple | list | deque):
        return tuple(_value(item, seen) for item in value)
    if isinstance(value, set | frozenset):
        return frozenset(_value(item, seen) for item in value)
    if isinstance(value, dict | MappingProxyType):
        return tuple((_value(name, seen), _value(item, seen)) for name, item in value.items())
    if isinstance(value, FunctionType | MethodType | BuiltinFunctionType):
        return _of_function(value, seen)
    if isinstance(value, BaseException):
        return str(value), _value(value.__cause__, seen), _value(value.__context__, seen)
    if type(value).__name__ in ("lock", "RLock"):
        return repr(value).partition(" object ")[0]
    return _attributes(value, seen)


def _of_function(value: Any, seen: dict[int, tuple]) -> Any:
    if not isinstance(value, FunctionType):
        return value.__name__, _value(value.__self__, seen)
    if value.__module__ in _HARNESS:
        return value.__qualname__
    return value.__code__, tuple(_value(cell.cell_contents, seen) for cell in value.__closure__ or ())


def _attributes(value: Any, seen: dict[int, tuple]) -> Any:
    if is_dataclass(value):
        return tuple(_value(getattr(value, field.name), seen) for field in fields(value))
    slots = getattr(type(value), "__slots__", ())
    names = [*([slots] if isinstance(slots, str) else slots), *getattr(value, "__dict__", {})]
    if names:
        return tuple((name, _value(getattr(value, name), seen)) for name in sorted(names) if hasattr(value, name))
    if type(value).__name__ in ("range_iterator", "tuple_iterator", "list_iterator"):
        return tuple(_value(item, seen) for item in value.__reduce__()[1:])
    raise _Opaque(type(value))
