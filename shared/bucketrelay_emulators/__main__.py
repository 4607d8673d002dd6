"""`python -m bucketrelay_emulators obs --port 9001 --bucket b`: an emulator, or a proxy, until SIGINT or SIGTERM."""

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, get_args

from bucketrelay_emulators.engine.faults import ALWAYS, Fault, FaultKind

_HOMES = {
    "obs": ("bucketrelay_emulators.obs.emulator", "ObsEmulator"),
    "oci": ("bucketrelay_emulators.oci.emulator", "OciEmulator"),
    "proxy": ("bucketrelay_emulators.proxy", "FaultProxy"),
}
_NUMBERS: dict[str, Callable[[str], float]] = {
    "status": int,
    "rate": float,
    "after_bytes": int,
    "seconds": float,
    "times": int,
    "skip": int,
}
_TOLD = ("kind", "method", "operation", "key", "code", "message", *_NUMBERS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    given = _parser().parse_args(arguments)
    module, name = _HOMES[given.service]
    made = getattr(import_module(module), name)
    try:
        running: Any = made(given.upstream, port=given.port) if given.service == "proxy" else made(port=given.port)
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{given.service}: {error}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with running:
        for bucket in getattr(given, "bucket", ()):
            running.create_bucket(bucket)
        for fault in getattr(given, "fault", ()):
            running.faults.order(fault)
        sys.stdout.write(_greeting(given, running))
        sys.stdout.flush()
        stop.wait()
    return 0


def parse_fault(text: str) -> Fault:
    """The fault in `kind=refuse,operation=PutObject,status=503,times=3`; `times` may be `always`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    given: dict[str, Any] = {}
    for pair in text.split(","):
        name, equals, value = pair.partition("=")
        if not equals or name not in _TOLD:
            raise argparse.ArgumentTypeError(f"{pair!r} is not name=value with a name of {', '.join(_TOLD)}")
        given[name] = _number(name, value) if name in _NUMBERS else value
    if given.get("kind", "refuse") not in (kinds := [kind for kind in get_args(FaultKind) if kind != "act"]):
        raise argparse.ArgumentTypeError(f"kind={given['kind']} is none of {', '.join(kinds)}")
    return Fault(**given)


def _number(name: str, value: str) -> float:
    if (name, value) == ("times", "always"):
        return ALWAYS
    try:
        return _NUMBERS[name](value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{name}={value}: that is no number") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bucketrelay_emulators", description=__doc__)
    services = parser.add_subparsers(dest="service", required=True, metavar="SERVICE")
    for service, what in (("obs", "Huawei OBS"), ("oci", "Oracle OCI Object Storage")):
        command = services.add_parser(service, help=f"{what}, in memory, on 127.0.0.1")
        command.add_argument("--port", type=int, default=0, help="0 takes a free one (the default)")
        command.add_argument("--bucket", action="append", default=[], help="make this bucket; may be repeated")
    proxy = services.add_parser(
        "proxy", help="a proxy that lets things go wrong, in front of any S3, OBS or OCI server"
    )
    proxy.add_argument("--upstream", required=True, help="http://host:port of the server")
    proxy.add_argument("--port", type=int, default=0, help="0 takes a free one (the default)")
    proxy.add_argument(
        "--fault",
        type=parse_fault,
        action="append",
        default=[],
        metavar="NAME=VALUE,…",
        help="kind=refuse,operation=PutObject,status=503,times=3; may be repeated",
    )
    return parser


def _greeting(given: argparse.Namespace, running: Any) -> str:
    what = f"in front of {running.upstream}" if given.service == "proxy" else "nothing is kept"
    lines = [f"{given.service} {'' if given.service == 'proxy' else 'emulator'}".strip() + f", local only, {what}"]
    lines.append(f"endpoint    {running.endpoint}")
    for label, attribute in (("access key", "access_key"), ("secret key", "secret_key"), ("config    ", "config_file")):
        if value := getattr(running, attribute, ""):
            lines.append(f"{label}  {value}")
    lines += [f"bucket      {bucket}" for bucket in getattr(given, "bucket", ())]
    lines += [f"fault       {_describe(fault)}" for fault in getattr(given, "fault", ())]
    return "\n".join(lines) + "\n"


def _describe(fault: Fault) -> str:
    """What was ordered, without what was left as it is."""
    usual = Fault()
    told = {name: getattr(fault, name) for name in _TOLD}
    said = {name: value for name, value in told.items() if name == "kind" or value != getattr(usual, name)}
    return ",".join(f"{name}={'always' if value == ALWAYS else value}" for name, value in said.items())


if __name__ == "__main__":
    sys.exit(main())
