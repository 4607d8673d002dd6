"""The page in a real browser: Debian's chromium and its driver. Skipped, with a line, where there is none."""

import itertools

import pytest

from page.conftest import CAUSES, Server, World, click

pytestmark = pytest.mark.slow


@pytest.fixture
def url(tmp_path):
    world = World(tmp_path)
    world.failed({CAUSES[0]: [f"in/{n}.jpg" for n in range(37)], CAUSES[1]: ["<b>odd</b>.txt"]}, minutes=30)
    with Server(world) as server:
        yield world, server.url


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
    serious = []
    for page, width, scheme in itertools.product(("/", "/?route=photos"), (400, 1600), ("light", "dark")):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(address + page)
        axe = Axe(browser)
        axe.inject()
        violations = axe.run()["violations"]
        serious += [
            (page, width, scheme, each["id"]) for each in violations if each["impact"] in ("serious", "critical")
        ]
    assert serious == []
