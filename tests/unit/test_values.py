"""`bucketrelay.values` does what the library's `dataclasses` does, as far as we use it: each case is tried on both."""

import copy
import dataclasses
import inspect
import pickle
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from bucketrelay import values

OURS = SimpleNamespace(
    dataclass=values.dataclass, field=values.field, fields=values.fields, replace=values.replace, name="ours"
)
THEIRS = SimpleNamespace(
    dataclass=dataclasses.dataclass,
    field=dataclasses.field,
    fields=dataclasses.fields,
    replace=dataclasses.replace,
    name="theirs",
)
BOTH = pytest.mark.parametrize("library", [OURS, THEIRS], ids=lambda one: one.name)
FORMS = pytest.mark.parametrize(
    "form", [{"frozen": True, "slots": True}, {"frozen": True}, {"slots": True}, {}], ids=str
)


def point(library: Any, form: dict[str, bool]) -> Any:
    @library.dataclass(**form)
    class Point:
        x: int
        y: int = 2
        tags: dict[str, str] = library.field(default_factory=dict)
        secret: str = library.field(default="", repr=False)
        aside: str = library.field(default="", compare=False)
        later: list[int] = library.field(init=False, default_factory=list)
        KIND: ClassVar[str] = "a point"

        def moved(self) -> Any:
            return library.replace(self, x=self.x + 1)

    return Point


@values.dataclass(frozen=True, slots=True)
class Kept:
    """At the top of a module, where `pickle` finds it."""

    x: int
    more: tuple[str, ...] = ()


@BOTH
@FORMS
def test_instances_are_made_shown_and_compared_alike(library: Any, form: dict[str, bool]) -> None:
    kind = point(library, form)
    one = kind(1, secret="s3cret", aside="left")
    assert repr(one).endswith("Point(x=1, y=2, tags={}, aside='left', later=[])")
    assert "s3cret" not in repr(one)
    assert one == kind(1, 2, {}, "s3cret", "right")
    assert one != kind(2, 2, {}, "s3cret")
    assert one != (1, 2, {}, "s3cret")
    assert one.moved() == kind(2, 2, {}, "s3cret")
    assert one.tags is not kind(1).tags
    assert kind.KIND == "a point"
    assert kind.__match_args__ == ("x", "y", "tags", "secret", "aside")
    assert [field.name for field in library.fields(kind)] == ["x", "y", "tags", "secret", "aside", "later"]
    assert hasattr(one, "__dict__") is not form.get("slots", False)


@BOTH
@FORMS
def test_a_wrong_call_is_a_type_error(library: Any, form: dict[str, bool]) -> None:
    kind = point(library, form)
    for given, named in (((), {}), ((1, 2, {}, "", "", []), {}), ((1,), {"z": 3}), ((1,), {"x": 1})):
        with pytest.raises(TypeError):
            kind(*given, **named)


@BOTH
@pytest.mark.parametrize("slots", [True, False])
def test_what_is_frozen_cannot_be_changed(library: Any, *, slots: bool) -> None:
    one = point(library, {"frozen": True, "slots": slots})(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.x = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.x
    assert one.x == 1


@BOTH
def test_only_what_is_frozen_has_a_hash(library: Any) -> None:
    @library.dataclass(frozen=True, slots=True)
    class Fixed:
        x: int
        aside: int = library.field(default=0, compare=False)

    @library.dataclass
    class Loose:
        x: int

    assert hash(Fixed(1, 2)) == hash(Fixed(1, 3))
    assert len({Fixed(1), Fixed(1), Fixed(2)}) == 2
    with pytest.raises(TypeError):
        hash(Loose(1))


@BOTH
def test_fields_are_inherited_ordered_and_by_keyword_alone(library: Any) -> None:
    @library.dataclass(frozen=True, slots=True, order=True)
    class Version:
        major: int
        minor: int = 0

    @library.dataclass(frozen=True, slots=True, order=True)
    class Release(Version):
        name: str = ""

    @library.dataclass(frozen=True, kw_only=True)
    class Named:
        a: int = 1
        b: int

    assert sorted([Release(1, 2, "b"), Release(1, 2, "a"), Release(1)]) == [
        Release(1),
        Release(1, 2, "a"),
        Release(1, 2, "b"),
    ]
    assert Version(1) <= Version(1) < Version(1, 1) > Version(1) >= Version(1)
    assert Named(b=2) == Named(a=1, b=2)
    with pytest.raises(TypeError):
        Named(1, 2)


@BOTH
def test_what_follows_the_making_and_methods_of_ones_own_are_kept(library: Any) -> None:
    @library.dataclass
    class Doubled:
        x: int
        twice: int = library.field(init=False)

        def __post_init__(self) -> None:
            self.twice = 2 * self.x

        def __repr__(self) -> str:
            return "mine"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert (Doubled(2).twice, repr(Doubled(2)), Doubled(1) == Doubled(2), hash(Doubled(1))) == (4, "mine", True, 7)


def test_the_library_and_its_friends_take_our_classes_for_its_own() -> None:
    kind = point(OURS, {"frozen": True, "slots": True})
    theirs = point(THEIRS, {"frozen": True, "slots": True})
    assert [str(each) for each in inspect.signature(kind).parameters] == [
        str(each) for each in inspect.signature(theirs).parameters
    ]
    one = kind(1, 3)
    assert dataclasses.is_dataclass(one)
    assert dataclasses.asdict(one) == dataclasses.asdict(theirs(1, 3))
    assert dataclasses.replace(one, x=5) == kind(5, 3)
    assert values.replace(theirs(1), x=5) == theirs(5)
    assert copy.deepcopy(one) == one
    kept = Kept(1, ("a",))
    assert pickle.loads(pickle.dumps(kept)) == kept
    assert inspect.signature(Kept(2).__init__).parameters.keys() == {"x", "more"}


def test_a_subclass_without_fields_is_as_its_base_and_may_have_more() -> None:
    class More(Kept):
        pass

    one = More(1)
    assert one == More(1) != Kept(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.x = 2  # type: ignore[misc]  # that is the point
    one.other = 3
    assert one.other == 3


def test_a_function_loads_neither_the_library_nor_what_it_needs() -> None:
    names = "bucketrelay.drivers.function, bucketrelay.process, bucketrelay.clouds.aws.store"
    code = f"import sys, {names}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert not {"dataclasses", "inspect"} & set(done.stdout.split())
