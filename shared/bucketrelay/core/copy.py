"""Moving the bytes of exactly one version from one store to another: by the server, whole, or in parts."""

import math

from bucketrelay.abilities import ServerSideCopy, Upload
from bucketrelay.core import digest, heap
from bucketrelay.core.checkpoints import Checkpoint, quietly
from bucketrelay.core.prepare import Copy
from bucketrelay.core.resources import FirstBytes, Resources
from bucketrelay.errors import CannotCopy, CopyGoesOn, Damaged, OutOfTime


def by_server(copy: Copy, resources: Resources) -> bool:
    """Whether the target's server has copied the object; False where it will not, and somebody must carry it."""
    if not isinstance(copy.target, ServerSideCopy):
        return False
    copy.deadline.check()
    # A copy by the server begins anew in each invocation, an upload goes on: what did not fit once is carried.
    if copy.deadline.remaining() < math.inf and copy.info.size > resources.part_size:
        left = resources.checkpoints.load(copy.checkpoint)
        if left and left.fingerprint == copy.fingerprint():
            return False
    try:
        with resources.writes.under_way(copy.task, unseen=copy.unseen) as _:
            _copy_from(copy, copy.target)
    except CannotCopy:
        resources.unreachable.add(copy.task.way)
        return False
    except OutOfTime:
        too_slow = Checkpoint(copy.target_name, Upload(copy.key, ""), copy.fingerprint())
        quietly(lambda: resources.checkpoints.save(copy.checkpoint, too_slow))
        raise
    return True


def _copy_from(copy: Copy, target: ServerSideCopy) -> None:
    try:
        target.copy_from(copy.source, copy.info, copy.key, copy.meta, copy.deadline, expect=copy.expect)
    except OutOfTime as error:
        raise CopyGoesOn(str(error)) from error


def carry(copy: Copy, first: FirstBytes, resources: Resources) -> bool:
    """Publish the object at the target, whole or not at all.

    Returns:
        Whether its bytes were compared with what the source's store says of the whole.

    Raises:
        OutOfTime, StoreUnavailable: the parts that have arrived are kept; the same task goes on with them.
        Damaged: the bytes are not those that the source's store says; nothing was published.
    """
    heap.make_room(copy.info.size)
    whole = copy.info.size <= resources.part_size
    if whole and len(first.body) < copy.info.size:  # one byte was asked for, as the server was to copy; or it has grown
        first.drop()
        with resources.budget.bytes(copy.info.size, copy.deadline, copy.task.way) as first.lease:
            first.body = copy.source.read(copy.info, 0, copy.info.size)
            return _whole(copy, first, resources)
    if len(first.body) > copy.info.size:
        raise Damaged(f"{copy.url}: more bytes came than the object has; nothing was written")
    if len(first.body) == copy.info.size:
        return _whole(copy, first, resources)
    from bucketrelay.core.upload import in_parts  # most invocations have no object that large

    return in_parts(copy, first, resources)


def _whole(copy: Copy, first: FirstBytes, resources: Resources) -> bool:
    resources.spend(copy.task.route, copy.info.size, copy.deadline)
    compared = digest.check_whole(first.body, copy.info.checksums, copy.url)
    copy.deadline.check()
    with resources.writes.under_way(copy.task, unseen=copy.unseen) as _:
        copy.target.put(copy.key, first.body, copy.meta, expect=copy.expect)
    return compared
