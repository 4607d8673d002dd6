"""The fdk harness itself, with throw-away handlers: what Oracle's own runtime answers to what a handler does."""

import datetime as dt
import os
import subprocess
import sys
import time

import pytest

from functions.child import choose
from functions.runtimes import FDK_CANNOT, FN_PACKAGES, FnRuntime, FunctionError

ECHO = "def handler(ctx, data): return data.getvalue().decode()\n"


@pytest.fixture
def fn(tmp_path):
    """Make a function from code in fdk."""
    opened = []

    def fn(code, **options):
        folder = tmp_path / f"function{len(opened)}"
        folder.mkdir()
        (folder / "func.py").write_text(code, encoding="utf-8")
        opened.append(FnRuntime(folder, **options).__enter__())
        return opened[-1]

    yield fn
    for runtime in opened:
        runtime.__exit__(None, None, None)


def test_fdk_starts_on_each_python_that_it_is_run_on_here_and_on_no_other(tmp_path):
    (tmp_path / "func.py").write_text(ECHO, encoding="utf-8")
    start = "import sys, fdk, fdk.customer_code as code; fdk.handle(code.Function(sys.argv[1], 'handler'))"
    world = {name: value for name, value in os.environ.items() if not name.startswith("FN_")}
    ended = subprocess.run(
        [sys.executable, "-c", start, tmp_path / "func.py"], env=world, capture_output=True, text=True, check=False
    )
    assert ("no current event loop" if FDK_CANNOT else "FN_LISTENER is not set") in ended.stderr


def test_fdk_answers_with_the_text_of_the_result(fn):
    answer = fn(ECHO).invoke({"key": "a b+ü\u2028\n"})
    assert answer.status == 200
    assert answer.body.decode().isascii()  # JSON, as json.dumps wrote it
    assert "fn-fdk-version" in answer.headers
    assert fn(ECHO).invoke(b"\xc3\xbc raw").body.decode() == "ü raw"


def test_fdk_imports_the_module_once_and_at_the_first_event(fn):
    counting = fn(
        "print('imported', flush=True)\ncalls = []\ndef handler(ctx, data): calls.append(1); return len(calls)\n"
    )
    assert counting.log() == ""
    assert [counting.invoke({}).body for _ in range(3)] == [b"1", b"2", b"3"]
    assert counting.log().count("imported") == 1


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        ("raise ValueError('no such key')", 502, b"no such key"),
        ("raise TimeoutError('out of time')", 504, b"out of time"),
        ("return Response(ctx, 'x', status_code=500)", 200, b"x"),
        ("return Response(ctx, 'x', status_code=429)", 200, b"x"),
        ("return Response(ctx, 'x', status_code=502)", 502, b"x"),
        ("return Response(ctx, 'x', status_code=504)", 504, b"x"),
        ("return {'a': 1}", 200, b"{'a': 1}"),
    ],
)
def test_fdk_answers_with_its_own_statuses_and_lives_on(fn, code, status, body):
    function = fn(f"import os\nfrom fdk.response import Response\ndef handler(ctx, data):\n    {code}\n")
    for _ in range(2):
        answer = function.invoke({})
        assert (answer.status, answer.body) == (status, body)


def test_fdk_answers_502_to_a_module_that_cannot_be_imported(fn):
    answer = fn("import no_such_module_anywhere\n").invoke({})
    assert answer.status == 502
    assert b"no_such_module_anywhere" in answer.body


def test_fdk_tells_the_deadline_and_the_headers_that_were_sent(fn):
    asked = fn("def handler(ctx, data): return ctx.Deadline() + ' ' + ctx.Headers().get('opc-request-id', '')\n")
    deadline, _, sent = asked.invoke({}, deadline=100, headers={"Opc-Request-Id": "r1"}).body.decode().partition(" ")
    left = (
        dt.datetime.strptime(deadline, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.timezone.utc).timestamp() - time.time()
    )
    assert 0 < left <= 100
    assert sent == "r1"


def test_fdk_has_its_configuration_in_the_environment_and_nothing_of_ours(fn, monkeypatch):
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    shown = fn(
        "import json\ndef handler(ctx, data): return json.dumps(dict(ctx.Config()))\n", env={"GIVEN": "yes"}
    ).invoke({})
    assert b'"GIVEN": "yes"' in shown.body
    assert b"SECRET_OF_OURS" not in shown.body


def test_an_fdk_process_that_ends_is_told_with_its_status_and_another_takes_its_place(fn):
    dying = fn(
        "import os\ndef handler(ctx, data):\n    if data.getvalue() == b'die': os._exit(3)\n    return os.getpid()\n"
    )
    before = dying.invoke(b"").body
    with pytest.raises(FunctionError, match="status 3"):
        dying.invoke(b"die")
    assert dying.invoke(b"").body not in (b"", before)


def test_an_fdk_function_past_its_deadline_is_killed_as_by_the_agent(fn):
    slow = fn(
        "import threading\ndef handler(ctx, data):\n"
        "    if data.getvalue(): threading.Event().wait(600)\n"
        "    return 'done'\n"
    )
    assert slow.invoke(b"").body == b"done"
    with pytest.raises(FunctionError, match=r"Sandbox\.Timedout"):
        slow.invoke(b"wait", deadline=0.3)
    assert slow.invoke(b"").body == b"done"


def test_fdk_needs_only_itself_and_httptools(fn, tmp_path):
    packages = choose(tmp_path / "runtime", *FN_PACKAGES)
    assert fn(ECHO, packages=[packages]).invoke(b"x").body == b"x"
    answer = fn("import oci\ndef handler(ctx, data): return 1\n", packages=[packages]).invoke({})
    assert (answer.status, answer.body) == (502, b"No module named 'oci'")


def test_a_function_that_cannot_start_says_so(fn, tmp_path):
    with pytest.raises(FunctionError, match="status 1"):
        fn(ECHO, packages=[]).invoke({})
