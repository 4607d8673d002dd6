"""The page in a real browser: Debian's chromium and its driver. Skipped, with a line, where there is none."""

import os
import shutil

import pytest

from page.conftest import CAUSES, Server

pytestmark = pytest.mark.slow
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
        words = "no browser: apt-get install chromium chromium-driver"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    if not request.param:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def url(tmp_path):
    from page.conftest import World

    world = World(tmp_path)
    world.failed({CAUSES[0]: [f"in/{n}.jpg" for n in range(37)], CAUSES[1]: ["<b>odd</b>.txt"]}, minutes=30)
    with Server(world) as server:
        yield world, server.url


def click(browser, words):
    from selenium.webdriver.common.by import By

    [link] = [each for each in browser.find_elements(By.CSS_SELECTOR, "a, button") if each.text == words]
    link.click()


def test_a_person_redoes_the_failures_of_one_cause_with_two_clicks(browser, url):
    world, address = url
    browser.get(address)
    click(browser, "redo these 37")
    click(browser, "redo 37")

    assert "37 objects: job" in browser.find_element("css selector", "[role=status]").text
    world.worked()
    assert len(world.copies()) == 37


@pytest.mark.parametrize("width", [400, 800, 1600])
def test_nothing_sticks_out_at_any_width(browser, url, width):
    _, address = url
    browser.set_window_size(width, 900)
    browser.get(address)

    wide = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["width"]
    assert wide <= max(width, 500)  # headless chromium has no narrower window


def test_nobody_is_asked_for_anything_but_this_server(browser, url):
    _, address = url
    browser.execute_cdp_cmd("Network.enable", {})
    browser.get(address)

    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def test_axe_finds_nothing_serious(browser, url, request):
    if "no-scripts" in request.node.name:
        pytest.skip("axe is a script itself")
    from axe_selenium_python import Axe

    _, address = url
    # Our own policy lets no script in but ours: axe is put in by the debugger, which no policy binds.
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    browser.get(address)
    axe = Axe(browser)
    axe.inject()
    found = axe.run()
    serious = [each["id"] for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert serious == []
