"""What all tests have in common: here, because under xdist it is the controller that writes the summary."""

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
