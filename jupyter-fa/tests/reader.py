"""What tests of notebooks in a browser share: a JupyterLab, computed styles, the text of a PDF."""

import base64
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from urllib.request import urlopen

import websocket
from PIL import Image

from jupyter_fa.pdf import HEH_HAMZA, find_browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAB_TIMEOUT = 120

# Persian blocks that do not run right-to-left from the right edge.
WRONG_BLOCKS = """() => {
  const blocks = '.jp-RenderedHTMLCommon :is(p, h1, h2, h3, li, td, th, blockquote, caption)';
  const own = (e) => [...e.childNodes].some(
    (n) => n.nodeType === 3 && /[\\u0600-\\u06ff]/.test(n.data));
  const checked = [...document.querySelectorAll(blocks)].filter(own);
  const wrong = checked.filter((e) => {
    const style = getComputedStyle(e);
    return style.direction !== 'rtl' || !['start', 'right'].includes(style.textAlign);
  });
  return {checked: checked.length, wrong: wrong.map((e) => e.outerHTML.slice(0, 200))};
}"""
STYLE = """([selector, property]) => [...document.querySelectorAll(selector)].map(
  (e) => getComputedStyle(e)[property])"""
# Text whose contrast with its ground is below 4.5 : 1.
FAINT = """() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) =>
    0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const color = numbers(getComputedStyle(e).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const faint = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
    if (!text) continue;
    const pair = [numbers(getComputedStyle(e).color), ground(e)].map(luminance);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${e.className} ${text.slice(0, 30)}`);
  }
  return faint;
}"""


def launch(playwright):
    """Start the browser of this machine; that there is none is an error."""
    browser = find_browser()
    assert browser, "these tests need Chromium, Chrome or Edge"
    return playwright.chromium.launch(executable_path=browser, args=ARGUMENTS)


def styles(page, selector, name):
    """Return the computed values of one property over all elements of a selector."""
    values = page.evaluate(STYLE, [selector, name])
    assert values, selector
    return set(values)


def open_offline(browser, file, width=1100, scheme="light", **options):
    """Open a page from its file without a network; `page.complaints` is what it asks and logs."""
    size = {"width": width, "height": 900}
    page = browser.new_page(viewport=size, color_scheme=scheme, offline=True, **options)
    page.complaints = []
    page.on("request", lambda r: r.url.startswith("data:") or page.complaints.append(r.url))
    page.on("console", lambda m: page.complaints.append(m.text))
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.goto(file.as_uri())
    page.evaluate("document.fonts.ready.then(() => null)")
    return page


def flat(outline):
    """The bookmarks of all levels of a PDF."""
    for entry in outline:
        yield from flat(entry) if isinstance(entry, list) else [entry]


@contextlib.contextmanager
def jupyterlab(folder, home):
    """The address of a JupyterLab on a folder that knows nobody: fresh configuration, signatures.

    `home` is where it keeps what it learns.
    """
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = {f"JUPYTER_{name}": str(home / name.lower()) for name in names}
    options = ["--no-browser", "--allow-root", "--port=0", "--ip=127.0.0.1"]
    options += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]
    options += [f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *options],
        env={**os.environ, "JUPYTER_FA_FONT": "", **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield wait_for_server(home / "runtime_dir")
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for_server(runtime):
    """Return the server's address once it answers."""
    deadline = time.monotonic() + LAB_TIMEOUT
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, StopIteration):
            url = json.loads(next(runtime.glob("jpserver-*.json")).read_text())["url"]
            with urlopen(url + "api") as answer:
                assert answer.status == 200
            return url
        time.sleep(0.3)
    raise TimeoutError("JupyterLab did not start")


def export_from_menu(lab_page, sanitize):
    """Return what File ▸ Save and Export Notebook As ▸ HTML downloads."""
    lab_page.get_by_role("menuitem", name="File", exact=True).click()
    lab_page.get_by_text("Save and Export Notebook As").hover()
    lab_page.get_by_role("menuitem", name="HTML", exact=True).click()
    lab_page.get_by_label("Sanitize HTML output").set_checked(sanitize)
    button = lab_page.get_by_role("button", name="Ok", exact=True)
    with lab_page.expect_download(timeout=LAB_TIMEOUT * 1000) as download:
        button.click()
    with open(download.value.path(), encoding="utf-8") as exported:
        return exported.read()


def text_of(pdf, *options):
    """Return the text of a PDF in logical order, without pdftotext's marks of direction.

    pdftotext puts spaces and punctuation between Persian words in the order of the page, from left
    to right, and says so with an embedding mark: « ،» stands for «، ».
    """
    command = ["pdftotext", "-enc", "UTF-8", *options, str(pdf), "-"]
    output = subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8")
    output = re.sub("\u202a([^\\w\u202c]+)\u202c", lambda match: match[1][::-1], output)
    return " ".join(re.sub("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", "", output).split())


def printed(typed):
    """Return a sentence as the exporter prints it, with the one-letter ۀ."""
    return typed.replace(*HEH_HAMZA)


class Firefox:
    """A tab of a Firefox without a window, spoken to in WebDriver BiDi."""

    def __init__(self, socket):
        self.socket, self.number = socket, 0
        self.call("session.new", capabilities={})
        self.tab = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def call(self, method, **params):
        """Return the result of a command; what the browser says in between is not waited for."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, url, width=1100, height=900):
        """Go to a page and wait for it and its fonts."""
        self.call("browsingContext.setViewport", context=self.tab, viewport=size(width, height))
        self.call("browsingContext.navigate", context=self.tab, url=url, wait="complete")
        self.evaluate("document.fonts.ready.then(() => null)")

    def evaluate(self, script):
        """Return what a script returns, as far as JSON can say it."""
        wrapped = f"Promise.resolve({script}).then((value) => JSON.stringify(value ?? null))"
        target = {"context": self.tab}
        result = self.call("script.evaluate", expression=wrapped, target=target, awaitPromise=True)
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def wait_for(self, script):
        """Wait until a script returns something true."""
        deadline = time.monotonic() + LAB_TIMEOUT
        while not self.evaluate(f"Boolean({script})"):
            assert time.monotonic() < deadline, script
            time.sleep(0.3)

    def picture(self, selector):
        """Return what an element looks like."""
        box = self.evaluate(
            f"(({{x, y, width, height}}) => ({{x: x + scrollX, y: y + scrollY, width, height}}))"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        options = {"origin": "document", "clip": {"type": "box", **box}}
        shot = self.call("browsingContext.captureScreenshot", context=self.tab, **options)
        return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("L")


def size(width, height):
    """A size as BiDi and Playwright write it."""
    return {"width": width, "height": height}


@contextlib.contextmanager
def firefox(profile):
    """A Firefox with a new profile in a folder."""
    command = shutil.which("firefox-esr") or shutil.which("firefox")
    assert command, "these tests need Firefox"
    options = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
    with subprocess.Popen(
        [command, *map(str, options)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
        text=True,
    ) as process:
        try:
            listening = (re.search("BiDi listening on (ws://.*)", line) for line in process.stderr)
            address = next(found[1] for found in listening if found)
            socket = websocket.create_connection(
                f"{address}/session", suppress_origin=True, timeout=LAB_TIMEOUT
            )
            with contextlib.closing(socket):
                yield Firefox(socket)
        finally:
            process.terminate()
