"""A real browser: Debian's chromium, driven by its chromedriver, and what it complains of."""

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any

AXE = Path(__file__).parent / "axe"
NARROW = 360

_CHECK = """
const done = arguments[arguments.length - 1];
axe.run({resultTypes: ["violations"]}).then(
  found => done(found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html)])),
  error => done([["serious", String(error), []]]));
"""


def axe_source(folder):
    """Install axe-core, as pinned, into *folder*; return its script."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(AXE / name, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    return (Path(folder) / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


class Browser:
    """A window of the browser."""

    def __init__(self, driver, address, axe):
        self.driver: Any = driver
        self.address = address
        self._axe = axe

    def go(self, path):
        self.driver.get(f"{self.address}/console/{path}")

    def width(self, width):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scheme(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    @property
    def text(self):
        return self.driver.execute_script("return document.getElementById('main').innerText")

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def follow(self, text):
        self._leave_by("link text", text)

    def press(self, text):
        self._leave_by("xpath", f"//button[normalize-space()='{text}']")

    def _leave_by(self, by, what):
        """Click on what leads to another page, and wait until that is there; a page may show what is new meanwhile."""
        from selenium.common.exceptions import StaleElementReferenceException  # noqa: PLC0415 - as below

        def clicked():
            self.driver.execute_script("window.isLeft = true")
            try:
                self.driver.find_element(by, what).click()
            except StaleElementReferenceException:
                return False
            return True

        def has_arrived():
            return self.driver.execute_script("return !window.isLeft && document.readyState === 'complete'")

        self.until(clicked)
        self.until(has_arrived)

    def until(self, holds):
        """Wait until *holds*, a page's time and not more."""
        from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415 - for `make test-more` alone

        WebDriverWait(self.driver, 20).until(lambda _: holds())

    # What is complained of

    def faults(self):
        """Return what is wrong with the page that is shown: to axe-core, in the console, or wider than the window."""
        self.driver.execute_script(self._axe)
        found = self.driver.execute_async_script(_CHECK)
        faults = [one for one in found if one[0] in {"serious", "critical"}]
        width = self.driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        return faults + ([f"{width[0]} wide in {width[1]}"] if width[0] > width[1] else []) + self.complaints()

    def complaints(self):
        """Return what the console has told since it was asked last; of answers that say no, it tells by itself."""
        told = [one["message"] for one in self.driver.get_log("browser")]
        return [one for one in told if "Failed to load resource" not in one]

    def hosts(self):
        """Return the addresses of all that was requested since this was asked last, but for the server's own."""
        told = [json.loads(one["message"])["message"] for one in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]
        return [one for one in asked if not one.startswith((self.address + "/", "data:"))]


@contextmanager
def browser(address, axe):
    """Open a window; it is closed with the block."""
    from selenium import webdriver  # noqa: PLC0415 - as above
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Browser(driver, address, axe)
    finally:
        driver.quit()
