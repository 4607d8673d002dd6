"""The archives of deploy/build.py, run by the clouds' real runtimes with nothing else installed."""

import ast
import importlib
import importlib.util
import json
import marshal
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from email import message_from_string
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from functions.child import choose
from functions.runtimes import LAMBDA_PACKAGES, FnRuntime, FunctionGraphRuntime, LambdaRuntime
from functions.test_answers import EVENTS
from functions.three_clouds import LOGS, ROOT, SOURCE, TARGET, Held, three_clouds, toml

BUILD = ROOT / "deploy/build.py"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
# The one that needs most comes first: its packages are fetched by one run of pip, and the others find theirs.
CLOUDS = {"s3": "aws", "obs": "huawei", "oci": "oracle"}
FUNCTIONS = {"oci": "oci_events", "obs": "obs_trigger", "s3": "s3_notifications"}
# The archive of Lambda is packed in a second, the others in eight each.
QUICK_FIRST = [pytest.param(name, marks=[] if name == "s3" else pytest.mark.slow) for name in FUNCTIONS]
HANDLERS = {"s3": "app.py", "obs": "index.py", "oci": "function/func.py"}
OWN_LIMITS = {"s3": 600_000, "obs": 600_000, "oci": 5_000_000}
BOTO3 = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six.py", "urllib3")  # of Lambda's runtime
# What the SDKs ask for and what nothing of ours imports: a name that is new here is a dependency to be looked at.
LEFT_OUT = {
    "pycparser",  # cffi
    *("cython", "pbr", "pytest", "pytest-asyncio", "wheel"),  # fdk
}
FORWARD = """
[forwards.oms]
type = "oms"
url = "https://127.0.0.1/v2/0123/sync-tasks/42/events"
access_key = "a"
secret_key = "s"
"""
# Used where they are: by botocore; for schedules in the words of cron; for the keys of an ECS; for instance principals;
# for traces; before Python 3.11.
OPTIONAL = {"awscrt", "croniter", "obs", "oci", "opentelemetry", "tomli"}
OBJECT = Held(b"body\x00\xff" * 1000, "text/x-odd", "max-age=60", {"who": "a b"})
MACHINES = {62: "x86_64", 183: "arm64"}  # e_machine of ELF


@cache
def builder():
    """The program, loaded once: each start of it parses the whole core anew."""
    sys.path.insert(0, str(BUILD.parent))
    try:
        return importlib.import_module("build")
    finally:
        sys.path.remove(str(BUILD.parent))


