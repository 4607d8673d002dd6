"""What a function must have for a configuration to run in it. Pure."""

from bucketrelay.clouds.bucket import Fact, Need
from bucketrelay.store import MiB

# An interpreter with one cloud's SDK and a client takes 35 to 60 MB, with two clouds' some 90; then there are requests
# under way, TLS, and what the platform's own runtime takes.
_BESIDE = 128 * MiB
_SHORT = 60  # seconds: with less, a large object goes on over very many invocations


def seconds(name: str, given: int, need: Need, *, most: int) -> Fact:
    """Whether a function's timeout leaves time to work.

    Args:
        most: seconds that the platform allows.
    """
    if given <= need.margin:
        remedy = f"raise the function's timeout (at most {most} s), or lower [limits].margin"
        return Fact(False, f"{name}: {given} s, of which margin = {need.margin:g} keeps back all", remedy)
    if given < _SHORT:
        remedy = f"raise the function's timeout to {_SHORT} s or more (at most {most} s)"
        return Fact(None, f"{name}: {given} s are few: large objects go on over many invocations", remedy)
    return Fact(True, f"{name}: {given} s")


def memory(name: str, given: int, need: Need) -> Fact:
    """Whether a function's memory, in MiB, holds what the configuration lets it hold."""
    wanted = -(-(need.memory + _BESIDE) // MiB)
    if given < wanted:
        remedy = f"raise the function's memory to {wanted} MB, or lower [limits].memory"
        return Fact(False, f"{name}: {given} MB, and [limits].memory = {need.memory // MiB} MiB with the rest", remedy)
    return Fact(True, f"{name}: {given} MB")
