"""Rigs for what rclone reaches: a directory, and a bucket of an S3 server, both through one `rclone rcd`."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.clouds.rclone.daemon import Rclone
from bucketrelay.clouds.rclone.store import RcloneStore
from bucketrelay.model import Address

_numbers = itertools.count()
LACKS = {
    "expires": "rclone knows no Expires",
    "keys below keys": "a file cannot be a directory there",
}
MERGES = {"copies": "rclone serve s3 keeps the old metadata of what it copies"}
HEADERS = dict.fromkeys(
    ["value ' padded '", "value 'line\\nbreak'", "value '\\x7f'"],
    "rclone hands values to S3 as headers, uncoded; ours have no such characters",
)
ODD = (
    "rclone takes keys for paths",
    lambda key: (
        len(key.encode()) > 1000 or any(part in ("", ".", "..") or len(part.encode()) > 240 for part in key.split("/"))
    ),
)


@contextmanager
def daemon(remotes: dict[str, dict[str, str]]) -> Iterator[Rclone]:
    """An rclone that knows *remotes* by its environment alone."""
    told = {f"RCLONE_CONFIG_{n.upper()}_{k.upper()}": v for n, told in remotes.items() for k, v in told.items()}
    made = Rclone(config=os.devnull, environ={**os.environ, **told})
    try:
        yield made
    finally:
        made.close()


def directory(place: Path) -> dict[str, str]:
    return {"type": "alias", "remote": str(place)}


def server(url: str, access: str, secret: str, provider: str = "Other") -> dict[str, str]:
    keys = {"access_key_id": access, "secret_access_key": secret, "region": "us-east-1"}
    return {"type": "s3", "provider": provider, "endpoint": url, "force_path_style": "true", **keys}


def store(rclone: Rclone, remote: str, path: str, spool: Path) -> RcloneStore:
    folder = spool / remote
    folder.mkdir(parents=True, exist_ok=True)
    at = Address("rclone", remote, prefix=path)
    return RcloneStore(at, rclone, lambda: LocalStore(Address("file", str(folder), prefix=path)))


def arguments(rclone: Rclone, remote: str, bucket: str, beside: str, spool: Path) -> dict[str, Any]:
    """What a rig is made of, of two places of one remote."""
    return {
        "make": lambda prefix: store(rclone, remote, f"{bucket}/{prefix}", spool),
        "missing": lambda: store(rclone, remote, "no-such-bucket/", spool),
        "beside": lambda: store(rclone, remote, f"{beside}/", spool),
    }
