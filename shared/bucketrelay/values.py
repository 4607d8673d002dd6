"""Values, and other classes of named fields: what we use of the library's `dataclasses`, at a tenth of its cost.

The library writes every method of every class as text, compiles it where the class is defined, and loads `inspect` to
do so. A function imports some hundred such classes and makes instances of thirty: that was half of its import. Here
`__init__` is written when the first instance is made, and the other methods are the same functions for all classes.

To type checkers this *is* the library's `dataclass`; and so it is to `fields`, `asdict` and `replace` of the library,
to `copy`, `pickle` and `inspect.signature`. What nobody here uses is not there: `InitVar`, and of a class all but
`frozen`, `slots`, `order` and `kw_only`.
"""

from typing import TYPE_CHECKING, Any, ClassVar

__all__ = ["dataclass", "field", "fields", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, field, fields, replace
else:
    from operator import attrgetter

    _FIELDS = "__dataclass_fields__"  # the library's name, by which it and others know such a class

    class _Nothing:
        def __repr__(self) -> str:
            return "<factory>"

    _NOTHING = _Nothing()

    class Field:
        """A field; its attributes are named as those of the library's."""

        __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "name", "repr", "type")
        hash, metadata = None, {}

        def __init__(self, default: Any, factory: Any, *, init: bool, shown: bool, compare: bool) -> None:
            self.default, self.default_factory = default, factory
            self.init, self.repr, self.compare, self.kw_only = init, shown, compare, False
            self.name, self.type = "", None

        @property
        def _field_type(self) -> Any:
            """What the library tells fields from class variables by."""
            import dataclasses  # whoever asks has loaded it

            return dataclasses._FIELD  # noqa: SLF001 — the library's functions ask for it

    class _Params:
        __slots__ = ("frozen", "order")
        init = repr = eq = match_args = True
        unsafe_hash = kw_only = slots = weakref_slot = False

        def __init__(self, *, frozen: bool, order: bool) -> None:
            self.frozen, self.order = frozen, order

    _PARAMS = {(f, o): _Params(frozen=f, order=o) for f in (False, True) for o in (False, True)}

    def field(
        *,
        default: Any = _NOTHING,
        default_factory: Any = _NOTHING,
        init: bool = True,
        repr: bool = True,  # noqa: A002 — the library's name
        compare: bool = True,
    ) -> Any:
        """As the library's."""
        return Field(default, default_factory, init=init, shown=repr, compare=compare)

    def fields(of: Any) -> tuple[Field, ...]:
        """As the library's."""
        return tuple(getattr(of, _FIELDS).values())

    def replace(instance: Any, /, **changes: Any) -> Any:
        """As the library's."""
        kind = instance.__class__
        if not hasattr(kind, "_compared_by"):  # a class of the library's
            import dataclasses  # it is loaded, then

            return dataclasses.replace(instance, **changes)
        for name in kind._given:  # noqa: SLF001 — one of ours
            if name not in changes:
                changes[name] = getattr(instance, name)
        return kind(**changes)

    def dataclass(
        cls: Any = None, /, *, frozen: bool = False, slots: bool = False, order: bool = False, kw_only: bool = False
    ) -> Any:
        """As the library's."""

        def make(cls: Any) -> Any:
            return _make(cls, frozen=frozen, slots=slots, order=order, kw_only=kw_only)

        return make if cls is None else make(cls)

    def _make(cls: Any, *, frozen: bool, slots: bool, order: bool, kw_only: bool) -> Any:
        known: dict[str, Field] = {}
        for base in cls.__mro__[-1:0:-1]:
            known.update(base.__dict__.get(_FIELDS, ()))
        for name, kind in cls.__annotations__.items():  # its own; Python 3.14 makes them when asked
            if not _of_class(kind):
                known[name] = _field_of(cls, name, kind, kw_only=kw_only)
        body: dict[str, Any] = {_FIELDS: known, "__dataclass_params__": _PARAMS[frozen, order], **_SHARED}
        body["__init__"] = _init_stub(known)
        body["_compared_by"] = attrgetter(*[name for name, one in known.items() if one.compare] or ["__class__"])
        body["_given"] = tuple(name for name, one in known.items() if one.init)
        body["__match_args__"] = tuple(name for name in body["_given"] if not known[name].kw_only)
        body |= {**_FROZEN, **(_FROZEN_SLOTS if slots else {})} if frozen else {}
        body |= _ORDERED if order else {}
        own = {name for name, value in cls.__dict__.items() if value is not None or name != "__hash__"}
        body = {name: value for name, value in body.items() if name not in own or name == "__init__"}
        if slots:
            return _with_slots(cls, known, body)
        for name, value in body.items():
            setattr(cls, name, value)
        return cls

    def _of_class(kind: Any) -> bool:
        if isinstance(kind, str):
            return kind.startswith(("ClassVar", "typing.ClassVar"))
        return kind is ClassVar or getattr(kind, "__origin__", None) is ClassVar

    def _field_of(cls: Any, name: str, kind: Any, *, kw_only: bool) -> Field:
        default = cls.__dict__.get(name, _NOTHING)
        made = default if isinstance(default, Field) else field(default=default)
        made.name, made.type, made.kw_only = name, kind, kw_only
        if made is default:  # as the class variable of the same name: the default, or nothing
            if made.default is _NOTHING:
                delattr(cls, name)
            else:
                setattr(cls, name, made.default)
        return made

    def _with_slots(cls: Any, known: dict[str, Field], more: dict[str, Any]) -> Any:
        """The class anew, with slots: they cannot be added to one that is there."""
        taken = {slot for base in cls.__mro__[1:] for slot in base.__dict__.get("__slots__", ())}
        left_out = {"__dict__", "__weakref__", *known}
        body = {name: value for name, value in cls.__dict__.items() if name not in left_out}
        body |= {**more, "__slots__": tuple(name for name in known if name not in taken)}
        made = type(cls)(cls.__name__, cls.__bases__, body)
        made.__qualname__ = cls.__qualname__
        return made

    # `__init__`

    def _init_of(cls: Any) -> Any:
        """The `__init__` of a class, written from its fields."""
        known = getattr(cls, _FIELDS)
        frozen, slotted = cls.__dataclass_params__.frozen, "__slots__" in cls.__dict__
        world: dict[str, Any] = {"_nothing": _NOTHING, "_set": object.__setattr__}
        lines = []
        for name, one in known.items():
            put = f"_set(self, {name!r}, {{}})" if frozen else f"self.{name} = {{}}"
            if frozen and hasattr(slot := getattr(cls, name, None), "__set__"):
                world[f"_set_{name}"] = slot.__set__
                put = f"_set_{name}(self, {{}})"
            if (value := _value(one, world, slotted=slotted)) is not None:
                lines.append(put.format(value))
        if hasattr(cls, "__post_init__"):
            lines.append("self.__post_init__()")
        text = f"def __init__({', '.join(_parameters(known))}):\n " + "\n ".join(lines or ["pass"])
        exec(text, world)  # noqa: S102 — names and our own words
        made = world["__init__"]
        made.__qualname__ = f"{cls.__qualname__}.__init__"
        made.__annotations__ = {name: one.type for name, one in known.items() if one.init} | {"return": None}
        return made

    def _value(one: Field, world: dict[str, Any], *, slotted: bool) -> str | None:
        """What a field is set to; None where it is not."""
        world[f"_default_{one.name}"], world[f"_make_{one.name}"] = one.default, one.default_factory
        if one.default_factory is not _NOTHING:
            made = f"_make_{one.name}()"
            return f"{made} if {one.name} is _nothing else {one.name}" if one.init else made
        if one.init:
            return one.name
        return f"_default_{one.name}" if slotted and one.default is not _NOTHING else None

    def _parameters(known: dict[str, Field]) -> list[str]:
        def word(one: Field) -> str:
            if one.default_factory is not _NOTHING:
                return f"{one.name}=_nothing"
            return one.name if one.default is _NOTHING else f"{one.name}=_default_{one.name}"

        given = [one for one in known.values() if one.init]
        named = [word(one) for one in given if one.kw_only]
        return ["self", *(word(one) for one in given if not one.kw_only), *(["*", *named] if named else [])]

    def _init_stub(known: dict[str, Field]) -> Any:
        """The `__init__` of a class with these fields until there is one."""
        made: Any = None

        def __init__(self: Any, /, *given: Any, **named: Any) -> None:  # noqa: N807 — that is what it stands for
            nonlocal made
            if made is None:
                owner = next(base for base in type(self).__mro__ if base.__dict__.get(_FIELDS) is known)
                made = _init_of(owner)
                if owner.__init__ is __init__:  # and nobody watches it
                    owner.__init__ = made
            made(self, *given, **named)

        return __init__

    class _Signature:
        def __get__(self, instance: Any, kind: Any) -> Any:
            import inspect  # whoever asks has loaded it

            owner = next(base for base in kind.__mro__ if "__init__" in base.__dict__)
            made = inspect.signature(_init_of(owner) if _FIELDS in owner.__dict__ else owner.__init__)
            return made.replace(parameters=list(made.parameters.values())[1:])

    # The methods of all classes.

    def _equal(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        compared_by = self._compared_by
        return compared_by(self) == compared_by(other)

    def _hash(self: Any) -> int:
        return hash(self._compared_by(self))

    def _repr(self: Any) -> str:
        shown = [f"{name}={getattr(self, name)!r}" for name, one in getattr(self, _FIELDS).items() if one.repr]
        return f"{type(self).__qualname__}({', '.join(shown)})"

    def _refuse(self: Any, name: str, *_: Any) -> None:
        """Nobody changes a value; what a class of no fields of its own adds to one, it may."""
        if _FIELDS in type(self).__dict__ or name in getattr(self, _FIELDS):
            import dataclasses  # it is a mistake, and may take its time

            raise dataclasses.FrozenInstanceError(f"cannot change {name!r}")
        (object.__setattr__ if _ else object.__delattr__)(self, name, *_)

    def _state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in getattr(self, _FIELDS)]

    def _restore(self: Any, state: list[Any]) -> None:
        for name, value in zip(getattr(self, _FIELDS), state, strict=True):
            object.__setattr__(self, name, value)

    def _less(self: Any, other: Any) -> Any:
        return (
            self._compared_by(self) < self._compared_by(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def _more(self: Any, other: Any) -> Any:
        return (
            self._compared_by(self) > self._compared_by(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def _at_most(self: Any, other: Any) -> Any:
        return (
            self._compared_by(self) <= self._compared_by(other) if other.__class__ is self.__class__ else NotImplemented
        )

    def _at_least(self: Any, other: Any) -> Any:
        return (
            self._compared_by(self) >= self._compared_by(other) if other.__class__ is self.__class__ else NotImplemented
        )

    _SHARED = {"__eq__": _equal, "__repr__": _repr, "__hash__": None, "__signature__": _Signature()}
    _FROZEN = {"__hash__": _hash, "__setattr__": _refuse, "__delattr__": _refuse}
    _FROZEN_SLOTS = {"__getstate__": _state, "__setstate__": _restore}
    _ORDERED = {"__lt__": _less, "__gt__": _more, "__le__": _at_most, "__ge__": _at_least}
