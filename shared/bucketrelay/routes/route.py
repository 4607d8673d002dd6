"""A route: which keys of its source it takes, and what they are called at its targets."""

from typing import TYPE_CHECKING

from bucketrelay.model import Address, Deletes, Overwrite
from bucketrelay.routes.globs import glob
from bucketrelay.routes.places import same_bucket
from bucketrelay.routes.probes import is_anothers
from bucketrelay.values import dataclass, field

if TYPE_CHECKING:
    from bucketrelay.routes.windows import Windows

ANY_BUCKET = "*"  # as an Address's bucket: whichever bucket of that scheme the event names


@dataclass(frozen=True, slots=True)
class Route:
    """From one source store to its targets (store names), or with `forward` to somebody who moves the object himself.

    Globs are matched with the key relative to the source store; `exclude` wins over `include`; without `include`
    every key is taken. Then `strip_prefix` is removed once (a key that does not begin with it, or is nothing else, is
    not this route's) and `add_prefix` is put before: so no two keys of a route can have one name at a target.
    """

    name: str
    source: Address
    source_store: str
    targets: tuple[str, ...] = ()
    forward: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strip_prefix: str = ""
    add_prefix: str = ""
    deletes: Deletes = Deletes.KEEP
    max_deletes: int = 1000
    strict: bool = False
    shared: bool = False  # other routes may write the same target keys
    overwrite: Overwrite = Overwrite.ANY
    first: tuple[str, ...] = ()  # keys that wait for no others, as globs
    windows: "Windows | None" = None  # when it works, and how fast; None: always, as fast as it can
    probe: float = 0.0  # seconds between two heartbeats; 0: it has none
    meets: frozenset[str] = frozenset()  # targets from which other routes may bring the keys back; see `meeting`
    ignores: tuple[Address, ...] = ()  # places whose events are nobody's business: the log store's own folders
    shut: tuple[tuple[str, str], ...] = ()  # of which target which beginnings of keys are the log store's own folders
    beginnings: tuple[str, ...] = field(default=(), init=False, compare=False)  # of the keys in `ignores`

    def __post_init__(self) -> None:
        """So that one call rules out nearly every key."""
        object.__setattr__(self, "beginnings", tuple(place.prefix for place in self.ignores))

    def takes(self, key: str) -> bool:
        """Whether *key*, relative to the source store, is the route's business."""
        return not self.why_not(key)

    def why_not(self, key: str) -> str:
        """What leaves *key* out, in a word to the user; "" where the route takes it."""
        for pattern in self.exclude:
            if glob(pattern).matches(key):
                return f"exclude has {pattern!r}"
        if self.include and not any(glob(pattern).matches(key) for pattern in self.include):
            return f"include has no pattern for it: {', '.join(map(repr, self.include))}"
        if not key.startswith(self.strip_prefix):
            return f"it does not begin with strip_prefix {self.strip_prefix!r}"
        if key == self.strip_prefix:
            return f"it is strip_prefix {self.strip_prefix!r} and nothing else" if key else "it is no key"
        full = self.source.prefix + key
        if full.startswith(self.beginnings) and any(
            full.startswith(place.prefix) and same_bucket(place, self.source) for place in self.ignores
        ):
            return "it lies in the log store's own folders"
        return "it is the heartbeat of another route" if is_anothers(key, self.source, self.name) else ""

    def is_urgent(self, key: str) -> bool:
        """Whether *key* waits for no others."""
        return any(glob(pattern).matches(key) for pattern in self.first)

    @property
    def unfiltered(self) -> bool:
        """Whether the route takes every key that is longer than its strip_prefix and begins with it.

        But for other routes' heartbeats, which no listing that is compared shows.
        """
        own = any(same_bucket(place, self.source) for place in self.ignores)
        return not self.include and not self.exclude and not own

    def may_take_below(self, prefix: str) -> bool:
        """Whether some key that begins with *prefix* can be the route's business; in doubt, True."""
        if not prefix.startswith(self.strip_prefix) and not self.strip_prefix.startswith(prefix):
            return False
        if any(glob(pattern).covers(prefix) for pattern in self.exclude):
            return False
        return not self.include or any(glob(pattern).reaches(prefix) for pattern in self.include)

    def target_key(self, key: str) -> str:
        """What *key* is called at the targets. May be too long to be a key: the core refuses that, aloud."""
        return self.add_prefix + key.removeprefix(self.strip_prefix)

    def writes(self, target: str, target_key: str) -> bool:
        """Whether the route may write *target_key* at all: nothing of its own is put among the lists."""
        return not any(name == target and target_key.startswith(beginning) for name, beginning in self.shut)
