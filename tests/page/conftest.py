"""The page of a real server, over a route between directories, with failures in its lists."""

import os
import shutil
import socket
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from click.testing import CliRunner

from bucketrelay import config, wiring, wiring_jobs, wiring_serve, wiring_tables
from bucketrelay.cli import cli
from bucketrelay.clouds.local.store import LocalStore
from bucketrelay.drivers.serve.page import endpoints
from bucketrelay.model import Address, Meta, Outcome, Result
from bucketrelay.reports import lists

USER, PASSWORD, READ = "ann", "a-password-of-ann", "a-token-that-may-look"
CAUSES = (
    "503 (SlowDown): it may work later",
    "403 (AccessDenied): grant s3:PutObject",
    "cut: start over",
    "no time left",
)


@dataclass
class World:
    """A folder with a configuration, its stores, and a server for them."""

    folder: Path
    secrets: bool = False
    client: httpx.Client = field(init=False)
    server: Any = field(init=False, default=None)

    def __post_init__(self) -> None:
        stores = ""
        for name in ("source", "target", "logs"):
            (self.folder / name).mkdir()
            stores += f'[stores.{name}]\nurl = "file://{self.folder}/{name}"\n'
        route = '[[routes]]\nname = "photos"\nsource = "source"\ntargets = ["target"]\ndeletes = "follow"\n'
        more = '[alarms]\nlag = "15m"\n[[schedules]]\ncron = "0 0 29 2 *"\nreconcile = "photos"\n'
        serve = f'[serve]\nread_token = "{READ}"\nuser = "{USER}"\npassword = "{PASSWORD}"\n' if self.secrets else ""
        (self.folder / "relay.toml").write_text(f'log = "logs"\n{stores}{route}{more}{serve}')

    def store(self, name: str) -> LocalStore:
        return LocalStore(Address("file", str(self.folder / name)))

    def failed(self, causes: dict[str, list[str]], minutes: float = 5, *, objects: bool = True, **more: Any) -> None:
        """One failed list with these keys under each cause; with *objects* all of them are in the source."""
        time = datetime.now(timezone.utc) - timedelta(minutes=minutes)
        results = []
        for cause, keys in causes.items():
            for key in keys:
                if objects:
                    self.store("source").put(key, f"bytes of {key}".encode(), Meta())
                urls = [f"file://{self.folder}/{name}/{key}" for name in ("source", "target")]
                error = f"{urls[1]}: {cause}"
                results.append(Result("photos", "e", "created", *urls, key, Outcome.FAILED, time, error=error, **more))
        lists.write(self.store("logs"), results, invocation="test", now=time)

    def copied(self, lags: dict[str, float], minutes: float) -> None:
        """Copies with these lags by key; source and target hold them."""
        time = datetime.now(timezone.utc) - timedelta(minutes=minutes)
        for key in lags:
            for name in ("source", "target"):
                self.store(name).put(key, f"bytes of {key}".encode(), Meta())
        results = [
            Result(
                "photos",
                "e",
                "created",
                *(f"file://{self.folder}/{name}/{key}" for name in ("source", "target")),
                key,
                Outcome.COPIED,
                time,
                bytes=len(f"bytes of {key}"),
                lag=lag,
            )
            for key, lag in lags.items()
        ]
        lists.write(self.store("logs"), results, invocation="night", now=time)

    def run(self, *words: str):
        return CliRunner().invoke(cli, ["--config", str(self.folder / "relay.toml"), *words])

    def worked(self) -> None:
        done = self.run("worker", "--drain")
        assert done.exit_code == 0, done.output

    def copies(self) -> set[str]:
        return {info.key for info in self.store("target").list()}

    def acts(self) -> list[bytes]:
        log = self.store("logs")
        return [bytes(log.fetch(info.key, 9999).body) for info in log.list("marks/acts/")]


class Server:
    def __init__(self, world: World) -> None:
        found = config.load((world.folder / "relay.toml").read_text(), {}, world.folder)
        self.system = wiring.system(found, emit=lambda _: None)
        self.queue, self.tables = wiring_jobs.queue(found.queue), wiring_tables.tables(found.queue)
        self.statistics = wiring_tables.statistics(found.queue)
        app = wiring_serve.application(found, self.system, self.queue, self.tables, self.statistics)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.server = uvicorn.Server(uvicorn.Config(app, http="h11", ws="none", lifespan="off", log_config=None))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.server.force_exit = True  # a page that listens for changes never hangs up by itself
        self.thread.join()
        for each in (self.socket, self.system, self.queue, self.tables, self.statistics):
            each.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("BUCKETRELAY_TOML", "BUCKETRELAY_CONFIG", "RELAY_SOURCE", "RELAY_TARGETS", "RELAY_LOG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(endpoints, "_FRESH", 0.0)  # every look is a new one: what was done a moment ago is seen


def served(world: World):
    # Not to be verified: else all authorities are read, of http as well.
    options = {"timeout": 30, "trust_env": False, "verify": False}
    with Server(world) as server, httpx.Client(base_url=server.url, **options) as client:
        world.client, world.server = client, server
        yield world


@pytest.fixture
def world(tmp_path):
    yield from served(World(tmp_path))


@pytest.fixture
def guarded(tmp_path):
    yield from served(World(tmp_path, secrets=True))


CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def browser(request, tmp_path_factory):
    if not (CHROMIUM and DRIVER):
        # Somebody's own machine may have none; where changes are judged, nothing is left out.
        words = "no browser: apt-get install chromium chromium-driver"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    if not request.param:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def click(browser, words):
    """Click on the one link or button of these words, and wait for the page that it leads to."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.expected_conditions import staleness_of
    from selenium.webdriver.support.wait import WebDriverWait

    [link] = [each for each in browser.find_elements(By.CSS_SELECTOR, "a, button") if each.text == words]
    link.click()
    WebDriverWait(browser, 60).until(staleness_of(link))
