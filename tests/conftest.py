"""What all tests have in common: here, because under xdist it is the controller that writes the summary."""

import gc
import os
import shutil
import sys
import tempfile

import pytest

import order

# Hypothesis would import trio, which a library brought along, in each process: a sixth of a second for nothing.
os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"
from hypothesis import given, settings, strategies

# No property is about how long a step takes: on a busy machine Hypothesis's 200 ms would be, at random.
settings.register_profile("bucketrelay", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=300)  # for `make slow`
settings.load_profile("bucketrelay")

# The suite of `bucketrelay.testing` is no test module of ours, and still says what was compared.
pytest.register_assert_rewrite("bucketrelay.testing.contract")

# Looking for garbage while some ten thousand tests are collected finds none, and goes through all of them each time.
gc.disable()

# Whatever a test writes is searched for the secrets that the tests use.
pytest_plugins = ["security.leaks"]


_MEMORY, _ROOM = "/dev/shm", 4 << 30  # bytes; a run holds half of one GiB at most


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Folders of tests are in memory, where there is room: those of the slow ones hold gigabytes.

    On a disk a tenth of a run's work is to sync and remove what is in some 3,000 of them, and the disk is waited for.
    """
    if "TMPDIR" in os.environ or "not slow" not in config.option.markexpr or not os.access(_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(_MEMORY).free >= _ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = _MEMORY  # for processes, and for this one, which has looked it up


def pytest_collection_finish():
    """All that was collected stays until the end: no need to look for garbage in it, again and again."""
    # Hypothesis makes its own generator with the first example, and warns where it sees nobody hold it. Python 3.14
    # does not see that of what holds it once that is frozen: so it is made before.
    given(strategies.none())(lambda _: None)()
    gc.freeze()
    if backends := sys.modules.get("moto.backends"):
        # For each request moto lists its 180 folders anew, and asks the disk what each is: a sixth of a request's cost.
        folders = frozenset(backends.list_of_moto_modules())
        backends.list_of_moto_modules = lambda: folders


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop():
    """From here on garbage is made. Called in the controller too, which collects nothing itself.

    Looked for after each 700 objects, as Python does, it took a sixth of a run: what tests import late (moto, botocore,
    oci) is gone through again and again, and most garbage is in no circle.
    """
    gc.set_threshold(50_000, 10, 10)
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish():
    """Once more, for what a circle leaves open; pytest goes on to look five times more, and Python at its exit."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items):
    """The order in which modules are handed out."""
    items.sort(key=lambda item: order.place(item.nodeid))


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_xdist_auto_num_workers(config):
    """What `-n auto` means."""
    return order.processes(config.option.markexpr)


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadgroup` a module is one process's: what it makes once for all its tests is made once.

    xdist's own scheduler reads the groups from an attribute that pytest 9.2 no longer has, and so has none at all.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return order.group(nodeid)

    config.option.loadscopereorder = False
    return ByModule(config, log)


def pytest_terminal_summary(terminalreporter):
    """What each walk of `tests/faults/` has covered: a number that shrinks is worth a question."""
    reports = [r for r in terminalreporter.stats.get("passed", []) if getattr(r, "when", "") == "call"]
    lines = [
        (r.nodeid.partition("::")[2], text) for r in reports for name, text in r.user_properties if name == "walked"
    ]
    if lines:
        terminalreporter.section("schedules walked")
    for name, text in lines:
        terminalreporter.line(f"{name}: {text}")
