"""Twenty real processes and one delete fuse: together they delete what is allowed; what is held waits for a person."""

import json
import subprocess
import sys
from contextlib import ExitStack

import pytest
from click.testing import CliRunner

from bucketrelay import config, wiring
from bucketrelay.cli import cli
from bucketrelay.drivers import function as entry
from bucketrelay_emulators.obs.emulator import ObsEmulator
from bucketrelay_emulators.oci.emulator import OciEmulator

PROCESSES, EACH, MOST = 20, 10, 10
CHILD = """
import json, sys
from pathlib import Path
from bucketrelay import config, wiring
from bucketrelay.drivers import function as entry

system = wiring.system(config.load(Path(sys.argv[1]).read_text(), {}), emit=lambda line: None)
print("ready", flush=True)
sys.stdin.readline()
report = entry.handle(json.loads(sys.argv[2]), system, cloud="obs", seconds=300, invocation=sys.argv[3])
try:
    report.answer()
    again = 0
except Exception:
    again = sum(not result.ok for result in report.results)
deleted, held = (sum(r.outcome.value == "deleted" for r in report.results), sum(r.by_hand for r in report.results))
print(json.dumps([deleted, held, again]))
for result in report.results:
    if not result.ok and not result.by_hand:
        print(result.error, file=sys.stderr)
system.close()
"""


def records(keys, name):
    return {
        "Records": [
            {"obs": {"bucket": {"name": "source"}, "object": {"key": key}}, "eventName": f"Object{name}"}
            for key in keys
        ]
    }


@pytest.mark.slow
@pytest.mark.parametrize("numbered", [True, False], ids=["conditional log store", "log store without conditions"])
def test_twenty_processes_delete_together_no_more_than_max_deletes_and_go_does_the_rest(numbered, tmp_path):
    keys = [f"k{number:03d}" for number in range(PROCESSES * EACH)]
    with ExitStack() as stack:
        obs, oci = stack.enter_context(ObsEmulator()), stack.enter_context(OciEmulator(namespace="ns"))
        # Patience and few threads: the servers are one Python process, and what is proven is not how fast they are.
        keys_of_obs = f'access_key = "{obs.access_key}"\nsecret_key = "{obs.secret_key}"\n'
        of_obs = f'endpoint = "{obs.endpoint}"\ntimeout = 60\n{keys_of_obs}'
        of_oci = f'endpoint = "{oci.endpoint}"\nconfig_file = "{oci.config_file}"\ntimeout = 60\n'
        for bucket in ("source", "target", "logs"):
            obs.create_bucket(bucket)
        oci.create_bucket("logs")
        logs = f'url = "oci://logs@ns"\n{of_oci}' if numbered else f'url = "obs://logs"\n{of_obs}'
        text = f'log = "logs"\n[stores.logs]\n{logs}'
        text += "".join(f'[stores.{name}]\nurl = "obs://{name}"\n{of_obs}' for name in ("source", "target"))
        text += '[[routes]]\nname = "r"\nsource = "source"\ntargets = ["target"]\n'
        text += f'deletes = "follow"\nmax_deletes = {MOST}\n[limits]\nconcurrency = 2\n'
        (tmp_path / "relay.toml").write_text(text)
        source, target = obs.engine.bucket("source"), obs.engine.bucket("target")
        for key in keys:
            source.put(key, b"1", headers={})
        system = wiring.system(config.load(text, {}), emit=lambda line: None)
        stack.callback(system.close)
        assert all(
            r.ok
            for r in entry.handle(records(keys, "Created:Put"), system, cloud="obs", seconds=60, invocation="a").results
        )
        for key in keys:
            source.delete(key)

        said = run_children(tmp_path / "relay.toml", keys)
        deleted, held, again = (sum(column) for column in zip(*said, strict=True))
        print(f"{deleted} deleted, {held} held, {again} to come again")

        assert deleted == MOST or (deleted < MOST and not numbered)  # without conditions it may hold too early
        assert (deleted + held, again) == (len(keys), 0)
        assert len(list(target.list())) == held
        assert all(
            r.by_hand
            for r in entry.handle(
                records(keys, "Removed:Delete"), system, cloud="obs", seconds=60, invocation="b"
            ).results
            if not r.ok
        )

        done = CliRunner().invoke(
            cli, ["replay", "--route", "r", "--go", "-q", "--config", str(tmp_path / "relay.toml")]
        )
        assert done.exit_code == 0, done.output
        assert list(target.list()) == []
        assert not system.fuses.blown("r")


def run_children(toml, keys):
    """Each with ten of the keys, all begun at once."""
    children = []
    for number in range(PROCESSES):
        event = json.dumps(records(keys[number::PROCESSES], "Removed:Delete"))
        arguments = [sys.executable, "-c", CHILD, str(toml), event, f"process-{number}"]
        children.append(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    try:
        for child in children:
            assert child.stdout.readline() == "ready\n"
        for child in children:
            child.stdin.write("\n")
            child.stdin.flush()
        return [json.loads(child.communicate(timeout=120)[0]) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()
