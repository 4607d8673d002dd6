"""A function imports what its routes need, and nothing else: the user pays for each cold start."""

import json
import subprocess
import sys

import pytest

from functions.three_clouds import ROOT

SDKS = {"boto3", "botocore", "oci", "obs", "huaweicloudsdkcore", "click", "rich", "moto"}
FUNCTIONS = {"s3_notifications/app.py": set(), "obs_trigger/index.py": set(), "oci_events/func.py": set()}


def imported(code):
    """The top-level names of all modules that are there after *code*, run in a fresh process."""
    script = f"import sys\nsys.path.insert(0, {str(ROOT / 'shared')!r})\n{code}\nimport json\n"
    script += "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("file", FUNCTIONS)
def test_importing_a_function_imports_no_sdk(file):
    path = ROOT / "functions" / file
    code = f"import runpy; runpy.run_path({str(path)!r})"

    assert imported(code) & SDKS == set()


@pytest.mark.parametrize(
    ("scheme", "url", "own"),
    [("s3", "s3://b", set()), ("obs", "obs://b", set()), ("oci", "oci://b@n", set())],
)
def test_a_store_imports_no_sdk_but_its_own_if_any_and_only_when_it_is_used(tmp_path, scheme, url, own):
    options = {
        "s3": 'endpoint = "http://127.0.0.1:9"\nregion = "r"\naccess_key = "a"\nsecret_key = "s"\nretries = 0\n',
        "obs": 'endpoint = "http://127.0.0.1:9"\naccess_key = "a"\nsecret_key = "s"\nretries = 0\n',
        "oci": 'endpoint = "http://127.0.0.1:9"\nregion = "us-phoenix-1"\nauth = "api_key"\nretries = 0\n',
    }[scheme]
    (tmp_path / "there").mkdir()
    text = (
        f'log = "log"\n[stores.log]\nurl = "file://{tmp_path}/there"\n[stores.a]\nurl = "{url}"\n{options}'
        f'[stores.b]\nurl = "file://{tmp_path}"\n[[routes]]\nname = "r"\nsource = "a"\ntargets = ["b"]\n'
    ).replace(f'url = "file://{tmp_path}"', f'url = "file://{tmp_path}/target"')
    code = f"""
from bucketrelay import config, wiring
from bucketrelay.wiring_stores import NO_KEYS, Stores
found = config.load({text!r}, {{}})
wiring.system(found)
store = Stores(found.stores, lambda: NO_KEYS).get('a')
before = {{name.split('.')[0] for name in sys.modules}}
assert not before & {SDKS!r}, before
try:
    store.look('k')
except Exception:
    pass
"""
    assert imported(code) & {"botocore", "oci", "obs"} == own
