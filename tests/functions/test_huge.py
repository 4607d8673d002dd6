"""An object larger than the function's memory, time and disk arrives whole, over as many invocations as it takes."""

import re
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from bucketrelay_emulators.engine.faults import ALWAYS, Fault
from functions.abyss import Abyss, well
from functions.runtimes import FunctionError, FunctionGraphRuntime
from functions.test_answers import obs_event
from functions.three_clouds import ROOT, TARGET, toml

MiB, GiB = 1 << 20, 1 << 30
PART = 10 * MiB  # OCI takes no smaller ones
MARGIN = 30  # seconds to end in, which are not used up: a busy machine may take more than one
LIMITS = f'[limits]\nmemory = "40MiB"\npart_size = "8MiB"\nconcurrency = 4\nmargin = {MARGIN}\n'


@pytest.mark.parametrize(
    ("size", "seconds", "reads"),
    [
        # The source answers eight reads, and then nobody, until the first invocation has given up: no machine is so
        # fast that it needs one invocation only, and none so slow that it matters.
        (160 * MiB + 7, MARGIN + 3, 8),
        pytest.param(10 * GiB, MARGIN + 9, None, marks=pytest.mark.slow),
    ],
)
def test_a_huge_object_arrives_whole_over_several_invocations(size, seconds, reads):
    with well(size) as (obs, _, views):
        target = views["oci"].bucket(TARGET)
        text = toml({**views, "s3": views["oci"]}, "obs") + LIMITS
        text = text.replace('targets = ["to-obs", "to-oci", "to-s3"]', 'targets = ["to-oci"]')
        with FunctionGraphRuntime(
            ROOT / "functions/obs_trigger", paths=[ROOT / "shared"], env={"BUCKETRELAY_TOML": text}
        ) as function:
            function.invoke(obs_event("small"), timeout=MARGIN + 60)  # warm: SDKs imported, connections made
            abyss = Abyss(target, PART)
            with held(obs.faults, reads):
                invocations = 0 if reads is None else out_of_time(function, seconds)
            invocations += until_done(function, seconds if reads is None else MARGIN + 60)
            peak = high_water(function._child._process.pid)
        left = list(target.uploads.list())
        checkpoints = [o.key for o in views["oci"].bucket("log-bucket").list() if o.key.startswith("checkpoints/")]

    assert abyss.wrong == []
    assert abyss.published == size
    parts = -(-size // PART)
    assert set(abyss.sent) == set(range(1, parts + 1))
    # A part whose answer was still on its way at a deadline may be sent again: one for each thread and invocation.
    assert len(abyss.sent) <= parts + 4 * (invocations - 1)
    assert invocations > 1
    assert left == []
    assert checkpoints == []
    assert peak < 128 * MiB, f"{peak / MiB:.0f} MiB"
    print(f"{size} bytes in {invocations} invocations of {seconds} s, the whole process at most {peak / MiB:.0f} MiB")


@contextmanager
def held(faults, reads):
    """Within, the source answers *reads* more requests for objects and lets the others wait; None: it answers all."""
    gate = threading.Event()
    if reads is not None:
        faults.order(Fault(operation="GetObject", kind="delay", until=gate, times=ALWAYS, skip=reads))
    try:
        yield
    finally:
        faults.clear()
        gate.set()


def out_of_time(function, seconds):
    with pytest.raises(FunctionError, match="OutOfTime"):
        function.invoke(obs_event("huge"), timeout=seconds)
    return 1


def until_done(function, seconds):
    """How often the platform had to deliver the event."""
    for number in range(1, 500):
        try:
            answer = function.invoke(obs_event("huge"), timeout=seconds)
        except FunctionError as error:
            if "OutOfTime" not in str(error.payload):
                raise
        else:
            assert answer["copied"] == 1
            return number
    pytest.fail("it never ends")


def high_water(pid):
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("the peak is read where Linux keeps it")
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) * 1024
