"""What all tests have in common: here, because under xdist it is the controller that writes the summary."""

import gc

import pytest
from hypothesis import settings

# No property is about how long a step takes: on a busy machine Hypothesis's 200 ms would be, at random.
settings.register_profile("bucketrelay", deadline=None, max_examples=25)
settings.register_profile("thorough", deadline=None, max_examples=300)  # for `make slow`
settings.load_profile("bucketrelay")

# The suite of `bucketrelay.testing` is no test module of ours, and still says what was compared.
pytest.register_assert_rewrite("bucketrelay.testing.contract")

# Whatever a test writes is searched for the secrets that the tests use.
pytest_plugins = ["security.leaks"]


# Folders whose modules wait for other processes, or take seconds each: begun first, so that none of them is the last.
LONG = (
    "contracts",
    "messages",
    "storms",
    "functions",
    "deploy",
    "security",
    "jobs",
    "page",
    "faults",
    "templates",
    "reconcile",
)
# Modules that share what is dear: one process brings the clouds up, once.
TOGETHER = {f"tests/security/test_{name}.py": "security" for name in ("forged", "injection", "permissions")}


def pytest_collection_finish():
    """All that was collected stays until the end: no need to look for garbage in it, again and again."""
    gc.freeze()


def pytest_collection_modifyitems(items):
    """The order in which modules are handed out."""
    items.sort(
        key=lambda item: next((at for at, name in enumerate(LONG) if f"tests/{name}/" in item.nodeid), len(LONG))
    )


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
            module = nodeid.partition("::")[0]
            return TOGETHER.get(module, module)

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
