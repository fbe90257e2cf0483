"""A real browser over HTTPS, driven by the shop's data-testid names.

A `Browser` has a profile of its own (its own storage: another person); its tabs share one.
"""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import (ElementClickInterceptedException, NoSuchElementException,
                                        StaleElementReferenceException)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from .deadline import until
from .server import OUTPUT, Server

CHROMIUM, CHROMEDRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
DESKTOP, PHONE = (1280, 900), (390, 844)
SHOWN_WITHIN = 10.0

# Collects the words that the status of the followed order goes through, and when each was shown.
_WATCH_ORDER = """
window.watched = [];
window.watchedAt = [];
new MutationObserver(() => {
  const word = document.querySelector('[data-testid="order-status"]')?.dataset.status;
  if (word && watched.at(-1) !== word) {
    watched.push(word);
    watchedAt.push(performance.now() / 1000);
  }
}).observe(document.documentElement,
           { subtree: true, childList: true, attributes: true, attributeFilter: ['data-status'] });
"""


@dataclass
class Traffic:
    """What a page sent and received, by the browser's own clock."""
    # Seconds at which an order was posted.
    posts: list[float] = field(default_factory=list)
    # (seconds, notification) as received on its WebSockets.
    pushes: list[tuple[float, dict]] = field(default_factory=list)


def is_installed() -> bool:
    return CHROMIUM.exists() and CHROMEDRIVER.exists()


class Browser:
    def __init__(self, server: Server, size: tuple[int, int] = DESKTOP, below: str = ""):
        self.base = f"https://localhost:{server.https[1]}{below}"
        self._profile = tempfile.TemporaryDirectory(prefix="contoso-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage",
                         "--ignore-certificate-errors", "--no-first-run", "--disable-gpu",
                         "--disable-background-networking", "--disable-extensions",
                         f"--window-size={size[0]},{size[1]}",
                         f"--user-data-dir={self._profile.name}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options, Service(str(CHROMEDRIVER)))
        self.driver.set_page_load_timeout(SHOWN_WITHIN)
        self.resize(size)

    def close(self) -> None:
        self.driver.quit()
        self._profile.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def resize(self, size: tuple[int, int]) -> None:
        """Sets what the page sees, not what a window manager would make of it."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1,
            "mobile": size == PHONE})

    def open(self, path: str) -> None:
        self.driver.get(self.base + path)

    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.base)

    # Finding

    def all(self, name: str, **data: str) -> list[WebElement]:
        """The elements of that data-testid; more data attributes narrow it: product_id="AZ-900"."""
        narrowed = "".join(f'[data-{key.replace("_", "-")}="{value}"]'
                           for key, value in data.items())
        return self.driver.find_elements(By.CSS_SELECTOR, f'[data-testid="{name}"]{narrowed}')

    def one(self, name: str, **data: str) -> WebElement:
        """The first visible one, waiting until there is one."""
        return until(f"{name} {data or ''} is shown on {self.path()}",
                     lambda: next(iter(self._visible(name, data)), None), SHOWN_WITHIN)

    def _visible(self, name: str, data: dict) -> list[WebElement]:
        try:
            return [element for element in self.all(name, **data) if element.is_displayed()]
        except StaleElementReferenceException:
            return []

    def click(self, name: str, **data: str) -> None:
        """A real click. The page may draw itself anew in between; then the new one is clicked."""
        def clicked() -> bool:
            try:
                element = self.one(name, **data)
                self.driver.execute_script(
                    "arguments[0].scrollIntoView({block: 'center'})", element)
                element.click()
                return True
            except (StaleElementReferenceException, ElementClickInterceptedException):
                return False
        until(f"{name} can be clicked", clicked, SHOWN_WITHIN)

    def click_inside(self, outer: str, inner: str, **data: str) -> None:
        """The control inside one of several like parts: the button of that card, of that row."""
        def clicked() -> bool:
            try:
                part = self.one(outer, **data)
                control = part.find_element(By.CSS_SELECTOR, f'[data-testid="{inner}"]')
                self.driver.execute_script(
                    "arguments[0].scrollIntoView({block: 'center'})", control)
                control.click()
                return True
            except (StaleElementReferenceException, ElementClickInterceptedException,
                    NoSuchElementException):
                return False
        until(f"{inner} of {outer} {data} can be clicked", clicked, SHOWN_WITHIN)

    def type(self, name: str, text: str) -> None:
        field = self.one(name)
        field.clear()
        field.send_keys(text)

    def attribute(self, name: str, attribute: str) -> str | None:
        return self.one(name).get_attribute(attribute)

    # The stories' common steps

    def sign_in(self, user: str) -> None:
        self.open("/login")
        self.type("sign-in-user", user)
        self.click("sign-in-submit")
        until("the live connection stands",
              lambda: self.attribute("connection-pill", "data-state") == "connected", SHOWN_WITHIN)

    def add(self, product_id: str) -> None:
        self.type("search", product_id)
        self.click_inside("product-card", "add-to-cart", product_id=product_id)

    def go_to_cart(self) -> None:
        self.click("cart-link")
        self.one("cart-line")

    def review_order(self) -> None:
        """From the cart to the last page before the order."""
        self.driver.find_element(By.CSS_SELECTOR, 'a[href$="/checkout"]').click()
        self.one("checkout-submit")

    def check_out(self) -> None:
        """Places the order that is under review; the page then follows it."""
        self.driver.execute_script(_WATCH_ORDER)
        self.click("checkout-submit")
        self.one("order-status")

    def status(self) -> str:
        return (self.attribute("order-status", "data-status") or "").lower()

    def words(self) -> list[str]:
        """The words of the followed order's status so far."""
        return self.driver.execute_script("return window.watched")

    def seconds_to_completed(self) -> float:
        """From the first word on the page to the last, by the browser's own clock."""
        shown = self.driver.execute_script("return window.watchedAt")
        return shown[-1] - shown[0]

    # What the browser saw

    def traffic(self) -> Traffic:
        """The orders and notifications of this tab since the last call."""
        traffic = Traffic()
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            details = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                request = details["request"]
                if request["method"] == "POST" and request["url"].endswith("/api/orders"):
                    traffic.posts.append(details["timestamp"])
            elif event["method"] == "Network.webSocketFrameReceived":
                for record in details["response"]["payloadData"].split("\x1e"):
                    if '"Notification"' in record:
                        note = json.loads(record)["arguments"][0]
                        traffic.pushes.append((details["timestamp"], note))
        return traffic

    def errors(self) -> list[str]:
        """What the console holds of errors since the last call, without the network's own."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and "WebSocket connection" not in entry["message"]
                and "net::ERR_CONNECTION" not in entry["message"]]

    def screenshots(self, name: str) -> None:
        """Pictures of the page on a desk and on a phone, kept by CI; and back to the desk."""
        directory = OUTPUT / "screenshots"
        directory.mkdir(parents=True, exist_ok=True)
        for size in (DESKTOP, PHONE):
            self.resize(size)
            self.driver.save_screenshot(str(directory / f"{name}-{size[0]}x{size[1]}.png"))
            self.assert_fits(name, size)
        self.resize(DESKTOP)

    def assert_fits(self, name: str, size: tuple[int, int]) -> None:
        width = self.driver.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], f"{name} is {width} wide on a screen of {size[0]}"
