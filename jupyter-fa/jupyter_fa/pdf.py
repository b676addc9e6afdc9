"""The exporter `pdf_fa`: the HTML page printed by a browser that is already on the machine."""

import asyncio
import contextlib
import io
import os
import posixpath
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from nbconvert.exporters.webpdf import WebPDFExporter
from nbconvert.preprocessors import Preprocessor
from nbconvert.utils.exceptions import ConversionException
from traitlets import Unicode, default

from . import __version__
from .structure import words_of

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
# Where a page thinks it is: a host that is nowhere, deep enough for links to folders above.
SITE = "https://notebook.invalid"
FOLDER = "/in" * 32
WHOLE_PAGE = """() => {
  const box = document.body.getBoundingClientRect();
  const most = 200 * 72;  // Acrobat shows no larger page
  return {width: Math.min(Math.ceil(box.width) + 1, most),
          height: Math.min(Math.ceil(box.height) + 1, most)};
}"""
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
        return Path(in_a_loop_of_its_own(_own_browser())).is_file()
    except ModuleNotFoundError:
        return False


async def _own_browser() -> str:
    """Return where Playwright keeps a browser of its own, if it has one."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        return playwright.chromium.executable_path


def in_a_loop_of_its_own(coroutine):
    """Return what a coroutine returns, run in a thread: JupyterLab runs an event loop in this one.

    Not in the loop that the policy makes: nbconvert and jupyter_server choose one for Windows that
    can't start a browser.
    """

    def run():
        loop = getattr(asyncio, "ProactorEventLoop", asyncio.SelectorEventLoop)()
        with contextlib.closing(loop):
            return loop.run_until_complete(coroutine)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def _usual_places() -> list[str]:
    """Return the browsers outside PATH, where macOS and Windows keep them."""
    places = [Path(f"/Applications/{name}.app/Contents/MacOS/{name}") for name in MACOS]
    for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        if root := os.environ.get(folder):
            places += [Path(root, *name.split("\\")) for name in WINDOWS]
    return [str(place) for place in places if place.is_file()]


def relative(url: str) -> str:
    """Return an address relative again that was so before the page was printed from SITE."""
    if not url.startswith(SITE + "/"):
        return url
    path = urlsplit(url).path
    rest = url.removeprefix(SITE + path)
    if path.startswith("/in/"):
        path = posixpath.relpath(path, FOLDER) + "/" * path.endswith("/")
    return path + rest


def finished(printed: bytes, page: str) -> bytes:
    """Return a PDF with the bookmarks, links, formulas and metadata of the page it shows.

    The browser makes every address absolute, writes bookmarks piece by piece as they stand on the
    paper, says nothing of what a link is, takes a formula with a name for a figure, and notes when
    it printed, so that no two prints of a page would have the same bytes.
    """
    try:
        import pikepdf
    except ModuleNotFoundError:
        raise ConversionException("a PDF needs pikepdf: pip install pikepdf") from None
    soup = BeautifulSoup(page, "html.parser")
    links = {}
    for link in soup.select("a[href]"):
        words = " ".join(link.get_text().split())
        name = link.get("aria-label") or words or (link.img or {}).get("alt") or link["href"]
        links.setdefault(unquote(link["href"]), name)
    headings = [words_of(heading) for heading in soup.find_all(re.compile("^h[1-6]$"))]
    formulas = {" ".join(math["aria-label"].split()) for math in soup.select("math[aria-label]")}
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        with pdf.open_outline() as outline:
            entries = list(entries_of(outline.root))
            if len(entries) == len(headings):
                for entry, heading in zip(entries, headings):
                    entry.title = heading
        for note in (note for sheet in pdf.pages for note in sheet.get("/Annots", [])):
            if note.get("/Subtype") != "/Link":
                continue
            address = f"#{unquote(str(note.Dest)[1:])}" if "/Dest" in note else ""
            if "/A" in note and "/URI" in note.A:
                address = relative(str(note.A.URI))
                note.A.URI = pikepdf.String(address)
            note.Contents = pikepdf.String(links.get(unquote(address)) or address or "link")
        for element in pdf.objects:
            if isinstance(element, pikepdf.Dictionary) and element.get("/S") == "/Figure":
                if " ".join(str(element.get("/Alt", "")).split()) in formulas:
                    element.S = pikepdf.Name.Formula
        for key in {"/CreationDate", "/ModDate"} & set(pdf.docinfo):
            del pdf.docinfo[key]
        pdf.docinfo.Creator = pikepdf.String(f"jupyter-fa {__version__}")
        with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata.load_from_docinfo(pdf.docinfo)
            metadata["dc:language"] = {(soup.html or {}).get("lang") or "en"}
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        buffer = io.BytesIO()
        streams = pikepdf.ObjectStreamMode.generate
        pdf.save(buffer, object_stream_mode=streams, deterministic_id=True)
    return buffer.getvalue()


def entries_of(outline):
    """Yield the entries of an outline in the order of the text."""
    for entry in outline:
        yield entry
        yield from entries_of(entry.children)


class SystemBrowser(Preprocessor):
    """Lets nbconvert's own `webpdf` print with the browser that `pdf_fa` finds."""

    def preprocess(self, nb, resources):
        """Return both as they are; the exporter that asks learns another way to print."""
        exporter = self.parent
        if type(exporter) is WebPDFExporter:
            exporter.run_playwright = lambda html: in_a_loop_of_its_own(_web_pdf(exporter, html))
        return nb, resources


