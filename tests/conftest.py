"""What all tests have in common: here, because under xdist it is the controller that writes the summary."""

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
