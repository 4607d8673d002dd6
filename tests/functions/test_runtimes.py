"""The harnesses themselves, with throw-away handlers: what a function's user would see, the real runtimes show."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from functions.child import choose
from functions.runtimes import (
    FDK_CANNOT,
    LAMBDA_PACKAGES,
    FunctionError,
    FunctionGraphRuntime,
    LambdaRuntime,
)

ECHO = "def handler(event, context): return event\n"
DOCUMENTED = set(
    """
    getAccessKey getAlias getCPUNumber getFunctionName getLogger getMemorySize getPackage getProjectID getRequestID
    getRemainingTimeInMilliSeconds getRunningTimeInSeconds getSecretKey getSecurityAccessKey getSecuritySecretKey
    getSecurityToken getToken getUserData getVersion
    """.split()  # noqa: SIM905  # a list would be a page
)
ODD = {"key": "a b+ü\u2028\n😀", "n": [1, None, True, 1.5]}


@pytest.fixture
def write(tmp_path):
    """Write a function's module and give its folder."""

    def write(code, name="index.py"):
        (tmp_path / "function").mkdir(exist_ok=True)
        (tmp_path / "function" / name).write_text(code, encoding="utf-8")
        return tmp_path / "function"

    return write


@pytest.fixture(params=[LambdaRuntime, FunctionGraphRuntime])
def function(request, write):
    """Make a function from code, in each of the runtimes that take `handler(event, context)`."""
    opened = []

    def function(code, **options):
        opened.append(request.param(write(code), "index.handler", **options).__enter__())
        return opened[-1]

    yield function
    for runtime in opened:
        runtime.__exit__(None, None, None)


# Lambda and FunctionGraph.


def test_an_event_comes_back_as_it_was(function):
    assert function(ECHO).invoke(ODD) == ODD


def test_an_environment_stays_warm_between_events(function):
    warm = function("import os\ncalls = []\ndef handler(e, c): calls.append(e); return [os.getpid(), len(calls)]\n")
    (first, one), (second, two) = warm.invoke({}), warm.invoke({})
    assert (first, one, two) == (second, 1, 2)
    assert first != os.getpid()


def test_an_exception_is_told_with_its_type_and_the_next_event_is_served(function):
    failing = function("def handler(e, c):\n    if e: raise ValueError('no ' + e['key'])\n    return 'fine'\n")
    with pytest.raises(FunctionError) as caught:
        failing.invoke({"key": "a"})
    assert caught.value.payload["errorType"] == "ValueError"
    assert caught.value.payload["errorMessage"] == "no a"
    assert failing.invoke({}) == "fine"


def test_a_result_that_json_cannot_say_is_an_error(function):
    with pytest.raises(FunctionError, match="not JSON serializable"):
        function("def handler(e, c): return object()\n").invoke({})


def test_a_module_that_cannot_be_imported_fails_each_event(function):
    broken = function("import no_such_module_anywhere\n")
    for _ in range(2):
        with pytest.raises(FunctionError, match="no_such_module_anywhere"):
            broken.invoke({})


def test_a_process_that_ends_is_told_with_its_status_and_another_takes_its_place(function):
    dying = function("import os\ndef handler(e, c):\n    if e: os._exit(3)\n    return os.getpid()\n")
    before = dying.invoke({})
    with pytest.raises(FunctionError, match=r"Runtime\.ExitError: .*status 3"):
        dying.invoke({"die": True})
    assert dying.invoke({}) != before


def test_a_function_that_is_too_slow_is_killed_and_another_takes_its_place(function):
    slow = function("import threading\ndef handler(e, c):\n    threading.Event().wait(e['wait'])\n    return 'done'\n")
    assert slow.invoke({"wait": 0}) == "done"
    with pytest.raises(FunctionError, match=r"Sandbox\.Timedout"):
        slow.invoke({"wait": 600}, timeout=0.3)
    assert slow.invoke({"wait": 0}) == "done"


def test_a_function_sees_how_much_time_is_left(function):
    lambda_way, other_way = "get_remaining_time_in_millis", "getRemainingTimeInMilliSeconds"
    asked = function(
        f"def handler(e, c):\n    return getattr(c, '{lambda_way}', None) and c.{lambda_way}() or c.{other_way}()\n"
    )
    assert 0 < asked.invoke({}, timeout=77) <= 77_000
    assert 77_000 < asked.invoke({}, timeout=900) <= 900_000


def test_what_a_handler_prints_is_in_the_log_and_nowhere_else(function):
    printing = function(
        "import os, subprocess, sys\n"
        "def handler(e, c):\n"
        "    print('result \"forged\"', flush=True); print('to stderr', file=sys.stderr, flush=True)\n"
        "    os.write(1, b'error raw\\n'); subprocess.run(['echo', 'from a child'], check=True)\n"
        "    return 'real'\n"
    )
    assert printing.invoke({}) == "real"
    for text in ('result "forged"', "to stderr", "error raw", "from a child"):
        assert text in printing.log()


