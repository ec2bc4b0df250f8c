"""The explorer in Chromium: its numbers beside Python's, dragging, keyboard, accessibility, size and speed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

import eoc
from eoc.explorer import explorer_page

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")

ACTIVATIONS = ("tanh", "relu", "gelu", "sign")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
SEED = 11


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explorer") / "page.html"
    path.write_text(explorer_page(ACTIVATIONS), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome, page: Path) -> webdriver.Chrome:
    chromium.get("about:blank")
    chromium.get(page.as_uri())
    ready(chromium)
    return chromium


def ready(driver: webdriver.Chrome) -> None:
    WebDriverWait(driver, 60).until(lambda one: one.execute_script("return !!(window.explorer && explorer.ready)"))


def at(driver: webdriver.Chrome, **state: Any) -> dict[str, Any]:
    """Everything the page computes at a place."""
    return driver.execute_script(
        """explorer.set(arguments[0]); explorer.refresh();
        const { q, e, limit, chi, slope, star, gradient, law } = explorer.computed;
        return { q: q.map(String), e, limit: String(limit), chi: String(chi), slope, star, gradient, law };""",
        state,
    )


def number(text: str) -> float:
    return float(text.replace("Infinity", "inf"))


def test_fifty_places_have_the_numbers_of_the_package(browser: webdriver.Chrome) -> None:
    rng = np.random.default_rng(SEED)
    seen = 0
    for k in range(50):
        name, sigma_w, sigma_b = ACTIVATIONS[k % 3], rng.uniform(0.4, 2.2), rng.uniform(0.0, 1.2)
        q, c = float(rng.uniform(0.2, 3.0)), float(rng.uniform(-0.8, 0.95))
        shown = at(browser, activation=name, sigma_w=sigma_w, sigma_b=sigma_b, q=q, c=c, depth=12)
        phase = eoc.phase_of(name, sigma_w, sigma_b, q)
        if phase.phase == "divergent":
            assert number(shown["limit"]) == np.inf
            continue
        seen += 1
        run = eoc.propagate(name, sigma_w, sigma_b, q=q, c=c, depth=12)
        assert number(shown["limit"]) == pytest.approx(phase.q, rel=1e-10)
        assert number(shown["chi"]) == pytest.approx(phase.chi_1, rel=1e-10)
        assert shown["slope"] == pytest.approx(phase.slope, abs=1e-10)
        assert 1.0 - shown["star"]["e"] == pytest.approx(phase.c_star, abs=1e-10)
        assert shown["e"] == pytest.approx(run.one_minus_c[:, 0, 1], rel=1e-9)
        assert shown["gradient"] == pytest.approx(run.gradient[:, 0], rel=1e-9)
    assert seen >= 30


def test_the_edge_of_chaos_is_found_with_its_law(browser: webdriver.Chrome) -> None:
    for name, sigma_b in (("tanh", 0.3), ("gelu", 0.6), ("relu", 0.0)):
        at(browser, activation=name, sigma_w=1.0, sigma_b=sigma_b, q=1.0)
        browser.find_element(By.ID, "edge").click()
        shown = at(browser)
        point = eoc.edge_of_chaos(name, sigma_b=sigma_b).best
        assert browser.execute_script("return explorer.state.sigma_w") == pytest.approx(point.sigma_w, rel=1e-9)
        assert "On the edge of chaos" in browser.find_element(By.ID, "verdict").text
        assert shown["law"]["constant"] == pytest.approx(point.law.constant, rel=1e-5)


def test_it_begins_where_is_recommended(browser: webdriver.Chrome) -> None:
    place = eoc.recommend(ACTIVATIONS[0])
    for _ in range(2):
        state = browser.execute_script("return explorer.state")
        assert (state["sigma_w"], state["sigma_b"]) == pytest.approx((place.sigma_w, place.sigma_b), rel=1e-12)
        at(browser, sigma_w=2.0)
        browser.find_element(By.ID, "recommended").click()
    at(browser, activation="sign")
    assert not browser.find_element(By.ID, "recommended").is_enabled()


def test_a_jump_has_no_gradients(browser: webdriver.Chrome) -> None:
    shown = at(browser, activation="sign", sigma_w=1.2, sigma_b=0.5, q=1.0, c=0.3, depth=10)
    run = eoc.propagate("sign", 1.2, 0.5, q=1.0, c=0.3, depth=10)
    assert number(shown["chi"]) == np.inf
    assert shown["e"] == pytest.approx(run.one_minus_c[:, 0, 1], rel=1e-9)
    assert "no second moment" in browser.find_element(By.ID, "verdict").text


def test_the_point_is_dragged_and_the_address_follows(browser: webdriver.Chrome) -> None:
    panel = browser.find_element(By.ID, "panel-diagram")
    at(browser, sigma_w=1.0, sigma_b=0.2)
    ActionChains(browser).move_to_element(panel).click_and_hold().move_by_offset(40, -50).release().perform()
    moved = browser.execute_script("return explorer.state")
    assert (moved["sigma_w"], moved["sigma_b"]) != (1.0, 0.2)
    assert 0.5 < moved["sigma_w"] < 3.0
    assert 0.5 < moved["sigma_b"] < 2.0
    browser.execute_script("explorer.refresh()")
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    ready(browser)
    assert browser.execute_script("return explorer.state") == pytest.approx(moved)


def test_keys_move_sliders_and_text_follows(browser: webdriver.Chrome) -> None:
    at(browser, activation="tanh", sigma_w=1.0, sigma_b=0.2)
    before = browser.find_element(By.ID, "verdict").text
    slider = browser.find_element(By.ID, "sigma_w")
    for _ in range(10):
        slider.send_keys(Keys.PAGE_UP)
    assert browser.execute_script("return explorer.state.sigma_w") > 1.2
    WebDriverWait(browser, 10).until(lambda one: one.find_element(By.ID, "verdict").text != before)
    typed = browser.find_element(By.ID, "sigma_b_number")
    typed.clear()
    typed.send_keys("0.7")
    assert browser.execute_script("return explorer.state.sigma_b") == 0.7
    assert "--sigma-b 0.7" in browser.execute_script("explorer.refresh(); return command.textContent")


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (400, "light")])
def test_nothing_is_wrong_in_either_scheme_or_on_a_phone(
    chromium: webdriver.Chrome, page: Path, width: int, scheme: str
) -> None:
    from axe_core_python.selenium import Axe

    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        chromium.get_log("browser")
        chromium.get("about:blank")
        chromium.get(page.as_uri())
        ready(chromium)
        faults = [one for one in Axe().run(chromium)["violations"] if one["impact"] in ("serious", "critical")]
        assert not faults, [(one["id"], [node["html"][:120] for node in one["nodes"]][:3]) for one in faults]
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= width
        wrong = [line for line in chromium.get_log("browser") if line["level"] in ("SEVERE", "WARNING")]
        assert not wrong
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_page_is_small_and_every_panel_is_drawn(browser: webdriver.Chrome, page: Path) -> None:
    assert page.stat().st_size < 6e6
    assert len(browser.find_elements(By.CSS_SELECTOR, ".plot")) == 7
    for name in ("variance-map", "correlation-web", "distance-run", "gradient-run", "density-0", "circle-points"):
        WebDriverWait(browser, 20).until(
            lambda one, name=name: one.execute_script(
                "return documents[arguments[0].split('-')[0]].get_model_by_name(arguments[0]).data.x.length > 2", name
            )
        )
