"""No secret is in a message, a log, a list, a repr or a traceback; whoever leaks one is found by `security.leaks`."""

import ast
import importlib.util
import io
import logging
import subprocess
import sys
import textwrap
import traceback
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import fields, is_dataclass

import pytest

from bucketrelay import config, wiring
from bucketrelay.clouds.aws import access as s3_access
from bucketrelay.clouds.aws.store import s3_store
from bucketrelay.clouds.huawei import credentials as obs_access
from bucketrelay.clouds.huawei.store import obs_store
from bucketrelay.clouds.oracle.store import oci_store
from bucketrelay.deadline import Deadline
from bucketrelay.drivers.function import handle
from bucketrelay.errors import ConfigError, RelayError
from bucketrelay.forward import Notice
from bucketrelay.forward.oms import OmsForward
from bucketrelay.forward.webhook import WebhookForward
from bucketrelay.http.post import Retry
from bucketrelay.model import Address, Meta, Task
from bucketrelay.wiring_stores import Stores
from bucketrelay_emulators.oci.sign import pem, private_key
from functions.three_clouds import ROOT
from receivers import Receiver, Say
from security.leaks import SECRETS, WATCH, chain, found_in

SECRET, TOKEN, QUERY = "leak-secret-77aa", "leak-token-88bb", "leak-query-99cc"
TOML = f"""
log = "logs"
[stores.a]
url = "s3://a"
endpoint = "https://minio.example"
access_key = "AK"
secret_key = "{SECRET}"
session_token = "{TOKEN}"
[stores.b]
url = "obs://b"
region = "cn-north-4"
access_key = "AK"
secret_key = "${{SECRET}}"
[stores.logs]
url = "s3://logs"
[[routes]]
name = "r"
source = "a"
targets = ["b"]
[[routes]]
name = "hook"
source = "a"
forward = "hook"
[forwards.hook]
type = "webhook"
url = "https://example.com/hook?token={QUERY}"
secret_key = "{SECRET}"
"""


def all_of(error: BaseException) -> str:
    """Everything that a log can show of an error: texts, reprs, the formatted traceback of the whole chain."""
    said = [repr(one) + str(one) for one in chain(error)]
    return "\n".join([*said, *traceback.format_exception(error)])


# --- reprs ------------------------------------------------------------------------------------------------------------

ACCESS = {
    s3_access.Access: ("secret_key", "session_token"),
    obs_access.Access: ("secret_key", "security_token"),
}


@pytest.mark.parametrize("kind", ACCESS, ids=lambda kind: kind.__module__)
@pytest.mark.parametrize("show", [repr, str, "{0!r}".format, "{0}".format, ascii])
def test_what_holds_access_does_not_show_it(kind, show):
    made = kind(**{field.name: SECRET if field.name in ACCESS[kind] else "x" for field in fields(kind)})
    assert found_in(show(made)) == ""


@pytest.mark.parametrize("show", [repr, str, lambda found: repr([found, {"a": found}])])
def test_a_configuration_and_the_system_made_of_it_do_not_show_what_is_secret(show):
    found = config.load(TOML, {"SECRET": SECRET})
    system = wiring.system(found, emit=lambda line: None)
    shown = [found, *found.stores.values(), *found.forwards.values(), system, *found.routes]
    shown += [option for store in found.stores.values() for option in store.options.values()]
    made = Stores(found.stores, lambda: ("AK", SECRET, TOKEN))
    shown += [made, made.get("a"), made.get("b"), system.runner, system.runner.deliver]
    for each in shown:
        assert found_in(show(each)) == "", type(each)
    made.close()
    system.close()


def test_a_dataclass_of_ours_with_a_secret_in_its_name_hides_it_in_its_repr():
    """Whoever adds the next one is told here."""
    words = ("secret", "token", "password", "private")
    named = []
    for module in [module for name, module in sys.modules.items() if name.startswith("bucketrelay.")]:
        for kind in vars(module).values():
            if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__:
                named += [(kind, f) for f in fields(kind) if any(word in f.name for word in words)]
    assert len(named) >= 5
    shown = [(kind.__name__, f.name) for kind, f in named if f.repr and "Secret" not in str(f.type)]
    assert shown == []


# --- mistakes in the configuration ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        f'endpoint = "https://user:{SECRET}@host"',
        f'endpoint = "https://host/?X-Amz-Signature={QUERY}"',
        f'endpoint = "ftp://{SECRET}"',
        f'region = "{SECRET}\\n"',
        f'secret_keys = "{SECRET}"',
        f'access_key = "{SECRET}\\u0000"',
        f'sse = "{SECRET}"',
        f'timeout = "{SECRET}"',
        f"secret_key = {{ a = '{SECRET}' }}",
        f'path_style = "{SECRET}"',
        f"secret_key = '{SECRET}",
    ],
)
def test_no_mistake_quotes_what_may_be_a_secret(line):
    text = f'log = "a"\n[stores.a]\nurl = "s3://a"\n{line}\n[[routes]]\nname = "r"\nsource = "a"\ntargets = ["a"]\n'
    with pytest.raises(ConfigError) as error:
        config.load(text, {})
    assert found_in(all_of(error.value)) == ""


