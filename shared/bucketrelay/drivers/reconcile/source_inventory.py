"""The source's side of a comparison out of an inventory: found, fetched, sorted."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bucketrelay.drivers.reconcile.compare import Rows, Side, Span
from bucketrelay.drivers.reconcile.inventory_file import Inventory, manifest
from bucketrelay.drivers.reconcile.prefetch import in_chunks
from bucketrelay.drivers.reconcile.sorted_file import SortedFile
from bucketrelay.drivers.reconcile.wish import Wish
from bucketrelay.errors import BadEvent, ConfigError
from bucketrelay.model import Address
from bucketrelay.store import MiB, Store
from bucketrelay.values import dataclass

_BLOCK = MiB
_LARGEST = 64 * MiB  # of a manifest, which is read whole


@dataclass(frozen=True, slots=True)
class InventorySource:
    """Where inventories may be: the file system, and the buckets of configured stores.

    Args:
        stores: every configured store's address, by its name.
        store: a store by its name.
    """

    stores: Mapping[str, Address]
    store: Callable[[str], Store]

    def manifest(self, place: str) -> bytes:
        """The manifest at a path or a URL. Raises ConfigError where nothing is there, or nobody may look."""
        body = bytearray()
        for piece in self._url(place) if "://" in place else _file(Path(place)):
            body += piece
            if len(body) > _LARGEST:
                raise ConfigError([f"--source-inventory {place}: too large to be a manifest.json"])
        return bytes(body)

    def opener(self, place: str, bucket: str) -> Callable[[str], Iterator[bytes]]:
        """Gives the manifest's files by the names that it has for them: beside it on disk, or in its own bucket."""
        if "://" not in place:
            return lambda name: _file(_beside(Path(place), name))
        scheme, _, rest = place.partition("://")
        own_bucket = rest.partition("/")[0]
        return lambda name: self._url(f"{scheme}://{bucket or own_bucket}/{name}")

    def _url(self, url: str) -> Iterator[bytes]:
        scheme, _, rest = url.partition("://")
        bucket, _, key = rest.partition("/")
        for name, address in self.stores.items():
            named = address.scheme == scheme and bucket in (address.bucket, f"{address.bucket}@{address.namespace}")
            if named and key.startswith(address.prefix):
                return _object(self.store(name), key[len(address.prefix) :])
        raise ConfigError(
            [f"{url}: no configured store reaches it: add one for the bucket {bucket} to the configuration"]
        )


def _object(store: Store, key: str) -> Iterator[bytes]:
    info = store.look(key)
    if info is None:
        raise ConfigError([f"{store.address.of(key)}: there is no such object"])
    for start in range(0, info.size, _BLOCK):
        yield bytes(store.read(info, start, min(_BLOCK, info.size - start)))


def _file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(_BLOCK):
                yield piece
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error


def _beside(path: Path, name: str) -> Path:
    """A file of the manifest at *path*, copied beside it or with the folders of its bucket. Never outside of them."""
    last = name.rpartition("/")[2]
    folder = path.parent
    known = (folder / last, folder / "data" / last, folder.parent / "data" / last, folder / "files" / last)
    return next((one for one in known if one.is_file()), folder / last)


def with_inventory(wish: Wish, place: str, shelf: InventorySource, store: Address, folder: Path) -> Wish:
    """The wish with the source's side out of the inventory whose manifest is at *place*.

    Args:
        store: the source's.
        folder: for the sorted objects; must last as long as the wish is worked on.

    Raises:
        ConfigError: it is not to be had.
        BadEvent: it is no inventory, or that of another bucket.
    """
    contents = manifest(shelf.manifest(place), place)
    if not contents.files:
        raise BadEvent(f"{place}: the inventory has no file, which is not the same as an empty bucket")
    within = wish.route.strip_prefix + wish.prefix.removeprefix(wish.route.strip_prefix)
    objects = Inventory(contents, shelf.opener(place, contents.bucket), store, folder).objects()
    held = SortedFile((info for info in objects if info.key.startswith(within)), folder)

    def listing(after: str) -> Iterator[Rows]:
        return in_chunks(held.listing(after))

    def side(span: Span, skip: Callable[[str], bool]) -> Side:
        rest = within[len(wish.route.strip_prefix) :]
        return Side(place, wish.route.strip_prefix, span, listing, None, skip, rest)

    return wish.out_of(side, f"{place} {contents.files[0].name}")
