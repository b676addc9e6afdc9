"""The exporter `pdf_fa`: the HTML page printed by a browser that is already on the machine."""

import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from nbconvert.exporters.webpdf import WebPDFExporter
from nbconvert.utils.exceptions import ConversionException
from traitlets import Unicode, default

COMMANDS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
MACOS = ("Google Chrome", "Chromium", "Microsoft Edge")
WINDOWS = (r"Google\Chrome\Application\chrome.exe", r"Microsoft\Edge\Application\msedge.exe")
# Browsers put the text of the two-letter form into a PDF in the wrong order.
HEH_HAMZA = ("\u0647\u0654", "\u06c0")
NO_BROWSER = (
    "No browser to print with: install Chromium, Chrome or Edge (Debian: apt install chromium), "
    "or run: python -m playwright install chromium"
)


def find_browser() -> str | None:
    """Return the path of a Chromium, Chrome or Edge on this machine, or None."""
    on_path = (shutil.which(command) for command in COMMANDS)
    return next((found for found in (*on_path, *_usual_places()) if found), None)


def can_print() -> bool:
    """Say whether `pdf_fa` will find a browser, this machine's or Playwright's own."""
    if find_browser():
        return True
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return False
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path).is_file()


def _usual_places() -> list[str]:
    """Return the browsers outside PATH, where macOS and Windows keep them."""
    places = [Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in MACOS]
    for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if root := os.environ.get(folder):
            places += [Path(root, *name.split("\\")) for name in WINDOWS]
    return [str(place) for place in places if place.is_file()]


def relative_links(pdf: bytes, folder: str) -> bytes:
    """Return a PDF whose links into the folder that it was printed in are relative again.

    A browser makes every address absolute. Spaces keep the length, for a PDF counts its bytes.
    """
    prefix = re.escape(b"/URI (" + folder.encode("ascii") + b"/")
    pattern = re.compile(prefix + rb"([^)]*)\)")
    return pattern.sub(lambda m: (b"/URI (" + m[1] + b")").ljust(len(m[0])), pdf)


class PdfFaExporter(WebPDFExporter):
    """A4, tagged, with bookmarks and page numbers, on a system browser or Playwright's own."""

    export_from_notebook = "PDF (Persian)"
    output_mimetype = "application/pdf"
    browser = Unicode(help="Path of the browser; default: the first that is found")
    browser.tag(config=True)

    @default("template_name")
    def _template_name_default(self):
        return "fa"

    def run_playwright(self, html):
        """Print a page, in a thread of its own: JupyterLab runs an event loop in this one."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._print, html).result()

    def _print(self, html: str) -> bytes:
        try:
            from playwright.sync_api import sync_playwright
        except ModuleNotFoundError:
            raise ConversionException("pdf_fa needs Playwright: pip install playwright") from None
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            path = Path(folder, "page.html")
            path.write_text(html.replace(*HEH_HAMZA), encoding="utf-8")
            browser = self._launch(playwright.chromium)
            page = browser.new_page()
            page.goto(path.as_uri(), wait_until="load")
            page.evaluate("document.fonts.ready.then(() => null)")
            page.wait_for_timeout(self.page_render_timeout)
            pdf = page.pdf(
                print_background=True, prefer_css_page_size=True, tagged=True, outline=True
            )
            browser.close()
            return relative_links(pdf, path.parent.as_uri())

    def _launch(self, chromium):
        """Start the browser that is configured, or on the machine, or Playwright's own."""
        executable = self.browser or find_browser()
        if executable is None and not Path(chromium.executable_path).is_file():
            raise ConversionException(NO_BROWSER)
        root = sys.platform != "win32" and os.geteuid() == 0
        args = [*self.browser_args, *["--no-sandbox"] * (root or self.disable_sandbox)]
        return chromium.launch(executable_path=executable, args=args)
