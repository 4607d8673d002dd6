"""An archive's stores, each seen through its receivers' headers, by their names in the configuration."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence

from bucketrelay.clouds.crypt4gh.header import PrivateKey
from bucketrelay.clouds.crypt4gh.store import Header, ReencryptedStore
from bucketrelay.store import Store

_REMEMBERED = 10_000  # headers, a few hundred bytes each


class Views:
    """Stores by name: those in *archives* through new headers, all others as they are.

    Args:
        stores: by their names.
        key: opens the archive's headers.
        receivers: public keys.
    """

    def __init__(
        self, stores: Callable[[str], Store], archives: Collection[str], key: PrivateKey, receivers: Sequence[bytes]
    ) -> None:
        self._stores, self._archives, self._key, self._receivers = stores, frozenset(archives), key, tuple(receivers)
        self._made: dict[str, ReencryptedStore] = {}
        self._headers: OrderedDict[tuple[str, str], Header] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> Store:
        """The store of that name, as a task sees it."""
        if name not in self._archives:
            return self._stores(name)
        inner = self._stores(name)
        with self._lock:
            if name not in self._made:
                self._made[name] = ReencryptedStore(
                    inner, self._key, self._receivers, lambda key: self._header(name, key)
                )
            return self._made[name]

    def remember(self, name: str, key: str, raw: bytes, size: int | None) -> None:
        """The header of an object whose body alone is in the store, and how long that body should be."""
        with self._lock:
            self._headers[name, key] = Header(raw, size)
            while len(self._headers) > _REMEMBERED:
                self._headers.popitem(last=False)

    def _header(self, name: str, key: str) -> Header | None:
        with self._lock:
            return self._headers.get((name, key))
