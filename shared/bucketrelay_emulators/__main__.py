"""`python -m bucketrelay_emulators obs --port 9001 --bucket b`: an emulator, until SIGINT or SIGTERM."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

_HOMES = {"obs": ("bucketrelay_emulators.obs", "ObsEmulator"), "oci": ("bucketrelay_emulators.oci", "OciEmulator")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = _parser().parse_args(arguments)
    module, name = _HOMES[given.service]
    emulator: Any = getattr(import_module(module), name)(port=given.port)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with emulator:
        for bucket in given.bucket:
            emulator.create_bucket(bucket)
        sys.stdout.write(_greeting(given.service, emulator, given.bucket))
        sys.stdout.flush()
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bucketrelay_emulators", description=__doc__)
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    for service, what in (("obs", "Huawei OBS"), ("oci", "Oracle OCI Object Storage")):
        command = services.add_parser(service, help=f"{what}, in memory, on 127.0.0.1")
        command.add_argument("--port", type=int, default=0, help="0 takes a free one (the default)")
        command.add_argument("--bucket", action="append", default=[], help="make this bucket; may be repeated")
    return parser


def _greeting(service: str, emulator: Any, buckets: Sequence[str]) -> str:
    lines = [f"{service} emulator, local only, nothing is kept", f"endpoint    {emulator.endpoint}"]
    for label, attribute in (("access key", "access_key"), ("secret key", "secret_key")):
        if value := getattr(emulator, attribute, ""):
            lines.append(f"{label}  {value}")
    lines += [f"bucket      {bucket}" for bucket in buckets]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