def build(*arguments, code=0):
    """Run it with a user's arguments. Returns what it printed, to whichever of both."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = builder().main([str(argument) for argument in arguments])
    assert status == code, out.getvalue() + err.getvalue()
    return (err if code else out).getvalue()


def build_as_a_process(*arguments, env=None, code=0):
    """The same as a user does, in an environment."""
    done = subprocess.run(
        [sys.executable, str(BUILD), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr if code else done.stdout


def own_toml(view):
    """From bucket to bucket of one cloud, with the lists there too."""
    options = "".join(f'{option} = "{value}"\n' for option, value in view.options.items())
    buckets = {"source": SOURCE, "target": TARGET, "logs": LOGS}
    stores = "".join(f'[stores.{name}]\nurl = "{view.url(bucket)}"\n{options}' for name, bucket in buckets.items())
    return f'log = "logs"\n{stores}[[routes]]\nname = "own"\nsource = "source"\ntargets = ["target"]\n'


@pytest.fixture(scope="module")
def standing():
    with three_clouds() as clouds:
        for scheme in ("obs", "oci"):
            clouds.views[scheme].create(LOGS)
        yield clouds


@pytest.fixture
def clouds(standing):
    standing.clear()
    return standing


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def archive(tmp_path_factory, downloads, standing):
    """Make the archive of a cloud's function: for its `own` stores, for `all` that it can need, or with a `role`.

    With a role the keys of S3 are the SDK's to find, and the sources are in it instead of their byte code.
    """
    made = {}

    def archive(cloud, stores):
        if (cloud, stores) not in made:
            folder = tmp_path_factory.mktemp(f"{cloud}-{stores}")
            config = folder / "some.toml"
            text = own_toml(standing.views[cloud]) if stores == "own" else toml(standing.views, cloud) + FORWARD
            if stores == "role":
                text = re.sub(r'(?m)^(access_key = "test"|secret_key = "test-secret")\n', "", text)
            config.write_text(text, encoding="utf-8")
            function = FUNCTIONS[cloud]
            options = ["--no-compile"] if stores == "role" else []
            build(function, "--python", PYTHON, "--config", config, "--out", folder, "--downloads", downloads, *options)
            made[cloud, stores] = folder / f"{function}.zip"
        return made[cloud, stores]

    return archive


@pytest.fixture(scope="module")
def code(archive):
    """The folder into which an archive was unpacked."""
    made = {}

    def code(*which):
        if which not in made:
            made[which] = unpacked(archive(*which), archive(*which).parent / "code")
        return made[which]

    return code


def unpacked(path, folder):
    with zipfile.ZipFile(path) as found:
        found.extractall(folder)
    return folder


def names(path):
    """What is in an archive, as paths of sources, whichever form they have in it."""
    with zipfile.ZipFile(path) as found:
        held = [name.removesuffix("c") if name.endswith(".pyc") else name for name in found.namelist()]
        bundles = [name for name in held if name.endswith("bucketrelay/modules.bin")]
        for bundle in bundles:
            top = bundle.removesuffix("bucketrelay/modules.bin")
            _version, modules = marshal.loads(found.read(bundle))
            held += [
                f"{top}{name.replace('.', '/')}{'/__init__' if is_package else ''}.py"
                for name, (is_package, _code) in modules.items()
            ]
    return held


def checksums(path):
    with zipfile.ZipFile(path) as found:
        return {entry.filename: entry.CRC for entry in found.infolist()}


def runtime(cloud, folder, packages=()):
    """The cloud's runtime with what is in *folder*, and *packages* of its own."""
    if cloud == "s3":
        return LambdaRuntime(folder, "app.handler", packages=packages)
    if cloud == "obs":
        return FunctionGraphRuntime(folder, "index.handler", packages=packages)
    return FnRuntime(folder / "function", "func.handler", paths=[folder / "python"], packages=packages)


def replicate(clouds, cloud, function, targets, key="in a/ö+%.bin"):
    """One object by one event; true when it is what it was in every target."""
    clouds.views[cloud].write(SOURCE, key, OBJECT)
    answer = function.invoke(EVENTS[cloud](key))
    assert cloud != "oci" or answer.status == 200, answer.body
    for scheme in targets:
        found = clouds.views[scheme].read(TARGET, key)
        found.user.pop("bucketrelay")  # our stamp
        assert found == OBJECT, function.log()


