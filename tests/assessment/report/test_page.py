"""The page in headless Chromium: nothing fails, all is there, it can be read on a phone, by keyboard and on paper."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from chromium import chromium, contrast, needs_chromium

from policybudget.assessment.assess import assess_run
from policybudget.assessment.report.page import interval, number, short

SECTIONS = ("policies", "all", "behaviour", "users", "fairness", "trust", "origin", "limits")


@pytest.fixture(scope="module")
def page(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = Path(shutil.copytree(finished_run, tmp_path_factory.mktemp("page") / "run"))
    assess_run(run, 5, floor=50.0, groups="row")
    return run / "assessment.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


def test_the_page_is_whole_and_needs_nothing_else(page: Path) -> None:
    text = page.read_text()

    class Checked(HTMLParser):
        ids, links, sources, alternatives = list[str](), list[str](), list[str](), list[str]()

        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            given = {name: value or "" for name, value in attributes}
            assert tag not in ("script", "iframe", "link", "form", "object")
            assert not any(name.startswith("on") for name in given)
            self.ids += [given["id"]] if "id" in given else []
            self.links += [given["href"]] if tag == "a" else []
            self.sources += [given["src"]] if "src" in given else []
            self.alternatives += [given["alt"]] if tag == "img" else []

    Checked().feed(text)
    assert set(SECTIONS) <= set(Checked.ids) and len(set(Checked.ids)) == len(Checked.ids)
    assert all(link.removeprefix("#") in Checked.ids for link in Checked.links)
    assert len(Checked.sources) == 6 and all(source.startswith("data:image/") for source in Checked.sources)
    assert len(Checked.alternatives) == 6 and all(len(words) > 20 for words in Checked.alternatives)
    assert "http" not in re.sub(r"data:image/[^\"]*", "", text).replace("http-equiv", "")


def test_numbers_as_the_page_shows_them() -> None:
    assert (number(-1234.5), number(None), number(0.126)) == ("−1,234.50", "–", "0.13")
    assert interval({"mean": 1.0, "ci95": 0.25}) == "1.00 ± 0.25"
    assert interval({"mean": 1.0, "ci95": None}) == "1.00" and interval(None) == "–"
    assert short("a" * 70, 10) == "aaaaaaaaa…"


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_fails_and_nothing_is_cut_off(page: Path, browser: Any, width: int) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.get(page.as_uri())
    assert browser.get_log("browser") == []
    shown = browser.execute_script(
        "return [...document.images].map(i => [i.complete, i.naturalWidth, i.getBoundingClientRect().width])"
    )
    assert len(shown) == 6 and all(done and natural > 100 and 100 < seen <= width for done, natural, seen in shown)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width, "no sideways scrolling"
    cards = browser.execute_script("return document.querySelectorAll('.card').length")
    assert cards >= 1


@needs_chromium
def test_the_keyboard_reaches_everything_in_order(page: Path, browser: Any) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    browser.get(page.as_uri())
    reached = []
    for _ in range(13):
        here = browser.switch_to.active_element if reached else browser.find_element(By.TAG_NAME, "body")
        here.send_keys(Keys.TAB)
        there = browser.switch_to.active_element
        reached.append(there.get_attribute("href") or there.get_attribute("aria-label"))
        outlined = browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outlined == "solid", "it is seen where one is"
    ends = [one.rpartition("#")[2] for one in reached]
    assert ends[0] == "policies", "first, past the menu"
    assert ends[1:9] == list(SECTIONS)
    assert "Users who are served worst" in reached and "Origin" in reached


@needs_chromium
def test_text_stands_out_from_its_ground(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    pairs = browser.execute_script(
        """
        const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (c !== 'rgba(0, 0, 0, 0)') return c } return 'rgb(255, 255, 255)' };
        return [...document.querySelectorAll('h1,h2,h3,p,dt,dd,td,th,a,caption,figcaption,li,code,small,footer')]
            .filter(e => e.innerText && e.innerText.trim())
            .map(e => [getComputedStyle(e).color, ground(e), e.tagName])
        """
    )
    assert len(pairs) > 100
    assert min(contrast(ink, paper) for ink, paper, _ in pairs) >= 4.5, "WCAG 2.1 AA"


@needs_chromium
def test_it_prints(page: Path, browser: Any) -> None:
    browser.get(page.as_uri())
    printed = base64.b64decode(
        browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"]
    )
    pages = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert printed.startswith(b"%PDF") and 3 <= pages <= 12
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.execute_script("return getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
