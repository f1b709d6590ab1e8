"""
A headless Chromium, driven through its DevTools pipe: two file descriptors, so neither a port nor a package is needed.

The protocol: https://chromedevtools.github.io/devtools-protocol/ (messages are JSON, each ended by a zero byte).
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0  # a slow machine is no failure
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # root, as in a container, cannot have one; only our own pages are opened
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever a page asked for, it would not leave this machine
)

# The browser reads commands from descriptor 3 and writes to 4: ours are put there, whatever their numbers are.
LAUNCH = """
import fcntl, os, sys
high = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for place, end in zip((3, 4), high):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""

Message = dict[str, Any]


def find_chromium() -> str | None:
    """Give the browser of this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Chromium:
    """One browser process; pages are opened in it one after the other."""

    def __init__(self, program: str, profile: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        ends = (str(to_read), str(to_write))
        command = [sys.executable, "-c", LAUNCH, *ends, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.log = profile / "browser.log"
        profile.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(to_read, to_write)
            )
        os.close(to_read)
        os.close(to_write)
        self._rest, self._last = b"", 0
        self._waiting: list[Message] = []

    def close(self) -> None:
        """End the browser, by request, else by force."""
        try:
            self.send("Browser.close")
            self._process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        finally:
            os.close(self._read)
            os.close(self._write)

    def send(self, method: str, session: str | None = None, **params: Any) -> Message:
        """Call a method of the protocol and wait for what it returns."""
        self._last += 1
        asked = {"id": self._last, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        number = self._last
        answer = self.wait_for(lambda message: message.get("id") == number, method)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        result: Message = answer["result"]
        return result

    def wait_for(self, wanted: Callable[[Message], bool], what: str) -> Message:
        """Take the first message that is wanted; the others are kept for later."""
        until = time.monotonic() + PATIENCE_S
        for message in self._waiting:
            if wanted(message):
                self._waiting.remove(message)
                return message
        while True:
            for message in self._receive(until, what):
                self._waiting.append(message)
            for message in self._waiting:
                if wanted(message):
                    self._waiting.remove(message)
                    return message

    def take_events(self, session: str) -> list[Message]:
        """Give the events of a page so far, and forget them."""
        mine = [m for m in self._waiting if m.get("sessionId") == session and "method" in m]
        self._waiting = [m for m in self._waiting if m not in mine]
        return mine

    def _receive(self, until: float, what: str) -> Iterator[Message]:
        ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
        chunk = os.read(self._read, 1 << 20) if ready else b""
        if not chunk:
            said = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{what}: the browser {'said nothing' if not ready else 'ended'}; its log: {said}")
        *whole, self._rest = (self._rest + chunk).split(b"\0")
        for message in whole:
            yield json.loads(message)


class Page:
    """One tab: what it asks for and complains about is kept from before it loads."""

    def __init__(self, browser: Chromium) -> None:
        self._browser = browser
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime", "Audits", "DOM", "Accessibility"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> Message:
        """Call a method of the protocol in this tab."""
        return self._browser.send(method, self._session, **params)

    def close(self) -> None:
        """Close the tab."""
        self._browser.send("Target.closeTarget", targetId=self._target)

    def shape(self, width: int, height: int, theme: str = "light", media: str = "") -> None:
        """Take a size [px] and the reader's theme; ``media`` is ``print``, or empty for a screen."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def open(self, url: str) -> None:
        """Go to an address and wait until everything has loaded."""
        self.send("Page.navigate", url=url)
        mine = self._session
        self._browser.wait_for(
            lambda m: m.get("method") == "Page.loadEventFired" and m.get("sessionId") == mine, f"load {url}"
        )

    def evaluate(self, script: str) -> Any:
        """Give the value of a script's expression, a promise's once it is kept."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def point_at(self, x: float, y: float) -> None:
        """Move the pointer to a place of the viewport. [px]"""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def troubles(self) -> list[str]:
        """Tell what the page complained of and asked for since the last call, beyond itself and what it carries."""
        return [line for event in self._browser.take_events(self._session) if (line := _trouble(event))]

    def screenshot(self, path: Path) -> None:
        """Write the whole page as PNG."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def print(self, path: Path) -> None:
        """Write what a printer would get as PDF."""
        printed = self.send("Page.printToPDF", preferCSSPageSize=True, printBackground=False)
        path.write_bytes(base64.b64decode(printed["data"]))


@contextmanager
def run_chromium(program: str, profile: Path) -> Iterator[Chromium]:
    """Run a browser with a profile of its own as long as the block lasts."""
    browser = Chromium(program, profile)
    try:
        browser.send("Browser.getVersion")
        yield browser
    finally:
        browser.close()


def _trouble(event: Mapping[str, Any]) -> str | None:
    """Say an event in a line if it is a complaint or a request of something outside."""
    method, params = event["method"], event["params"]
    if method == "Network.requestWillBeSent":
        url = params["request"]["url"]
        return None if url.startswith(("data:", "file:", "about:")) else f"asked for {url}"
    if method == "Network.loadingFailed":
        return f"failed to load: {params['errorText']} {params.get('blockedReason', '')}"
    if method == "Log.entryAdded":
        entry = params["entry"]
        return f"{entry['level']}: {entry['text']} {entry.get('url', '')}"
    if method == "Runtime.consoleAPICalled":
        return f"console.{params['type']}: {[a.get('value') for a in params['args']]}"
    if method == "Runtime.exceptionThrown":
        return f"exception: {params['exceptionDetails']['text']}"
    if method == "Audits.issueAdded" and params["issue"]["code"] != "LazyLoadImageIssue":  # loads later, as it says
        return f"issue: {params['issue']['code']} {json.dumps(params['issue']['details'])[:300]}"
    return None
