"""Which adapter wires which store; made from the store's configuration, and connected to nothing yet."""

from collections.abc import Callable, Mapping
from typing import Any

from bucketrelay.config import Secret, StoreConfig
from bucketrelay.wire import Cloud


def cloud(found: StoreConfig) -> Cloud | None:
    """The adapter; None where a store is in no cloud: a directory has no events."""
    make = _MAKERS.get(found.address.scheme)
    return (
        make(found, {n: v.reveal() if isinstance(v, Secret) else v for n, v in found.options.items()}) if make else None
    )


def _s3(found: StoreConfig, options: Mapping[str, Any]) -> Cloud:
    from bucketrelay.stores.s3_client import Access  # noqa: PLC0415 — a command imports only what its stores need
    from bucketrelay.wire.s3 import S3Cloud  # noqa: PLC0415 — as above

    texts = {n: options.get(n, "") for n in ("endpoint", "region", "access_key", "secret_key", "session_token")}
    more = {n: options.get(n, "") for n in ("profile", "ca_file")}
    return S3Cloud(found.address, Access(**texts, **more, path_style=options.get("path_style"), **_patience(options)))


def _obs(found: StoreConfig, options: Mapping[str, Any]) -> Cloud:
    from bucketrelay.stores.obs_access import Access  # noqa: PLC0415 — a command imports only what its stores need
    from bucketrelay.wire.obs import ObsCloud  # noqa: PLC0415 — as above

    texts = {n: options.get(n, "") for n in ("access_key", "secret_key", "region", "ca_file")}
    endpoint = options.get("endpoint") or f"https://obs.{texts['region']}.myhuaweicloud.com"
    access = Access(
        endpoint=endpoint,
        security_token=options.get("session_token", ""),
        keys=None,
        path_style=options.get("path_style", False),
        timeout=options.get("timeout", _TIMEOUT),
        **texts,
    )
    return ObsCloud(found.address, access)


def _oci(found: StoreConfig, options: Mapping[str, Any]) -> Cloud:
    from bucketrelay.stores.oci_client import Access  # noqa: PLC0415 — a command imports only what its stores need
    from bucketrelay.wire.oci import OciCloud  # noqa: PLC0415 — as above

    names = ("region", "endpoint", "auth", "config_file", "profile", "user", "tenancy", "fingerprint", "key_file")
    texts = {name: options.get(name, "") for name in (*names, "ca_file")}
    access = Access(**texts, timeout=options.get("timeout", _TIMEOUT))
    return OciCloud(found.address, access, options.get("compartment", ""))


def _patience(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"timeout": options.get("timeout", _TIMEOUT), "retries": options.get("retries", 2)}


_TIMEOUT = 10.0  # seconds, as the stores'
_MAKERS: Mapping[str, Callable[[StoreConfig, Mapping[str, Any]], Cloud]] = {"s3": _s3, "obs": _obs, "oci": _oci}
