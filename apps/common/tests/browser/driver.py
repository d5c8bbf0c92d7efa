"""A small WebDriver client (W3C WebDriver, Level 2) for headless Chromium."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"  # the key under which WebDriver names an element
_STARTED: Final = re.compile(rb"started successfully on port (\d+)")
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)
ENTER: Final = "\ue007"
ESCAPE: Final = "\ue00c"
TAB: Final = "\ue004"
UP: Final = "\ue013"
DOWN: Final = "\ue015"
SHIFT: Final = "\ue008"


class BrowserError(Exception):
    """The browser refused a command, or a condition did not come true in time."""


def find_programs() -> tuple[str, str]:
    """Returns the paths of Chromium and its driver. Raises BrowserError with the packages to install."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        raise BrowserError("Chromium and its driver are needed: apt-get install chromium chromium-driver")
    return browser, driver


class Browser:
    """A browser with its own profile, hence its own storage and session."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client = client
        self._path = f"/session/{session}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = self._client.request(method, self._path + path, json=body if method == "POST" else None)
        value = response.json()["value"]
        if response.is_error:
            raise BrowserError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def go(self, url: str) -> None:
        """Open an address."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a function body in the page and return its value, resolved if it is a promise."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def element(self, selector: str, patience: float = 10) -> str:
        """Wait for the first visible element that matches, and return its id."""
        script = (
            "return [...document.querySelectorAll(arguments[0])].find((one) => one.checkVisibility()) ?? null"
        )
        found = self.until(lambda: self.run(script, selector), f"an element {selector}", patience)
        return str(found[_ELEMENT])

    def click(self, selector: str) -> None:
        """Click the middle of an element, which must not be covered."""
        self._act(selector, "click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        self._act(selector, "value", {"text": text})

    def _act(self, selector: str, action: str, body: dict[str, Any], tries: int = 5) -> None:
        """Act on an element. Look it up again if the page redrew it in between."""
        try:
            self._call("POST", f"/element/{self.element(selector)}/{action}", body)
        except BrowserError as error:
            if tries == 1 or not str(error).startswith("stale element"):
                raise
            self._act(selector, action, body, tries - 1)

    def press(self, *keys: str) -> None:
        """Press keys one after the other; they go to the focused element."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def until(self, condition: Callable[[], Any], what: str, patience: float = 10) -> Any:
        """Wait until the condition is true and return its value. Raises BrowserError, which names `what`."""
        deadline = time.monotonic() + patience
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise BrowserError(f"{what} did not appear within {patience:.0f} s")
            time.sleep(0.05)
        return value

    def sees(self, text: str, selector: str = "main", patience: float = 10) -> None:
        """Wait until an element contains a text."""
        script = "return document.querySelector(arguments[0])?.innerText.includes(arguments[1]) ?? false"
        self.until(lambda: self.run(script, selector, text), f"{text!r} in {selector}", patience)

    def gives(self, script: str, value: object, what: str, patience: float = 10) -> None:
        """Wait until a script returns a value."""
        self.until(lambda: self.run(script) == value, what, patience)

    def devtools(self, command: str, **parameters: Any) -> Any:
        """A command of the Chrome DevTools Protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int, *, scale: float = 1, phone: bool = False) -> None:
        """Set the size of the page in CSS pixels; `phone` emulates touch instead of a mouse."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone}
        self.devtools("Emulation.setDeviceMetricsOverride", **metrics)
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, **features: str) -> None:
        """Set media features, such as `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.devtools("Emulation.setEmulatedMedia", features=wanted)

    def complaints(self) -> list[str]:
        """Returns the SEVERE entries of the browser's log since the last call: errors, policy violations."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def picture(self, path: Path) -> None:
        """Save a screenshot as PNG."""
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def window(self) -> str:
        """Returns the handle of the current window."""
        return str(self._call("GET", "/window"))

    def windows(self) -> list[str]:
        """Returns the handles of all windows."""
        return list(self._call("GET", "/window/handles"))

    def switch(self, window: str) -> None:
        """Make another window the current one."""
        self._call("POST", "/window", {"handle": window})

    def close_window(self) -> None:
        """Close the current window; call `switch` next."""
        self._call("DELETE", "/window")

    def close(self) -> None:
        """End the browser."""
        self._client.delete(self._path)


class Driver:
    """Runs chromedriver and the browsers started through it until the context ends."""

    def __init__(self) -> None:
        self._binary, self._driver = find_programs()
        self._folder = tempfile.TemporaryDirectory(prefix="console-browser-", ignore_cleanup_errors=True)
        self._browsers: list[Browser] = []

    def __enter__(self) -> Self:
        command = [self._driver, "--port=0", f"--log-path={self._folder.name}/driver.log"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := _STARTED.search(line):
                self._client = httpx.Client(
                    base_url=f"http://127.0.0.1:{int(found[1])}", timeout=60, trust_env=False
                )
                return self
        raise BrowserError("chromedriver did not start")

    def browser(self, *flags: str) -> Browser:
        """Start a browser with an empty profile."""
        profile = tempfile.mkdtemp(dir=self._folder.name)
        options = {"binary": self._binary, "args": [*_FLAGS, *flags, f"--user-data-dir={profile}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        response = self._client.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
        value = response.json()["value"]
        if response.is_error:
            raise BrowserError(value["message"])
        browser = Browser(self._client, value["sessionId"])
        self._browsers.append(browser)
        return browser

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for browser in self._browsers:
            browser.close()
        self._client.close()
        self._process.terminate()
        self._process.wait(timeout=10)
        self._folder.cleanup()


@contextmanager
def browsers(count: int) -> Iterator[list[Browser]]:
    """Start `count` browsers, each with its own profile."""
    with Driver() as driver:
        yield [driver.browser() for _ in range(count)]
