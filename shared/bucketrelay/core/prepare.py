"""An object made ready for its target: its metadata as far as it fits there, our stamp, what its parts depend on."""

from bucketrelay.abilities import PartStore
from bucketrelay.bodies import md5_of
from bucketrelay.core import stamp as stamps
from bucketrelay.core.checkpoints import Checkpoints, Fingerprint, quietly
from bucketrelay.core.digest import tree
from bucketrelay.core.face import digest, face
from bucketrelay.core.metadata import fit
from bucketrelay.core.pair import Pair
from bucketrelay.core.resources import FirstBytes
from bucketrelay.deadline import Deadline
from bucketrelay.errors import StoreRefused
from bucketrelay.model import Meta, ObjectInfo, Task
from bucketrelay.store import ABSENT, Expect, Store
from bucketrelay.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One object to be moved."""

    source: Store
    info: ObjectInfo
    target: Store
    key: str
    meta: Meta
    expect: Expect
    deadline: Deadline
    checkpoint: str = ""  # what its checkpoint is called: the target's identity
    fingerprint: Fingerprint = str  # of all that its parts depend on, but for their size; most objects have none
    target_name: str = ""  # of the target store
    task: Task  # that it is for

    @property
    def url(self) -> str:
        """Of the source."""
        return self.source.address.of(self.info.key)

    @property
    def target_url(self) -> str:
        """Of the target."""
        return self.target.address.of(self.key)

    @property
    def unseen(self) -> bool:
        """Whether the write may replace another source's newer copy without anybody's noticing."""
        return self.task.shared and not self.target.conditional


def prepare(pair: Pair, info: ObjectInfo, held: ObjectInfo | None, first: FirstBytes) -> tuple[Copy, tuple[str, ...]]:
    """The copy of the version *info*, and the names of what it cannot have of it.

    Args:
        held: what is at the target now, which the copy is to replace.
        first: the bytes that are at hand: where these are all, the stamp tells their digest.

    Raises:
        StoreRefused: it would lack something, and the route is strict.
    """
    whole = len(first.body) == info.size
    sums = (tree(first.body), md5_of(first.body).hex()) if whole else ()
    meta, degraded = fit(pair.meta(info), pair.target.abilities, stamps.make(info, pair.link, *sums))
    if degraded and pair.task.strict:
        raise StoreRefused(
            f"{pair.target_url}: the copy would lack {', '.join(degraded)}, and the route is strict; nothing was copied"
        )
    return _copy_of(pair, info, meta, held), degraded


def tidy_up(pair: Pair, info: ObjectInfo, checkpoints: Checkpoints) -> None:
    """Forget the checkpoint of the version *info*, which the target holds, and end the upload that it names.

    Whoever published that version was killed before doing so, or never heard that it is published. A task that is at
    work on the same version finds its upload gone, looks again, and has nothing left to do.
    """

    def step() -> None:
        left = checkpoints.load(pair.link.target)
        # As much of its fingerprint as an answer without a body tells, too.
        if left and left.store == pair.task.target and left.fingerprint.startswith(f"{pair.link.source};{info.etag};"):
            if left.upload.id and isinstance(pair.target, PartStore):
                pair.target.abandon(left.upload)
            checkpoints.drop(pair.link.target, left.upload)

    quietly(step)


def _copy_of(pair: Pair, info: ObjectInfo, meta: Meta, held: ObjectInfo | None) -> Copy:
    def fingerprint() -> str:
        written = [face(meta), meta.user[stamps.NAME], meta.storage_class, *map("=".join, sorted(meta.tags.items()))]
        return f"{pair.link.source};{info.etag};{info.size};{stamps.when(info)};{digest(';'.join(written))}"

    return Copy(
        source=pair.source,
        info=info,
        target=pair.target,
        key=pair.task.target_key,
        meta=meta,
        expect=held or ABSENT,
        deadline=pair.deadline,
        checkpoint=pair.link.target,
        fingerprint=fingerprint,
        target_name=pair.task.target,
        task=pair.task,
    )
