"""What all copies by a server have in common: telling who changed, and an upload whose parts the server fetches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bucketrelay.abilities import Part, PartStore, ServerSideCopy, Upload
from bucketrelay.deadline import Deadline
from bucketrelay.errors import CannotCopy, ObjectGone, RelayError, SourceChanged, StoreRefused, TargetChanged
from bucketrelay.model import Meta, ObjectInfo
from bucketrelay.store import Expect, MiB, Store, Written
from bucketrelay.values import dataclass

_PART = 128 * MiB  # each is answered when it is done, and must be within a store's timeout

# Upload, number, first byte and length: lets the server fetch one part, and gives the ETag it says in its body, "" for
# none: a server that does not know copies takes the request for an empty part, and answers 200.
CopyPart = Callable[[Upload, int, int, int], str]


def pinnable(target: ServerSideCopy, source: Store, info: ObjectInfo, url: str) -> None:
    """Raise CannotCopy where the server cannot reach the source, or could not be told which version is meant."""
    if target.reach(source) is None:
        raise CannotCopy(f"{url}: its server does not reach {source.address.url}: read it and write it")
    if not info.etag:
        raise CannotCopy(f"{source.address.of(info.key)} has no ETag to hold on to: read it and write it")


def check_unchanged(source: Store, info: ObjectInfo) -> None:
    """Look whether the source is still *info*. Raises SourceChanged or ObjectGone if it is not."""
    url, now = source.address.of(info.key), source.look(info.key)
    if now is None:
        raise ObjectGone(f"{url} was deleted while it was copied: look again")
    if (now.etag, now.size) != (info.etag, info.size) or _later(info, now):
        raise SourceChanged(f"{url} was overwritten while it was copied: look again")


def _later(info: ObjectInfo, now: ObjectInfo) -> bool:
    """Whether a version with the same ETag is another; times are compared to the second, as headers have them."""
    if info.version and now.version:
        return info.version != now.version
    if info.modified is None or now.modified is None:
        return False
    return info.modified.replace(microsecond=0) != now.modified.replace(microsecond=0)


@contextmanager
def answering(
    source: Store,
    info: ObjectInfo,
    url: str,
    expect: Expect,
    *,
    passing: Callable[[BaseException], bool] = lambda _: False,
    remedy: str = "read it and write it",
) -> Iterator[None]:
    """What a server's no to a copy means.

    412, 404 and 403 do not say which of the two objects they are about, so the source is looked at.

    Args:
        url: of the target.
        passing: of a refusal, whether it is none of the copy.
        remedy: what would let the server copy.
    """
    try:
        yield
    except (TargetChanged, SourceChanged, ObjectGone) as error:
        check_unchanged(source, info)
        if expect is not None:
            raise TargetChanged(f"{error}: the source is as it was: look again") from error
        raise _no(source, info, url, error, remedy) from error
    except StoreRefused as error:
        if isinstance(error, CannotCopy) or passing(error):
            raise
        check_unchanged(source, info)
        raise _no(source, info, url, error, remedy) from error


def _no(source: Store, info: ObjectInfo, url: str, error: RelayError, remedy: str) -> CannotCopy:
    return CannotCopy(f"{url}: its server does not copy {source.address.of(info.key)}: {error}: {remedy}")


@dataclass(frozen=True, slots=True)
class PartsCopy:
    """A copy by way of an upload whose parts the server fetches; see `ServerSideCopy.copy_from` for the fields."""

    target: PartStore
    source: Store
    info: ObjectInfo
    key: str
    meta: Meta
    deadline: Deadline
    copy_part: CopyPart

    def publish(self, expect: Expect) -> Written:
        """Copy all parts and publish them, if the source is then still what it was.

        Nothing is visible before that, whatever a server makes of the requests; on any error the upload is thrown away.
        """
        self.deadline.check()
        upload = self.target.begin(self.key, self.meta)
        try:
            spans = enumerate(_spans(self.info.size, self.target.abilities.max_parts), 1)
            parts = [self._copy_part(upload, number, start, length) for number, (start, length) in spans]
            self._check(upload, parts)
            return self.target.commit(upload, parts, expect=expect)
        except BaseException:
            self._abandon(upload)
            raise

    def _copy_part(self, upload: Upload, number: int, start: int, length: int) -> Part:
        self.deadline.check()
        if not length:
            return self.target.put_part(upload, number, b"")  # servers differ on what copying nothing means
        url = self.target.address.of(self.key)
        with answering(self.source, self.info, url, None):
            if etag := self.copy_part(upload, number, start, length):
                return Part(number, etag, length)
        raise CannotCopy(f"{url}: its server answers a copy without an ETag: read it and write it")

    def _check(self, upload: Upload, parts: Sequence[Part]) -> None:
        held = [(part.number, part.size) for part in self.target.parts(upload)]
        if held != [(part.number, part.size) for part in parts]:
            url = self.target.address.of(self.key)
            raise CannotCopy(f"{url}: its server copied something else: read it and write it")
        check_unchanged(self.source, self.info)
        self.deadline.check()

    def _abandon(self, upload: Upload) -> None:
        try:
            self.target.abandon(upload)
        except RelayError:
            # What went wrong first is what the user must read; an upload that is left over is found by its age.
            return


def _spans(size: int, most: int) -> Iterator[tuple[int, int]]:
    """First byte and length of each part; one empty part of an empty object."""
    length = max(_PART, -(-size // most))
    for start in range(0, max(size, 1), length):
        yield start, min(length, size - start)
