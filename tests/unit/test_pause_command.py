"""`bucketrelay pause`, `resume`, and the windows of a route, as somebody types them; between directories."""

import json
from contextlib import closing

import pytest
from click.testing import CliRunner

from bucketrelay import config, routes, wiring, wiring_jobs
from bucketrelay.cli import cli
from bucketrelay.errors import ConfigError
from bucketrelay.jobs.tasks import task_job
from bucketrelay.model import Outcome

ROUTE = """
[[routes]]
name = "r"
source = "source"
targets = ["target"]
first = ["urgent/**"]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("source", "target", "logs"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "k").write_bytes(b"x")
    configure(tmp_path)
    return tmp_path


def configure(folder, more=""):
    stores = "".join(f'[stores.{name}]\nurl = "file://{folder}/{name}"\n' for name in ("source", "target", "logs"))
    (folder / "relay.toml").write_text(f'log = "logs"\n{stores}{ROUTE}{more}')
    return config.find({}, folder, folder)


def run(*words):
    done = CliRunner().invoke(cli, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def task(found, key="k"):
    return routes.task_of(found.routes[0], key, "target")


def converge(found):
    with closing(wiring.system(found, emit=lambda _: None)) as system:
        return system.runner.run([task(found)], wiring.Deadline())[0]


def test_a_paused_route_copies_nothing_until_it_is_resumed(folder):
    found = configure(folder)

    assert run("pause", "r").exit_code == 0
    paused = converge(found)
    assert run("resume", "r").exit_code == 0
    resumed = converge(found)

    assert (paused.outcome, paused.retryable) == (Outcome.FAILED, True)
    assert "bucketrelay resume r" in paused.error
    assert resumed.outcome is Outcome.COPIED


def test_pausing_twice_and_resuming_what_is_not_paused_do_no_harm(folder):
    assert run("pause", "r").exit_code == 0
    assert run("--json", "pause", "r").exit_code == 0
    assert json.loads(run("--json", "resume", "r").stdout) == {"route": "r", "paused": False, "was": True}
    assert "was not paused" in run("resume", "r").stderr


def test_a_route_that_is_not_there_cannot_be_paused(folder):
    done = run("pause", "x")

    assert done.exit_code == 2
    assert "x: no route has this name; there are: r" in done.stderr


def test_a_worker_leaves_a_paused_route_s_jobs_in_the_queue(folder):
    found = configure(folder)
    run("pause", "r")
    with closing(wiring.system(found, emit=lambda _: None)) as system, closing(wiring_jobs.queue(found.queue)) as jobs:
        jobs.enqueue([task_job(task(found))])

        wiring_jobs.worker(found, system, jobs, say=print).run(drain=True)
        waits = jobs.counts()
        run("resume", "r")
    with closing(wiring.system(found, emit=lambda _: None)) as system, closing(wiring_jobs.queue(found.queue)) as jobs:
        wiring_jobs.worker(found, system, jobs, say=print).run(drain=True)

        assert (waits.pending, waits.dead) == (1, 0)
        assert (jobs.counts().pending, (folder / "target" / "k").read_bytes()) == (0, b"x")


def test_jobs_of_the_keys_that_come_first_go_before_the_others(folder):
    found = configure(folder)

    ordinary, urgent = task_job(task(found)), task_job(task(found, "urgent/k"))

    assert urgent.priority > ordinary.priority


def test_outside_of_its_windows_a_route_rests(folder):
    closed = configure(folder, '[routes.windows]\nopen = ["mon 00:00-00:01"]\nbandwidth = "1GiB"\n')
    always = configure(folder, '[routes.windows]\nopen = ["00:00-12:00", "12:00-24:00"]\n')

    with closing(wiring.system(closed, emit=lambda _: None)) as system:
        now = system.now()
        assert bool(system.rests("r")) != ((now.weekday(), now.hour, now.minute) == (0, 0, 0))
    assert converge(always).outcome is Outcome.COPIED


def test_mistakes_in_the_windows_are_all_named(folder):
    with pytest.raises(ConfigError) as caught:
        configure(folder, '[routes.windows]\nopen = ["whenever", "sun"]\nbandwidth = "fast"\nshut = true\n')

    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [
        "routes[0].windows.open[0]", "routes[0].windows.bandwidth", "routes[0].windows.shut",
    ]  # fmt: skip
