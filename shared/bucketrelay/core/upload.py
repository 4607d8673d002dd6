"""One object in parts: its upload, from its opening or from where an earlier invocation left it, to its commit."""

from collections.abc import Mapping

from bucketrelay.abilities import Part, PartStore, Upload
from bucketrelay.core.checkpoints import Checkpoint, quietly
from bucketrelay.core.parts import Opened, Parts, length_of, part_size_for
from bucketrelay.core.prepare import Copy
from bucketrelay.core.resources import FirstBytes, Resources
from bucketrelay.core.sums import Sums
from bucketrelay.errors import (
    Damaged,
    ObjectGone,
    OutOfTime,
    SourceChanged,
    StoreRefused,
    StoreUnavailable,
    TargetChanged,
)

_TRIES = 3  # of a commit whose parts another task sends again


def in_parts(copy: Copy, first: FirstBytes, resources: Resources) -> bool:
    """As `copy.carry`, for an object whose bytes are not at hand."""
    target = copy.target
    if not isinstance(target, PartStore):
        raise StoreRefused(f"{copy.target_url}: the store takes no objects in parts; raise part_size")
    size = part_size_for(copy.info.size, resources.part_size, target.abilities)
    upload = _Uploading(copy, target, size, resources)
    return upload.publish(first)


class _Uploading:
    """An upload from its opening, or from where an earlier invocation left it, to the commit."""

    def __init__(self, copy: Copy, target: PartStore, size: int, resources: Resources) -> None:
        self._copy, self._target, self._size = copy, target, size
        self._resources, self._checkpoints = resources, resources.checkpoints
        self._current = True  # whether the version is the one that the source has now

    def publish(self, first: FirstBytes) -> bool:
        """Move all parts, compare, commit. Returns whether something could be compared."""
        whole = self._whole_sums()
        opened = self._open()
        sums = Sums(whole, opened.sums)
        parts = Parts(self._copy, self._target, opened, self._size, self._resources, sums)
        try:
            done = parts.send(first)
            compared = sums.check(done, self._copy.url)
            self._copy.deadline.check()
            self._commit(opened.upload, done)
        except (OutOfTime, StoreUnavailable):
            left = self._checkpoint(opened.upload, sums.known)
            quietly(lambda: self._keep(left))
            raise
        except ObjectGone as error:
            if self._copy.source.look(self._copy.info.key, trust_bare_404=True) is None:
                self._give_up(opened.upload)
                raise
            # Another task has committed or abandoned the upload that we share with it: see what the target holds now.
            raise TargetChanged(f"{self._copy.target_url}: the upload is gone; look again") from error
        except BaseException:
            self._give_up(opened.upload)
            raise
        quietly(lambda: self._checkpoints.drop(self._copy.checkpoint, opened.upload))
        return compared

    def _whole_sums(self) -> Mapping[str, str]:
        """What the source's store says of the whole: some do under a request for the head alone."""
        copy = self._copy
        now = copy.source.look(copy.info.key, trust_bare_404=True)
        if now is not None and (now.etag, now.size, now.version) == (copy.info.etag, copy.info.size, copy.info.version):
            return {**copy.info.checksums, **now.checksums}
        if copy.info.version:  # it may still be read by its id
            self._current = False
            return copy.info.checksums
        if now is None:
            raise ObjectGone(f"{copy.url} is not there any more: look again")
        raise SourceChanged(f"{copy.url} is not the version {copy.info.etag} any more: look again")

    def _open(self) -> Opened:
        """The upload that an earlier invocation has left, if it is of this version and this cut; else a new one."""
        copy, left = self._copy, self._checkpoints.load(self._copy.checkpoint)
        if left and left.upload.id and left.upload.key == copy.key and left.store == copy.target_name:
            if (left.fingerprint, left.part_size) == (copy.fingerprint(), self._size):
                try:
                    return Opened(left.upload, self._held_parts(left.upload), left.sums)
                except ObjectGone:
                    pass  # committed, abandoned or expired: begin again
            elif not self._current:
                raise SourceChanged(f"{copy.url}: a newer version is on its way already: look again")
            else:
                quietly(lambda: self._target.abandon(left.upload))
        copy.deadline.check()
        upload = self._target.begin(copy.key, copy.meta)
        try:
            self._checkpoints.save(copy.checkpoint, self._checkpoint(upload, {}))
        except BaseException:
            quietly(lambda: self._target.abandon(upload))
            raise
        return Opened(upload)

    def _checkpoint(self, upload: Upload, sums: Mapping[int, Mapping[str, int]]) -> Checkpoint:
        return Checkpoint(self._copy.target_name, upload, self._copy.fingerprint(), self._size, sums)

    def _keep(self, left: Checkpoint) -> None:
        """Note how far the upload is; unless another task has begun a newer one meanwhile, which nobody else names."""
        noted = self._checkpoints.load(self._copy.checkpoint)
        if noted and noted.upload == left.upload:
            self._checkpoints.save(self._copy.checkpoint, left)

    def _held_parts(self, upload: Upload) -> dict[int, Part]:
        """The parts that the target holds whole."""
        whole, size, parts = self._copy.info.size, self._size, self._target.parts(upload)
        return {part.number: part for part in parts if part.size == length_of(whole, size, part.number)}

    def _commit(self, upload: Upload, parts: list[Part]) -> None:
        """Publish the parts that the target holds.

        Another task may have sent one again, and where an ETag is not made of the bytes it is another one now: such a
        commit is refused (S3, OBS: InvalidPart; OCI: InvalidUploadPart), and the parts are listed and committed anew.

        Raises:
            StoreUnavailable: another task is at it right now. The upload is its work, too, and stays.
        """
        for _ in range(_TRIES):
            try:
                self._publish(upload, parts)
            except (StoreRefused, Damaged):
                held = list(self._held_parts(upload).values())
                if held == parts:
                    raise  # for another reason
                if len(held) != len(parts):
                    break
                parts = held
            else:
                return
        raise StoreUnavailable(f"{self._copy.target_url}: another task is sending its parts again; it comes again")

    def _publish(self, upload: Upload, parts: list[Part]) -> None:
        with self._resources.writes.under_way(self._copy.task, unseen=self._copy.unseen) as _:
            self._target.commit(upload, parts, expect=self._copy.expect)

    def _give_up(self, upload: Upload) -> None:
        quietly(lambda: self._target.abandon(upload))
        quietly(lambda: self._checkpoints.drop(self._copy.checkpoint, upload))