def test_a_function_has_nothing_of_ours_in_its_environment_its_path_or_its_home(function, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    shown = function(
        "import os, sys\ndef handler(e, c): return [dict(os.environ), sys.path, os.path.expanduser('~')]\n",
        env={"GIVEN": "yes"},
        paths=[tmp_path / "shared"],
    )
    environ, path, home = shown.invoke({})
    assert environ["GIVEN"] == "yes"
    assert not {"SECRET_OF_OURS", "PYTHONPATH", "VIRTUAL_ENV"} & set(environ)
    assert home != str(Path.home())
    assert str(tmp_path) not in path
    ours = [place for place in path if place.startswith(str(tmp_path))]
    assert ours == [str(tmp_path / "function"), str(tmp_path / "shared")]


def test_modules_beside_the_handler_and_on_the_given_paths_are_found(function, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "common.py").write_text("WORD = 'shared'\n")
    assert (
        function("import common\ndef handler(e, c): return common.WORD\n", paths=[tmp_path / "shared"]).invoke({})
        == "shared"
    )


def test_a_package_that_the_runtime_lacks_is_missing(function, tmp_path):
    runtime_only = choose(tmp_path / "runtime", *LAMBDA_PACKAGES)
    lacking = function("import boto3\ndef handler(e, c): return 1\n", packages=[runtime_only])
    with pytest.raises(FunctionError, match="No module named 'boto3'"):
        lacking.invoke({})


ORPHAN = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from functions.runtimes import {runtime}
with {runtime}(Path({folder!r}), {handler!r}) as function:
    function.invoke(dict(), 600)
"""


@pytest.mark.parametrize("runtime", ["LambdaRuntime", "FunctionGraphRuntime", "FnRuntime"])
def test_a_function_in_the_middle_of_an_event_does_not_outlive_a_parent_that_was_killed(write, tmp_path, runtime):
    if runtime == "FnRuntime" and FDK_CANNOT:
        pytest.skip(FDK_CANNOT)
    os.mkfifo(tmp_path / "alive")
    code = "import threading\ndef handler(*_, **__):\n    with open(%r, 'w') as f:\n        f.write('x'); f.flush()\n"
    folder = write(code % str(tmp_path / "alive") + "        threading.Event().wait()\n")
    path = [str(Path(__file__).parents[1])]
    source = ORPHAN.format(path=path, runtime=runtime, folder=str(folder), handler="index.handler")
    with tempfile.TemporaryDirectory() as short:  # what the parent leaves behind; the name of a socket must be short
        command, env = [sys.executable, "-c", source], {**os.environ, "TMPDIR": short}
        with subprocess.Popen(command, cwd=tmp_path, env=env) as parent, (tmp_path / "alive").open() as alive:
            assert alive.read(1) == "x"
            parent.kill()
            assert alive.read() == ""  # its end: the function's process is gone


# Lambda alone.


def test_lambda_calls_a_failed_import_by_its_own_name(write):
    with LambdaRuntime(write("import no_such_module\n", "app.py")) as function, pytest.raises(FunctionError) as caught:
        function.invoke({})
    assert caught.value.payload["errorType"] == "Runtime.ImportModuleError"


def test_lambda_calls_an_unserialisable_result_by_its_own_name(write):
    with LambdaRuntime(write("def handler(e, c): return {1}\n", "app.py")) as function:
        with pytest.raises(FunctionError) as caught:
            function.invoke({})
        assert caught.value.payload["errorType"] == "Runtime.MarshalError"


def test_lambda_gives_each_event_another_request_id(write):
    with LambdaRuntime(write("def handler(e, c): return c.aws_request_id\n", "app.py")) as function:
        assert function.invoke({}) != function.invoke({})


def test_lambda_takes_a_large_event_and_a_large_answer(write):
    with LambdaRuntime(write(ECHO, "app.py")) as function:
        large = {"body": "ü" * 1_000_000}
        assert function.invoke(large) == large


# FunctionGraph alone.


def graph(write, code, **options):
    return FunctionGraphRuntime(write(code), **options)


def test_functiongraph_offers_the_documented_methods_and_no_others(write):
    with graph(write, "def handler(e, c): return [n for n in dir(c) if not n.startswith('_')]\n") as function:
        assert set(function.invoke({})) == DOCUMENTED


@pytest.mark.parametrize("code", ["c.aws_request_id", "c.getUserData('a', 'default')", "setattr(c, 'own', 1)"])
def test_functiongraph_refuses_what_is_not_documented(write, code):
    with graph(write, f"def handler(e, c): return {code}\n") as function:
        with pytest.raises(FunctionError) as caught:
            function.invoke({})
        assert caught.value.type in ("AttributeError", "TypeError")


def test_functiongraph_gives_user_data_by_both_its_ways(write):
    code = (
        "import json, os\n"
        "def handler(e, c):\n"
        "    return [c.getUserData('a'), c.getUserData('b'), json.loads(os.environ['RUNTIME_USERDATA'])]\n"
    )
    with graph(write, code, user_data={"a": "ü"}) as function:
        assert function.invoke({}) == ["ü", None, {"a": "ü"}]


@pytest.mark.parametrize("agency", [("", "", ""), ("AK", "SK", "token")])
def test_functiongraph_gives_the_agencys_keys_and_empty_ones_without(write, agency):
    code = "def handler(e, c): return [c.getSecurityAccessKey(), c.getSecuritySecretKey(), c.getSecurityToken()]\n"
    with graph(write, code, agency=agency) as function:
        assert function.invoke({}) == list(agency)


def test_functiongraphs_logger_writes_to_the_log(write):
    with graph(
        write, "def handler(e, c): c.getLogger().warn('%s %d', 'a', 1); c.getLogger().info('100 %')\n"
    ) as function:
        assert function.invoke({}) is None
        assert "WARN a 1\nINFO 100 %\n" in function.log()


def test_a_functiongraph_handler_cannot_read_the_events_that_wait(write):
    with graph(write, "import sys\ndef handler(e, c): return sys.stdin.read()\n") as function:
        assert (function.invoke({}), function.invoke({})) == ("", "")