async def _web_pdf(exporter: WebPDFExporter, html: str) -> bytes:
    """Print as `webpdf` does, scripts and network included."""
    async with _browser(exporter) as browser:
        page = await browser.new_page()
        await page.emulate_media(media="print")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "page.html")
            path.write_text(html, encoding="utf-8")
            await page.goto(path.as_uri(), wait_until="networkidle")
            await page.wait_for_timeout(exporter.page_render_timeout)
        size = {} if exporter.paginate else await page.evaluate(WHOLE_PAGE)
        return await page.pdf(print_background=True, **size)


@contextlib.asynccontextmanager
async def _browser(exporter: WebPDFExporter):
    """Start the browser that is configured, or on the machine, or Playwright's own."""
    try:
        from playwright.async_api import async_playwright
    except ModuleNotFoundError:
        raise ConversionException("a PDF needs Playwright: pip install playwright") from None
    async with async_playwright() as playwright:
        executable = getattr(exporter, "browser", "") or find_browser()
        if executable is None and not Path(playwright.chromium.executable_path).is_file():
            raise ConversionException(NO_BROWSER)
        root = sys.platform != "win32" and os.geteuid() == 0
        args = [*exporter.browser_args, *["--no-sandbox"] * (root or exporter.disable_sandbox)]
        browser = await playwright.chromium.launch(executable_path=executable, args=args)
        try:
            yield browser
        finally:
            await browser.close()


class PdfFaExporter(WebPDFExporter):
    """A4, tagged, with bookmarks and page numbers, on a system browser or Playwright's own.

    ``page`` is the HTML that was printed last.
    """

    export_from_notebook = "PDF (Persian)"
    output_mimetype = "application/pdf"
    browser = Unicode(help="Path of the browser; default: the first that is found")
    browser.tag(config=True)

    @default("template_name")
    def _template_name_default(self):
        return "fa"

    def run_playwright(self, html):
        """Print a page on which no script runs and which reaches no file and no network."""
        self.page = html.replace(*HEH_HAMZA)
        return finished(in_a_loop_of_its_own(self._print(self.page)), self.page)

    async def _print(self, html: str) -> bytes:
        address = f"{SITE}{FOLDER}/page.html"

        async def serve(route):
            if route.request.url == address and route.request.method == "GET":
                await route.fulfill(body=html, content_type="text/html; charset=utf-8")
            else:
                await route.abort()

        async with _browser(self) as browser:
            context = await browser.new_context(
                java_script_enabled=False, offline=True, service_workers="block"
            )
            await context.route("**/*", serve)
            page = await context.new_page()
            await page.goto(address, wait_until="load")
            await page.evaluate("document.fonts.ready.then(() => null)")
            await page.wait_for_timeout(self.page_render_timeout)
            return await page.pdf(
                print_background=True, prefer_css_page_size=True, tagged=True, outline=True
            )
