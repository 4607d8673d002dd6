"""Local stand-ins of Huawei OBS and Oracle OCI Object Storage for demonstrations and tests; never in a function's zip.

Both speak HTTP, check their cloud's own signatures, keep their objects in memory and fail to order; `FaultProxy` makes
any other server fail to order. The names below are imported at first use: `ObsEmulator` wants nothing but the standard
library until it is asked for a client or for TLS.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bucketrelay_emulators.engine.engine import Engine
    from bucketrelay_emulators.engine.faults import Fault
    from bucketrelay_emulators.obs.emulator import ObsEmulator
    from bucketrelay_emulators.oci.emulator import OciEmulator
    from bucketrelay_emulators.proxy import FaultProxy

__all__ = ["Engine", "Fault", "FaultProxy", "ObsEmulator", "OciEmulator"]

_HOMES = {
    "Engine": "engine.engine",
    "Fault": "engine.faults",
    "FaultProxy": "proxy",
    "ObsEmulator": "obs.emulator",
    "OciEmulator": "oci.emulator",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"bucketrelay_emulators.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
