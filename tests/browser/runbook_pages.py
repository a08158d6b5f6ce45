#!/usr/bin/env python3
"""Opens the HTML runbook of every example in headless Chromium and holds it to what a page must be.

No console message, no request, no overflow at 360, 800 and 1400 px, a whole print, links that open what they lead to,
and no violation that axe-core finds. Needs chromium and chromedriver, which it drives over WebDriver with Python's own
library alone, and axe-core (scripts/install.sh fetches it).

  runbook_pages.py --program build/dev/bin/falsework [--screenshots DIR] [--page FILE | EXAMPLE...]

Exits with 77, which CTest takes for "skipped", when there is no browser.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTHS = (360, 800, 1400)
SKIPPED = 77


def find_axe():
    root = pathlib.Path(os.environ.get("FALSEWORK_AXE_ROOT", "/var/cache/falsework/axe-core"))
    return root / "axe.min.js"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Browser:
    """One session of Chromium."""

    def __init__(self, chromium, chromedriver, directory):
        self.port = free_port()
        self.driver = subprocess.Popen([chromedriver, f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--user-data-dir={directory}/profile"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium refuses its sandbox to root
        self.session = ""
        for _ in range(100):
            try:
                if self.call("GET", "/status")["ready"]:
                    break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.session = f"/session/{answer['sessionId']}"

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.read().decode()[:2000]}") from error

    def post(self, path, body=None):
        return self.call("POST", self.session + path, body)

    def run(self, script, *arguments):
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script):
        return self.post("/execute/async", {"script": script, "args": []})

    def devtools(self, command, **parameters):
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.post("/url", {"url": "about:blank"})
        self.log("performance")
        self.log("browser")
        self.post("/url", {"url": url})

    def log(self, kind):
        return self.post("/se/log", {"type": kind})

    def resize(self, width):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def scheme(self, value):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def screenshot(self, path):
        width, height = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        answer = self.devtools("Page.captureScreenshot", captureBeyondViewport=True, format="png",
                               clip={"x": 0, "y": 0, "width": width, "height": min(height, 16000), "scale": 1})
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()


class Page:
    """The checks of one page; each returns what is wrong, in words."""

    def __init__(self, browser, axe, url):
        self.browser, self.axe, self.url = browser, axe, url

    def requests(self):
        problems = []
        for entry in self.browser.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            wanted = message["params"]["request"]["url"]
            if wanted.split("#")[0] != self.url and not wanted.startswith("data:"):
                problems.append(f"asks for {wanted}")
        return problems

    def console(self):
        return [f"console: {entry['message']}" for entry in self.browser.log("browser")]

    def overflow(self):
        problems = []
        for width in WIDTHS:
            self.browser.resize(width)
            for unfolded in (False, True):
                self.unfold(unfolded)
                found = self.browser.run("""
                    const limit = document.documentElement.clientWidth, found = [];
                    for (const each of document.body.querySelectorAll('*')) {
                      const box = each.getBoundingClientRect();
                      if (box.right > limit + 0.5 && box.width > 0 && !each.closest('.graph > svg'))
                        found.push(each.tagName + ' ' + each.textContent.slice(0, 40));
                    }
                    if (document.documentElement.scrollWidth > limit) found.push('the page');
                    return found.slice(0, 3);""")
                problems += [f"at {width} px past the edge: {each}" for each in found]
        return problems

    def unfold(self, value):
        self.browser.run("document.activeElement.blur()")
        self.browser.run("document.querySelectorAll('details.step').forEach((each) => { each.open = arguments[0]; })", value)

    def accessibility(self, where, rules=None):
        if not self.browser.run("return 'axe' in window"):
            self.browser.devtools("Runtime.evaluate", expression=self.axe)
        options = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = rules
        found = self.browser.run_async("""
            const done = arguments[arguments.length - 1];
            axe.run(document, %s).then(
              (result) => done(result.violations.map((each) => each.id + ': ' + each.help + ' ' +
                each.nodes.slice(0, 2).map((node) => node.html.slice(0, 160)).join(' | '))),
              (error) => done(['axe failed: ' + error]));""" % json.dumps(options))
        return [f"axe, {where}: {each}" for each in found]

    def links(self):
        return self.browser.run("""
            const ids = new Set([...document.querySelectorAll('[id]')].map((each) => each.id)), found = [];
            if (ids.size !== document.querySelectorAll('[id]').length) found.push('an id stands twice');
            for (const each of document.querySelectorAll('a')) {
              const to = each.getAttribute('href');
              if (!to.startsWith('#') || !ids.has(to.slice(1))) found.push('a link leads nowhere: ' + to);
            }
            for (const phase of document.querySelectorAll('h3[id^=phase-]')) ids.delete(phase.id);
            return found.slice(0, 3);""")

    def folding(self):
        """Steps are folded, a link opens the one that it leads to, and the keyboard opens and folds it."""
        problems = []
        if self.browser.run("return document.querySelectorAll('details.step[open]').length") != 0:
            problems.append("steps are open at first")
        if not self.browser.run("return document.getElementById('step-1') !== null"):
            return problems
        self.browser.run("location.hash = '#step-1'")
        if not self.browser.run_async("""
                const done = arguments[0];
                setTimeout(() => done(document.getElementById('step-1').open), 50);"""):
            problems.append("a link to step 1 does not open it")
        self.browser.run("document.querySelector('#step-1 > summary').focus()")
        self.press("Enter", "\r")
        if self.browser.run("return document.getElementById('step-1').open"):
            problems.append("Enter does not fold a step")
        return problems

    def press(self, key, text):
        self.browser.devtools("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, text=text,
                              windowsVirtualKeyCode=13)
        self.browser.devtools("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=13)

    def keyboard(self):
        """The first stop of Tab is the way past the contents."""
        self.browser.devtools("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
        first = self.browser.run("return document.activeElement.className")
        return [] if first == "skip" else [f"Tab comes to {first!r} first"]

    def prints(self, screenshots, name):
        self.browser.run("""
            window.unfolded = 0;
            addEventListener('beforeprint', () => {
              window.unfolded = document.querySelectorAll('details.step[open]').length;
            });""")
        pdf = base64.b64decode(self.browser.post("/print", {}))
        if screenshots:
            (screenshots / f"{name}.pdf").write_bytes(pdf)
        problems = [] if pdf.startswith(b"%PDF") and len(pdf) > 20000 else ["does not print"]
        if not self.browser.run("return window.unfolded === document.querySelectorAll('details.step').length"):
            problems.append("prints folded steps")
        return problems


def check(browser, axe, name, path, screenshots):
    url = path.as_uri()
    page = Page(browser, axe, url)
    browser.scheme("light")
    browser.resize(1400)
    browser.open(url)
    problems = page.folding()
    browser.open(url)
    problems += page.keyboard() + page.links() + page.prints(screenshots, name) + page.overflow()
    problems += page.requests() + page.console()
    # All rules once, then those that the width and the colours can change.
    for width, scheme, rules in ((1400, "light", None), (1400, "dark", ["color-contrast"]),
                                 (360, "light", ["target-size", "scrollable-region-focusable", "td-headers-attr"])):
        browser.resize(width)
        browser.scheme(scheme)
        page.unfold(True)
        problems += page.accessibility(f"{width} px, {scheme}", rules)
    if screenshots:
        for width, scheme in ((1400, "light"), (1400, "dark"), (800, "light"), (360, "light")):
            browser.resize(width)
            browser.scheme(scheme)
            page.unfold(False)
            browser.screenshot(screenshots / f"{name}-{width}-{scheme}.png")
    return problems


def pages_of(options, directory):
    """The pages to look at, by name: those that are given, or the runbooks of the examples."""
    if options.page:
        yield from ((page.stem, page.resolve()) for page in options.page)
        return
    for example in sorted((ROOT / "plans" / "examples").iterdir()):
        if options.examples and not any(example.name.startswith(each) for each in options.examples):
            continue
        if not (example / "plan.json").exists():
            continue
        path = directory / f"{example.name}.html"
        subprocess.run([options.program, "runbook", example / "plan.json", "--format", "html", "-o", path],
                       check=True, stdout=subprocess.DEVNULL)
        yield example.name, path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path, action="append", help="a file instead of the examples")
    parser.add_argument("examples", nargs="*", help="names or beginnings of names; all without")
    options = parser.parse_args()
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not chromedriver:
        print("skipped: no chromium and chromedriver here; scripts/browser-test.sh installs them")
        return SKIPPED
    axe = find_axe()
    if not axe.exists():
        print(f"no {axe}: run scripts/install.sh")
        return 1
    if options.screenshots:
        options.screenshots.mkdir(parents=True, exist_ok=True)
    failed = pages = 0
    with tempfile.TemporaryDirectory(prefix="falsework-browser-", ignore_cleanup_errors=True) as directory:
        browser = Browser(chromium, chromedriver, directory)
        try:
            for name, path in pages_of(options, pathlib.Path(directory)):
                problems = check(browser, axe.read_text(encoding="utf-8"), name, path, options.screenshots)
                pages += 1
                failed += 1 if problems else 0
                for problem in problems:
                    print(f"{name}: {problem}")
        finally:
            browser.close()
    print(f"{pages - failed} of {pages} pages are as they should be")
    return 0 if pages > 0 and failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