@pytest.mark.parametrize("url", [f"s3://AK:{SECRET}@bucket", f"s3://b?secret_key={SECRET}", f"https://u:{SECRET}@h/b"])
def test_no_mistake_quotes_a_url_with_credentials(url):
    with pytest.raises(ConfigError) as error:
        config.load(f'log = "a"\n[stores.a]\nurl = "{url}"\n[[routes]]\nname = "r"\nsource = "a"\ntargets = ["a"]', {})
    assert found_in(all_of(error.value)) == ""
    environ = {"RELAY_SOURCE": url, "RELAY_TARGETS": "s3://t", "RELAY_LOG": f"s3://l?secret_key={SECRET}&x={TOKEN}"}
    with pytest.raises(ConfigError) as error:
        config.from_environment(environ)
    assert found_in(all_of(error.value)) == ""


# --- what the clouds say ----------------------------------------------------------------------------------------------


def stores(url, key_file):
    keys = {"access_key": "AK", "secret_key": SECRET}
    yield s3_store(Address("s3", "b"), endpoint=url, region="x", session_token=TOKEN, retries=0, timeout=5, **keys)
    yield obs_store(
        Address("obs", "b"), endpoint=url, path_style=True, session_token=TOKEN, retries=0, timeout=5, **keys
    )
    api = {"user": "ocid1.user.oc1..u", "tenancy": "ocid1.tenancy.oc1..t", "fingerprint": "aa:bb", "key_file": key_file}
    yield oci_store(Address("oci", "b", "ns"), endpoint=url, retries=0, timeout=5, **api)


@pytest.fixture
def key_file(tmp_path):
    (tmp_path / "key.pem").write_text(pem(private_key("api")))
    return str(tmp_path / "key.pem")


@pytest.mark.parametrize("status", [403])
def test_no_error_of_a_cloud_shows_the_credentials(key_file, status):
    out = io.StringIO()
    handler, root = logging.StreamHandler(out), logging.getLogger()
    root.addHandler(handler)
    with Server(status) as server, redirect_stdout(out), redirect_stderr(out):
        for store in stores(server.url, key_file):
            with closing(store), pytest.raises(RelayError) as error:
                store.put("k", b"1", Meta())
            assert found_in(all_of(error.value)) == ""
    root.removeHandler(handler)
    assert found_in(out.getvalue()) == ""


def test_a_function_in_oracles_cloud_takes_the_loggers_back_that_fdk_has_set_to_debug(monkeypatch):
    """At DEBUG botocore logs each request with its session token."""
    root = logging.getLogger()
    before = root.level
    monkeypatch.setenv("BUCKETRELAY_TOML", TOML)
    try:
        root.setLevel(logging.DEBUG)
        spec = importlib.util.spec_from_file_location("quiet_func", ROOT / "functions/oci_events/func.py")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        assert root.level == logging.WARNING
        assert not logging.getLogger("botocore").isEnabledFor(logging.INFO)
    finally:
        root.setLevel(before)


class Server(Receiver):
    """Answers every method."""

    def __init__(self, status: int) -> None:
        super().__init__(lambda _: Say(status, b"<Error><Code>Refused</Code><Message>no</Message></Error>"))

    def __enter__(self):
        made = super().__enter__()
        handler = self._server.RequestHandlerClass
        handler.do_PUT = handler.do_GET = handler.do_HEAD = handler.do_POST
        return made


@pytest.mark.parametrize(
    "content",
    [
        "-----BEGIN PRIVATE KEY-----\nleak-secret-77aa\n-----END PRIVATE KEY-----\n",
        "leak-secret-77aa",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nleak-secret-77aa\n-----END RSA PRIVATE KEY-----\n",
        "",
    ],
)
def test_no_error_shows_the_content_of_a_key_file(tmp_path, content):
    (tmp_path / "key.pem").write_text(content)
    (*_, store) = stores("http://127.0.0.1:9", str(tmp_path / "key.pem"))
    with closing(store), pytest.raises(RelayError) as error:
        store.look("k")
    assert found_in(all_of(error.value)) == ""


def test_no_error_shows_the_content_of_a_configuration_file_of_oracles(tmp_path):
    (tmp_path / "config").write_text(f"[DEFAULT]\nuser={SECRET}\npass_phrase={TOKEN}\nkey_file=/nowhere\n")
    store = oci_store(Address("oci", "b", "ns"), endpoint="http://127.0.0.1:9", config_file=str(tmp_path / "config"))
    with closing(store), pytest.raises(RelayError) as error:
        store.look("k")
    assert found_in(all_of(error.value)) == ""


