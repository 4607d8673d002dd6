"""A pytest plugin, loaded with `-p mutants.witness`: whose code ran, and which test was the first to fail.

It tells that as JSON in the file that MUTANTS_WITNESS names, already while the tests run: a hang may leave no other
trace. MUTANTS_PACKAGE is the folder that `bucketrelay` must have been imported from.
"""

import json
import os
import sys
from pathlib import Path

_said = {"running": "", "failed": "", "words": "", "foreign": []}


def pytest_runtest_logstart(nodeid):
    _say(running=nodeid)


def pytest_runtest_logreport(report):
    if report.failed and not _said["failed"]:
        _say(failed=report.nodeid, words=str(report.longrepr)[-2000:])


def pytest_collectreport(report):
    if report.failed:
        _say(words=str(report.longrepr)[-2000:])


def pytest_sessionfinish():
    home = Path(os.environ["MUTANTS_PACKAGE"])
    files = [
        Path(module.__file__ or "")
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == "bucketrelay"
    ]
    _say(foreign=[str(file) for file in files if home not in file.parents], running="")


def pytest_unconfigure(config):
    """Threads that a changed core has left hanging must not keep the process."""
    if _said["failed"]:
        sys.stdout.flush()
        os._exit(1)


def _say(**news):
    _said.update(news)
    Path(os.environ["MUTANTS_WITNESS"]).write_text(json.dumps(_said))
