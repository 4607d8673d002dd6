"""Configuration to stores: each made at first use, of the class that its scheme names, and kept for the process."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from bucketrelay.abilities import PartStore, connects
from bucketrelay.config import Secret, StoreConfig
from bucketrelay.core import crew
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.http.pace import SELDOM, Pace
from bucketrelay.model import Address
from bucketrelay.store import Store

Keys = tuple[str, str, str]  # access key, secret key, security token
NO_KEYS: Keys = ("", "", "")


class Stores:
    """The configured stores by name, each made at first use and kept."""

    def __init__(self, configured: Mapping[str, StoreConfig], keys: Callable[[], Keys], log: str = "") -> None:
        self._configured, self._keys, self._log = configured, keys, log
        self._made: dict[str, Store] = {}
        self._paces: dict[tuple[str, object], Pace] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections; a store that is used again opens new ones."""
        with self._lock:
            for made in self._made.values():
                if hasattr(made, "close"):
                    made.close()

    def connect(self, names: Iterable[str]) -> None:
        """Open a connection to each that nobody has used yet, side by side, while something else is waited for."""
        for name in names:
            if name in self._made:
                continue
            with suppress(RelayError):  # which its first task will be told
                store = self.get(name)
                if connects(store) and (work := store.handshake()):
                    crew.begin(work, 1)

    def get(self, name: str) -> Store:
        """The store; the same one for the same name. Raises ConfigError where none is configured by that name."""
        with self._lock:
            if name not in self._configured:
                raise ConfigError([f"no store is named {name!r}: was it renamed or removed from the configuration?"])
            if name not in self._made:
                configured = self._configured[name]
                self._made[name] = _store(configured, self._keys, self._pace(name, configured))
            return self._made[name]

    def _pace(self, name: str, configured: StoreConfig) -> Pace:
        """That of the server, which its stores share; the log store has its own.

        Lists must not wait for what some bucket on the same server has refused.
        """
        return Pace(least=SELDOM) if name == self._log else self._paces.setdefault(_server(configured), Pace())


def _server(configured: StoreConfig) -> tuple[str, object]:
    """What the stores have in common that share one limit of requests."""
    return configured.address.scheme, configured.options.get("endpoint") or configured.options.get("region", "")


def _store(configured: StoreConfig, keys: Callable[[], Keys], pace: Pace) -> Store:
    options = {n: v.reveal() if isinstance(v, Secret) else v for n, v in configured.options.items()}
    for name in ("event_keys", "coms_id", "coms_bucket_id"):  # of events and of the inventory, not of the store
        options.pop(name, None)
    try:
        return _MAKERS[configured.address.scheme](configured, {**options, "pace": pace}, keys)
    except ModuleNotFoundError as error:
        scheme, lacks = configured.address.scheme, f"{error.name} is not here"
        remedy = f"build the archive with --config or --stores {scheme}, or install bucketrelay's extra `{scheme}`"
        raise ConfigError(
            [f"stores.{configured.name}: {scheme}:// stores need what was left out, {lacks}: {remedy}"]
        ) from error


def _s3(configured: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.aws.store import s3_store  # a function imports only what its routes need

    return s3_store(configured.address, **options)  # type: ignore[arg-type]  # config has checked every option's type


def _obs(configured: StoreConfig, options: dict[str, object], keys: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.huawei.store import obs_store  # a function imports only what its routes need

    return obs_store(configured.address, keys=keys, **options)  # type: ignore[arg-type]  # config has checked every option's type


def _oci(configured: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.oracle.store import oci_store  # a function imports only what its routes need

    return oci_store(configured.address, **options)  # type: ignore[arg-type]  # as above


def _local(configured: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.local.store import LocalStore  # a function imports only what its routes need

    del options  # nothing of a connection applies to a directory
    return LocalStore(configured.address)


def _rclone(configured: StoreConfig, options: dict[str, object], _: Callable[[], Keys]) -> Store:
    from bucketrelay.clouds.rclone.daemon import shared_daemon  # a function imports only what its routes need
    from bucketrelay.clouds.rclone.store import RcloneStore

    rclone = shared_daemon(str(options.get("binary", "")), str(options.get("config", "")))
    return RcloneStore(configured.address, rclone, lambda: _spool(configured.address))


def _spool(address: Address) -> PartStore:
    """Where the parts of objects are gathered that go through rclone: this user's, on this machine."""
    import tempfile  # 5 ms that only rclone needs

    from bucketrelay.clouds.local.store import LocalStore  # as above

    place = Path(tempfile.gettempdir()) / f"bucketrelay-{os.getuid()}" / "parts" / address.bucket
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalStore(Address("file", str(place), prefix=address.prefix))


_MAKERS: dict[str, Callable[[StoreConfig, dict[str, object], Callable[[], Keys]], Store]] = {
    "s3": _s3,
    "obs": _obs,
    "oci": _oci,
    "file": _local,
    "rclone": _rclone,
}