NOTICE = Notice(Task("r", "s", "k", forward="f", cause="c"), Address("s3", "b"))


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_no_verdict_of_a_forward_repeats_what_the_other_side_echoes(status):
    def echo(got):
        return Say(status, f"{got.query} {dict(got.headers)} {SECRET} {TOKEN} {got.path}".encode())

    with Receiver(echo) as server:
        once = Retry(attempts=1)
        hook = WebhookForward(f"{server.url}/hook?token={QUERY}", secret_key=SECRET, access_key=TOKEN, retry=once)
        place = f"{server.url}/v2/p/sync-tasks/t/events?token={QUERY}"
        oms = OmsForward(place, keys=lambda: ("AK", SECRET, TOKEN), retry=once)
        for forward in (hook, oms):
            (verdict,) = forward.tell([NOTICE], Deadline(20))
            assert found_in(all_of(verdict)) == ""
            assert found_in(repr(forward)) == ""


def test_a_function_that_fails_shows_its_platform_no_secret(capfd):
    """What a platform logs of it is the traceback."""
    with Server(403) as server:
        text = TOML.replace("https://minio.example", server.url).replace(
            '"s3://logs"', f'"s3://logs"\nendpoint = "{server.url}"'
        )
        system = wiring.system(config.load(text, {"SECRET": SECRET}))
        record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "a"}, "object": {"key": "k"}}}
        with closing(system), pytest.raises(RelayError) as error:
            handle({"Records": [record]}, system, cloud="s3", seconds=30, invocation="i").answer()
    assert found_in(all_of(error.value)) == ""
    assert found_in("".join(capfd.readouterr())) == ""


# --- the plugin -------------------------------------------------------------------------------------------------------


def test_every_secret_is_known_by_its_text_and_a_private_key_by_its_beginning():
    for secret in SECRETS:
        assert found_in(f"before {secret} after").endswith(secret)
        assert found_in(f"before {secret} after".encode()).endswith(secret)
    assert found_in("-----BEGIN RSA PRIVATE KEY-----\nMII") != ""
    assert found_in("Credential=AK/20261121, Signature=9f86d081884c7d65") == ""


def test_no_secret_is_a_constant_of_a_module_from_which_hypothesis_takes_its_texts():
    """Else a property writes one, now and then, and is told that it leaks: what is outside of tests/ is drawn from."""
    modules = [path for path in ROOT.glob("[a-z]*/**/*.py") if path.relative_to(ROOT).parts[0] != "tests"]
    texts = [  # tree by tree: the collector of garbage goes through all that are held again and again
        (path, node.value)
        for path in modules
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))
    ]
    assert len(texts) > 10_000
    assert [(path, text) for path, text in texts if found_in(text)] == []


def test_a_leak_in_an_error_or_in_its_cause_is_noted():
    WATCH.take()
    RelayError(f"403: {SECRET}")
    try:
        int(TOKEN)  # Python quotes what it does not understand
    except ValueError:
        RelayError("broken")
    noted = WATCH.take()
    assert len(noted) in (0, 3)  # 0: the plugin is not registered in this run
    with WATCH.blind():
        RelayError(SECRET)
    assert WATCH.take() == []


LEAKS = {
    "print(S)": "Captured stdout",
    "sys.stderr.write(S)": "Captured stderr",
    "logging.getLogger('x').warning(S)": "Captured log",
    "RelayError(S)": "the text of a RelayError",
    "list_line.line(Result('r', S, 'x', '', '', 'k', Outcome.FAILED, NOW))": "what compact wrote",
    "Engine().create_bucket('b').put('failed_object/x', S.encode(), headers={})": "the object 'failed_object/x'",
}


def test_a_test_that_leaks_fails_and_its_neighbours_do_not(tmp_path):
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["security.leaks"]\n')
    head = """
        import logging, sys
        from datetime import datetime, timezone
        from bucketrelay.reports import list_line
        from bucketrelay.errors import RelayError
        from bucketrelay.model import Outcome, Result
        from bucketrelay_emulators.engine.engine import Engine
        S, NOW = "leak-secret" + "-77aa", datetime.now(timezone.utc)
        def test_good(): print("leak-secret")
    """
    tests = [f"def test_{n}(): {body}\n" for n, body in enumerate(LEAKS)]
    (tmp_path / "test_it.py").write_text(textwrap.dedent(head) + "".join(tests))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environ = {"PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'shared'}", "PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{len(LEAKS) + 1} passed, {len(LEAKS)} error" in done.stdout
    for number, where in enumerate(LEAKS.values()):
        assert f"test_{number} leaks secrets" in done.stdout
        assert where in done.stdout