def byte_code(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.pyc")}


@pytest.mark.slow
@pytest.mark.parametrize("stores", ["all", "own"])
@pytest.mark.parametrize("cloud", FUNCTIONS)
def test_an_archive_alone_replicates_in_its_clouds_own_runtime(code, clouds, tmp_path, cloud, stores):
    folder = code(cloud, stores)
    before = byte_code(folder)
    provided = []
    if cloud == "s3":
        provided = [choose(tmp_path / "ric", *LAMBDA_PACKAGES), choose(tmp_path / "sdk", *BOTO3)]
    if cloud == "obs":
        provided = [choose(tmp_path / "bundled", "certifi")]
    with runtime(cloud, folder, provided) as function:
        replicate(clouds, cloud, function, [cloud] if stores == "own" else list(FUNCTIONS))

    # Whatever had been left uncompiled, or refused, would have been compiled now.
    made = {re.sub(r"__pycache__/(\w+)\..*", r"\1.py", name) for name in byte_code(folder) - before}
    first = Path(HANDLERS[cloud]).with_name("bucketrelay") / "__init__.py"
    assert made == {HANDLERS[cloud], first.as_posix()}


@pytest.mark.slow
def test_a_pinned_sdk_runs_where_lambda_has_none(clouds, downloads, tmp_path):
    config = tmp_path / "relay.toml"
    config.write_text(own_toml(clouds.views["s3"]), encoding="utf-8")
    options = ["--python", PYTHON, "--config", config, "--out", tmp_path, "--downloads", downloads]
    build("s3_notifications", "--pin-sdk", *options)
    folder = unpacked(tmp_path / "s3_notifications.zip", tmp_path / "code")
    with runtime("s3", folder, [choose(tmp_path / "ric", *LAMBDA_PACKAGES)]) as function:
        replicate(clouds, "s3", function, ["s3"])


@pytest.mark.slow
@pytest.mark.parametrize("cloud", FUNCTIONS)
def test_the_same_input_gives_the_same_bytes(archive, downloads, tmp_path, cloud):
    first = archive(cloud, "own")
    config = tmp_path / "elsewhere.toml"
    config.write_bytes((first.parent / "some.toml").read_bytes())
    options = ["--python", PYTHON, "--config", config, "--out", tmp_path / "deep/er", "--downloads", downloads]
    (tmp_path / "t").mkdir()
    build_as_a_process(
        FUNCTIONS[cloud], *options, env={"PYTHONHASHSEED": "7", "TMPDIR": str(tmp_path / "t"), "TZ": "Asia/Tokyo"}
    )
    again = tmp_path / "deep/er" / first.name
    assert checksums(again) == checksums(first)  # tells which file it is, if one differs
    assert again.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("cloud", QUICK_FIRST)
def test_an_archive_for_its_own_stores_is_small_and_holds_nothing_of_the_others(archive, cloud):
    path = archive(cloud, "own")
    assert path.stat().st_size <= OWN_LIMITS[cloud]
    stores = {Path(name).parent.name for name in names(path) if re.search(r"bucketrelay/clouds/\w+/store\.py$", name)}
    assert stores - {"local"} == {CLOUDS[cloud]}
    packages = {name.removeprefix("python/").split("/")[0] for name in names(path)}
    assert {"botocore", "obs", "oci", "cryptography"} & packages == ({"cryptography"} if cloud == "oci" else set())


@pytest.mark.slow
@pytest.mark.parametrize("cloud", FUNCTIONS)
def test_an_archive_holds_what_is_deployed_and_no_more(archive, cloud):
    held = names(archive(cloud, "all"))
    top = "function/" if cloud == "oci" else ""
    assert HANDLERS[cloud] in held
    assert f"{top}relay.toml" in held
    assert f"{top}bucketrelay/core/converge.py" in held
    assert len(set(held)) > 150
    for unwanted in (
        "emulators",
        "bucketrelay/cli",
        "bucketrelay/commands",
        "bucketrelay/__main__",
        "/tests/",
        "SelfTest",
        "RECORD",
    ):
        assert [name for name in held if unwanted in name] == []
    assert [name for name, count in Counter(held).items() if count > 1] == []
    assert [name for name in held if name.startswith("python/bucketrelay")] == []


@pytest.mark.parametrize("cloud", QUICK_FIRST)
def test_every_entry_has_a_mode_that_any_user_can_read_and_no_time(archive, cloud):
    with zipfile.ZipFile(archive(cloud, "own")) as found:
        entries = found.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {oct(entry.external_attr >> 16) for entry in entries} <= {"0o100644", "0o100755"}
    assert {entry.create_system for entry in entries} == {3}


def imported(text):
    """Every `import x` and `from x import y` of a module, but for those that a type checker alone sees."""
    found = set()
    pending = list(ast.parse(text).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {(name.name, "") for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(str(node.module), name.name) for name in node.names}
        pending += ast.iter_child_nodes(node)
    return found


IMPORT = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
for module, name in json.loads(sys.argv[2]):
    try:
        found = importlib.import_module(module)
        if name and not hasattr(found, name):
            importlib.import_module(f"{module}.{name}")
    except ImportError as error:
        print(module, name, error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("cloud", FUNCTIONS)
def test_all_that_the_code_can_import_is_in_the_archive_or_the_runtime(code, tmp_path, cloud):
    folder = code(cloud, "role")
    wanted = set().union(*(imported(path.read_text("utf-8")) for path in folder.rglob("bucketrelay/**/*.py")))
    wanted = {each for each in wanted if each[0].partition(".")[0] not in OPTIONAL}
    # No store is a directory, and what `wire` and `doctor` need is no function's.
    absent = re.compile(r"bucketrelay\.clouds\.(local\.store|rclone\.(daemon|store)|\w+\.bucket)")
    wanted = {each for each in wanted if not absent.fullmatch(each[0])}
    wanted = {
        each for each in wanted if not re.search("wiring_(invocation|status|tables)|traces", f"{each[0]}.{each[1]}")
    }  # of brokers, alarms, databases and traces, which it has none
    assert len(wanted) > 100
    path = [folder, folder / "function", folder / "python"]
    path.append(choose(tmp_path / "sdk", *(BOTO3 if cloud == "s3" else ("certifi",))))
    given = [json.dumps([str(place) for place in path]), json.dumps(sorted(wanted))]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT, *given], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""


def described(path):
    """What each bundled distribution says of itself."""
    with zipfile.ZipFile(path) as found:
        texts = [found.read(name).decode() for name in found.namelist() if name.endswith(".dist-info/METADATA")]
    return {canonicalize_name(said["Name"]): said for said in map(message_from_string, texts)}


@pytest.mark.slow
@pytest.mark.parametrize("cloud", ["obs", "oci"])
def test_the_pinned_versions_suit_each_other_and_no_dependency_is_left_out_unknowingly(archive, cloud):
    bundled = described(archive(cloud, "role"))
    left_out = set()
    for said in bundled.values():
        for asked in map(Requirement, said.get_all("Requires-Dist", [])):
            if asked.marker and not asked.marker.evaluate({"extra": ""}):
                continue
            name = canonicalize_name(asked.name)
            if name not in bundled:
                left_out.add(name)
            else:
                assert asked.specifier.contains(bundled[name]["Version"]), f"{said['Name']} wants {asked}"
    assert left_out <= LEFT_OUT | ({"certifi"} if cloud == "obs" else set())  # which FunctionGraph's runtime has
    assert {"cryptography", "botocore"} <= set(bundled)


@pytest.mark.slow
def test_an_archive_for_another_python_and_machine_holds_their_compiled_parts(archive, downloads, tmp_path):
    archive("oci", "own")  # fetches
    other = "3.12" if PYTHON != "3.12" else "3.13"
    for path in (downloads / f"{PYTHON}-x86_64").iterdir():  # only what differs is fetched
        if path.name.endswith(("-any.whl", ".tar.gz")):
            (downloads / f"{other}-arm64").mkdir(exist_ok=True)
            (downloads / f"{other}-arm64" / path.name).hardlink_to(path)
    said = build(
        *("oci_events", "--stores", "oci", "--python", other, "--arch", "arm64"),
        *("--out", tmp_path, "--downloads", downloads),
    )
    assert f"not compiled (this is Python {PYTHON})" in said
    with zipfile.ZipFile(tmp_path / "oci_events.zip") as found:
        parts = {name: found.read(name) for name in found.namelist() if name.endswith(".so")}
        assert [name for name in found.namelist() if name.endswith(".pyc")] == []
    assert {MACHINES[int.from_bytes(part[18:20], "little")] for part in parts.values()} == {"arm64"}
    versions = {found[1] for name in parts if (found := re.search(r"\.cpython-(\d+)-", name))}
    assert versions == {other.replace(".", "")}


def whole(stores):
    """A configuration of stores a and b, which is right but for them."""
    route = '[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n'
    return f'log = "logs"\n{stores}[stores.logs]\nurl = "s3://lists"\n{route}'


def test_the_configuration_decides_which_sdks_go_in(tmp_path):
    config = tmp_path / "relay.toml"
    config.write_text(whole('[stores.a]\nurl = "s3://a"\n[stores.b]\nurl = "file:///b"\n'), encoding="utf-8")
    # Sources say as well as their byte code what goes in, and take a second less.
    build("s3_notifications", "--python", PYTHON, "--config", config, "--out", tmp_path, "--no-compile")
    held = names(tmp_path / "s3_notifications.zip")
    assert "bucketrelay/clouds/aws/store.py" in held
    assert "bucketrelay/clouds/local/store.py" in held
    assert "bucketrelay/clouds/oracle/store.py" not in held
    with zipfile.ZipFile(tmp_path / "s3_notifications.zip") as found:
        assert found.read("relay.toml") == config.read_bytes()


def test_a_url_that_only_the_environment_knows_needs_every_adapter(downloads, tmp_path):
    config = tmp_path / "relay.toml"
    config.write_text(whole('[stores.a]\nurl = "${SOURCE_URL}"\n[stores.b]\nurl = "s3://b"\n'), encoding="utf-8")
    out = ["--out", tmp_path / "f", "--layout", "fn", "--config", config]
    build("oci_events", *out, "--downloads", downloads)
    assert set(CLOUDS.values()) <= {path.parent.name for path in (tmp_path / "f/bucketrelay/clouds").glob("*/store.py")}


@pytest.mark.parametrize(
    ("queue", "brought"),
    [("", False), ('[queue]\nurl = "sqlite:///q.db"\n', False), ('[queue]\nurl = "postgresql://u:${PW}@h/d"\n', True)],
)
def test_what_pairs_are_remembered_in_goes_in_where_the_queue_is_postgresql(downloads, tmp_path, queue, brought):
    config = tmp_path / "relay.toml"
    config.write_text(
        whole(f'{queue}[stores.a]\nurl = "oci://a@ns"\n[stores.b]\nurl = "oci://b@ns"\n'), encoding="utf-8"
    )
    build("oci_events", "--out", tmp_path / "f", "--layout", "fn", "--config", config, "--downloads", downloads)
    held = {path.relative_to(tmp_path / "f").as_posix() for path in (tmp_path / "f").rglob("*")}
    wanted = {
        "bucketrelay/wiring_tables.py",
        "bucketrelay/database/postgres.py",
        "bucketrelay/inventory/sql/queries.sql",
    }
    assert wanted & held == (wanted if brought else set())
    assert ("psycopg" in (tmp_path / "f/requirements.txt").read_text()) is brought


def test_the_folder_for_fn_deploy_runs_with_what_its_requirements_install(clouds, tmp_path):
    config, folder = tmp_path / "own.toml", tmp_path / "fn"
    config.write_text(own_toml(clouds.views["oci"]), encoding="utf-8")
    build("oci_events", "--layout", "fn", "--config", config, "--out", folder)
    assert {path.name for path in folder.iterdir()} == {
        *("bucketrelay", "func.py", "func.yaml", "relay.toml", "relay.checked.json", "requirements.txt")
    }
    installed = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().splitlines()]
    assert installed == ["certifi", "cryptography", "fdk"]
    with FnRuntime(folder, "func.handler") as function:
        replicate(clouds, "oci", function, ["oci"])


def test_the_folder_for_fn_deploy_is_made_again_around_its_func_yaml(tmp_path):
    folder = tmp_path / "fn"
    build("oci_events", "--layout", "fn", "--out", folder)
    assert (folder / "requirements.txt").read_text() == (ROOT / "functions/oci_events/requirements.txt").read_text()
    (folder / "func.yaml").write_text("version: 0.1.7\n", encoding="utf-8")
    (folder / "bucketrelay/gone.py").touch()
    build("oci_events", "--layout", "fn", "--out", folder)
    assert (folder / "func.yaml").read_text() == "version: 0.1.7\n"
    assert not (folder / "bucketrelay/gone.py").exists()


def test_a_folder_that_is_somebody_elses_is_left_alone(tmp_path):
    (tmp_path / "func.py").write_text("mine", encoding="utf-8")
    assert "not empty" in build("oci_events", "--layout", "fn", "--out", tmp_path, code=2)
    assert (tmp_path / "func.py").read_text() == "mine"


def test_an_archive_above_its_limit_fails_and_says_what_is_largest(tmp_path, monkeypatch):
    functions = builder().FUNCTIONS
    monkeypatch.setitem(functions, "s3_notifications", replace(functions["s3_notifications"], own_limit=1000))
    said = build("s3_notifications", "--stores", "s3", "--no-compile", "--out", tmp_path, code=1)
    assert re.search(r"too large by 0\.\d+ MB; the largest parts: bucketrelay 0\.\d+ MB, app\.py", said)


BAD = {
    "an unknown function": (["gcs_events"], "", "obs_trigger"),
    "an unknown Python": (["obs_trigger", "--python", "3.6"], "", "3.10"),
    "an unknown machine": (["obs_trigger", "--arch", "mips"], "", "arm64"),
    "an unknown store": (["obs_trigger", "--stores", "obs,gcs"], "", "gcs"),
    "no configuration where it should be": (["obs_trigger", "--config", "no.toml"], "", "no.toml"),
    "no TOML": (["obs_trigger", "--config", "relay.toml"], "stores = [", "not TOML"),
    "a store without a URL": (["obs_trigger", "--config", "relay.toml"], "[stores.a]\nx = 1", "url"),
    "a store that is none": (["obs_trigger", "--config", "relay.toml"], '[stores.a]\nurl = "gs://b"', "stores.a.url"),
    "stores that the configuration has and the option lacks": (
        ["obs_trigger", "--config", "relay.toml", "--stores", "obs"],
        whole('[stores.a]\nurl = "s3://a"\n[stores.b]\nurl = "s3://b"\n'),
        "s3://",
    ),
    "a target that no store is": (
        ["obs_trigger", "--config", "relay.toml"],
        whole('[stores.a]\nurl = "s3://a"\n[stores.b]\nurl = "s3://b"\n').replace('["b"]', '["bb"]'),
        'routes[0].targets[0]: no store is named "bb"; did you mean "b"?',
    ),
    "a function that fn does not deploy": (["obs_trigger", "--layout", "fn", "--stores", "obs"], "", "oci_events"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_one_line(tmp_path, monkeypatch, case):
    arguments, text, said = BAD[case]
    (tmp_path / "relay.toml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    line = build(*arguments, code=2)
    assert line.startswith("build: ")
    assert line.count("\n") == 1
    assert said in line
    assert not (tmp_path / "dist").exists()


def test_packages_that_pip_cannot_get_end_in_one_line(tmp_path):
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    line = build_as_a_process("obs_trigger", "--stores", "obs", "--out", tmp_path, env=offline, code=2)
    assert line.startswith("build: pip cannot get the packages: ")
    assert line.count("\n") == 1
    assert not (tmp_path / "obs_trigger.zip").exists()


@pytest.mark.parametrize(
    ("store", "brought"),
    [
        ('region = "us-east-1"\naccess_key = "${A}"\nsecret_key = "${S}"\n', False),
        pytest.param('region = "us-east-1"\n', True, marks=pytest.mark.slow),
        ('profile = "p"\n', True),
    ],
)
def test_s3s_sdk_goes_in_only_where_the_keys_are_its_to_find(downloads, tmp_path, store, brought):
    config = tmp_path / "relay.toml"
    logs = f'log = "logs"\n[stores.logs]\nurl = "s3://lists"\n{store}'
    stores = f'[stores.a]\nurl = "obs://a"\nregion = "cn-north-4"\n[stores.b]\nurl = "s3://b"\n{store}'
    config.write_text(f'{logs}{stores}[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n', encoding="utf-8")
    # Sources say as well as their byte code what goes in, and take a second less.
    options = ["--python", PYTHON, "--downloads", downloads, "--no-compile"]
    build("obs_trigger", "--config", config, "--out", tmp_path, *options)
    assert any(name.startswith("botocore/") for name in names(tmp_path / "obs_trigger.zip")) is brought


@pytest.fixture(scope="module")
def standalone(code):
    """An unpacked archive of Lambda's function, for whoever breaks none of it."""
    return code("s3", "own")


def run_in(folder, program):
    """A bare interpreter that sees nothing but *folder*."""
    command = [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path.insert(0, {str(folder)!r})\n{program}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_traceback_out_of_byte_code_names_the_files_and_lines_of_the_sources(standalone):
    done = run_in(standalone, "import app; from bucketrelay import config; config.load('[', {}, where='x')")
    source = (ROOT / "shared/bucketrelay/config/toml.py").read_text("utf-8").splitlines()
    line = re.search(r'File "bucketrelay/config/toml\.py", line (\d+), in (\w+)', done.stderr)
    assert line, done.stderr
    assert f"def {line[2]}(" in "\n".join(source[: int(line[1])])
    assert "bucketrelay.errors.ConfigError: " in done.stderr


def test_byte_code_on_another_python_says_which_python_it_is_for(standalone, tmp_path):
    other = tmp_path / "bucketrelay"
    other.mkdir()
    (other / "__init__.py").write_bytes((standalone / "bucketrelay/__init__.py").read_bytes())
    _version, modules = marshal.loads((standalone / "bucketrelay/modules.bin").read_bytes())
    (other / "modules.bin").write_bytes(marshal.dumps(((3, 9), modules), 2))
    done = run_in(tmp_path, "import bucketrelay")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: this archive was built for Python 3.9, and the function runs "), done.stderr


def rsa_keys():
    """A key in each form that a user may have it in, with its passphrase."""
    key = rsa.generate_private_key(65537, 2048)
    locked = serialization.BestAvailableEncryption(b"secret")
    for form in (serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8):
        for lock, passphrase in ((serialization.NoEncryption(), ""), (locked, "secret")):
            yield key.private_bytes(serialization.Encoding.PEM, form, lock).decode(), passphrase


SIGN = """
import json
from bucketrelay.clouds.oracle.sign import Identity, authorization
from bucketrelay.clouds.oracle.signers import private_key
for pem, passphrase in json.loads({keys!r}):
    identity = Identity("key", private_key(pem, passphrase))
    print(len(authorization(identity, "GET", "/n/", {{"host": "h", "date": "d"}})))
try:
    private_key(pem, "wrong")
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
def test_what_is_left_of_cryptography_reads_each_form_of_a_private_key_and_signs(code):
    folder = code("oci", "own")
    keys = list(rsa_keys())
    program = f"sys.path.insert(0, {str(folder / 'function')!r})\n" + SIGN.format(keys=json.dumps(keys))
    done = run_in(folder / "python", program)
    *lengths, refusal = done.stdout.splitlines()
    assert len(lengths) == len(keys), done.stderr
    assert len(set(lengths)) == 1
    assert "passphrase is wrong" in refusal


def test_a_module_of_c_without_its_symbols_is_loaded_and_smaller(tmp_path):
    made = Path(importlib.util.find_spec("_cffi_backend").origin)
    code = (
        f"import sys; sys.path.insert(0, {str(BUILD.parent)!r}); from pathlib import Path; "
        "from elf import strip_symbols; "
        f"Path({str(tmp_path / made.name)!r}).write_bytes(strip_symbols(Path({str(made)!r}).read_bytes())); "
        "assert strip_symbols(b'no ELF') == b'no ELF'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / made.name).stat().st_size < made.stat().st_size
    done = run_in(tmp_path, "import _cffi_backend; print(_cffi_backend.FFI().sizeof('int'), _cffi_backend.__file__)")
    assert done.stdout.split() == ["4", str(tmp_path / made.name)], done.stderr
