"""How many processes run the tests, and in which order modules are handed out to them: the one place that decides it.

Some tests compute, others wait for processes of their own, for a broker, for time that has to pass. A core is idle only
where all who have it wait. So there are three processes for each core (with two, a fifth of the time of two cores was
left over), and of the modules that take longest one that waits and one that computes go out in turn; what is short
comes after them, and none of the long ones is the last.
"""

import os
from collections.abc import Sequence
from itertools import chain, zip_longest

# Modules of three seconds and more, or of two in one test, longest first, as `--durations=0` tells of a quiet machine.
THAT_WAIT = """
messages/test_dataset_sync messages/test_failures functions/test_deferred messages/test_sqs jobs/test_chaos
jobs/test_serve messages/test_copier jobs/test_commands messages/test_broker page/test_redo messages/test_dataset_killed
messages/test_receiving jobs/test_worker messages/test_copier_killed messages/test_doctor functions/test_huge
functions/test_fn_runtime functions/test_runtimes security/test_secrets page/test_page unit/test_traces
unit/core/test_writes unit/stores/test_s3_traps jobs/test_openapi observed/test_lag page/test_hostile
"""
THAT_COMPUTE = """
faults/test_convergence contracts/test_stores deploy/test_build faults/matrix/test_matrix unit/test_doctor
security/test_forged fuzz/test_parsers functions/test_vanished functions/test_answers contracts/test_pairs
jobs/test_inventory faults/test_poisoned templates/test_cloudformation payloads/test_event_fuzz functions/test_memory
faults/test_large unit/stores/test_oci_traps faults/test_meeting unit/test_demo unit/test_cli contracts/test_versions
house/test_layers payloads/test_event_keys faults/test_circles unit/wire/test_wire_s3 unit/reconcile/test_streams
"""
WAITING, COMPUTING = THAT_WAIT.split(), THAT_COMPUTE.split()
# Modules that share what is dear: one process brings the clouds up, once.
TOGETHER = {f"tests/security/test_{name}.py": "security" for name in ("forged", "injection", "permissions")}

_TURNS = [name for name in chain.from_iterable(zip_longest(WAITING, COMPUTING)) if name]
_PLACES = {f"tests/{name}.py": place for place, name in enumerate(_TURNS)}
_LEAST = 1 << 30  # bytes of memory for a process: the largest walk of `faults/` holds most of that


def group(node: str) -> str:
    """What a test is handed out together with: its module, or several."""
    module = node.partition("::")[0]
    return TOGETHER.get(module, module)


def place(node: str) -> tuple[int, str]:
    """A test's place in the order, by its group: the long ones, then folder by folder."""
    module = node.partition("::")[0]
    return _PLACES.get(module, len(_PLACES)), module.rpartition("/")[0]


def processes(marks: str) -> int:
    """How many processes run the tests that a mark expression chooses.

    The slow ones compute, and what they hold in memory is measured: one for each core.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    wanted = cores if marks == "slow" else 3 * cores
    return max(1, min(wanted, memory // _LEAST))


def unknown(modules: Sequence[str]) -> list[str]:
    """What the lists name and is none of the *modules*, which are paths as in a test's name."""
    return sorted({*_PLACES, *TOGETHER} - set(modules))
