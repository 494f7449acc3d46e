"""The page in headless Chromium: it shows what is at work, takes a token, asks; on a phone, and by keys alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium, contrast, needs_chromium

from policybudget.deployment.service import page
from policybudget.deployment.service.client import running

TOKEN = "a-token-of-this-test"


def test_the_page_is_one_file_that_asks_nobody_else() -> None:
    text = page.content().decode()
    assert "http:" not in text and "https:" not in text and "//" not in re.sub(r"<!--.*?-->", "", text)
    assert not re.search(r"<[^>]* on[a-z]+=", text) and not re.search(r"<[^>]* style=", text)
    assert len(re.findall("<script", text)) == 1 == len(re.findall("<style", text))
    policy = page.headers()["content-security-policy"]
    assert "default-src 'none'" in policy and policy.count("sha256-") == 2 and "unsafe" not in policy


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        driver.implicitly_wait(10)
        yield driver


@pytest.fixture(scope="module")
def served(sealed: Path) -> Iterator[str]:
    with running(sealed, ("--drain", "0"), os.environ | {"POLICYBUDGET_TOKEN": TOKEN}) as (url, _):
        yield url


def sized(browser: Any, width: int) -> None:
    about = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", about)


def found(browser: Any, name: str) -> Any:
    from selenium.webdriver.common.by import By

    return browser.find_element(By.ID, name)


def entered(browser: Any, url: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.get(url)
    wait(browser, lambda: found(browser, "enter").is_displayed())
    browser.switch_to.active_element.send_keys(TOKEN, Keys.ENTER)
    wait(browser, lambda: found(browser, "work").is_displayed())


def wait(browser: Any, until: Any) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 10, 0.05).until(lambda _: until())


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_used_by_keys_alone(served: str, browser: Any, width: int) -> None:
    from selenium.webdriver.common.keys import Keys

    sized(browser, width)
    entered(browser, served)
    rows = found(browser, "rows").text
    assert "not approved" in rows and "yes" in rows and len(re.findall(r"[0-9a-f]{16}…", rows)) == 2
    assert "Served by none: 1 of 3 users." in found(browser, "users").text
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width, "no sideways scrolling"

    keys = browser.switch_to.active_element
    reached = []
    for _ in range(8):
        keys.send_keys(Keys.TAB)
        keys = browser.switch_to.active_element
        reached.append(keys.get_attribute("id") or keys.text)
        assert browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert keys.size["height"] >= 44, "large enough for a thumb"
        if reached[-1] == "name":
            keys.send_keys("bob", Keys.ENTER)
            wait(browser, lambda: found(browser, "assigned").text)
        if reached[-1] == "observation":
            keys.send_keys("0.5", Keys.ENTER)
            wait(browser, lambda: found(browser, "acted").text)
            break
    assert reached == ["how", "name", "Ask", "policy", "observation"]
    assert found(browser, "assigned").text == "Policy 1; expected return 20, 20 more than the second best"
    assert found(browser, "acted").text == "Action 5"
    assert browser.get_log("browser") == []


@needs_chromium
def test_what_is_wrong_is_shown(served: str, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select

    sized(browser, 1280)
    entered(browser, served)
    found(browser, "observation").send_keys("1 2", Keys.ENTER)
    wait(browser, lambda: "observation must be finite numbers of shape (1,)" in found(browser, "acted").text)
    Select(found(browser, "how")).select_by_value("weights")
    inputs = found(browser, "numbers").find_elements(By.TAG_NAME, "input")
    for field, value in zip(inputs, ("1", "8", "x"), strict=True):
        field.send_keys(value)
    inputs[0].send_keys(Keys.ENTER)
    wait(browser, lambda: found(browser, "assigned").text == 'expected a number, got "x"')
    inputs[2].send_keys(Keys.BACKSPACE, "0", Keys.ENTER)
    wait(browser, lambda: found(browser, "assigned").text.startswith("Policy 1; expected return 8 ± 0, 7 more"))
    browser.get_log("browser")  # a refusal is a line of the console, too


@needs_chromium
def test_text_stands_out_from_its_ground(served: str, browser: Any) -> None:
    entered(browser, served)
    pairs = browser.execute_script(
        """
        const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (c !== 'rgba(0, 0, 0, 0)') return c } return 'rgb(255, 255, 255)' };
        return [...document.querySelectorAll('h1,h2,p,td,th,label,small,button,input,select,output,code')]
            .filter(e => e.checkVisibility()).map(e => [getComputedStyle(e).color, ground(e)])
        """
    )
    assert len(pairs) > 25
    assert min(contrast(ink, paper) for ink, paper in pairs) >= 4.5, "WCAG 2.1 AA"
