"""Look at every page of the site in headless Chromium, on a desktop and a phone, light and dark: ``make look``.

A finding is a page that scrolls sideways, says anything on the console, or asks for anything that is not on the disk.
Where there is no Chromium, nothing is looked at, and that is said.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chromium import CHROMIUM, DRIVER, chromium

SCREENS = {"desktop": (1280, 1600, False), "phone": (390, 844, True)}
WIDTHS = "return [document.documentElement.scrollWidth, window.innerWidth]"
ELSEWHERE = """return performance.getEntriesByType('resource').map(one => one.name)
    .filter(name => !name.startsWith('file:') && !name.startsWith('data:'))"""


def findings(driver: Any, pages: list[Path]) -> Iterator[str]:
    """A line for everything that is wrong with a page."""
    for screen, (width, height, mobile) in SCREENS.items():
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for scheme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            for page in pages:
                driver.get(page.as_uri())
                wide, there = driver.execute_script(WIDTHS)
                said = [entry["message"] for entry in driver.get_log("browser")]
                for wrong in [*([f"{wide} wide, of {there}"] if wide > there else []), *said]:
                    yield f"{page}, {screen}, {scheme}: {wrong}"
                for name in driver.execute_script(ELSEWHERE):
                    yield f"{page}, {screen}, {scheme}: asks for {name}"


def main(site: Path) -> int:
    """Print what is wrong.

    Args:
        site: its folder.

    Returns:
        1 if anything is, else 0.
    """
    pages = sorted(path.absolute() for path in site.rglob("*.html") if "_static" not in path.parts)
    if not (CHROMIUM and DRIVER):
        print("no Chromium: the site was not looked at")
        return 0
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as driver:
        found = list(findings(driver, pages))
    print("\n".join([*found, f"{len(pages)} pages, {len(found)} findings"]))
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
