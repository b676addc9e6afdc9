"""One page of several: chapters under a front of their own, which is printed as one PDF."""

import io
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from .fonts import FontFaces, css_string
from .pdf import PdfFaExporter, entries_of
from .structure import words_of

STYLE = """
.fa-chapter, .fa-front + * { break-before: page; }
#fa-main > :not(.fa-chapter) { --jp-content-line-height: 1.5; --jp-content-font-size1: 9.5pt; }
.fa-front { padding-block-start: 60mm; }
.fa-front :is(h1, p) { text-align: center !important; }
.fa-book:has(ol ol > li:nth-child(9)) {
  break-inside: avoid; columns: 2; column-gap: 10mm; font-size: 9pt; line-height: 1.5; }
.jp-Notebook .jp-RenderedHTMLCommon .fa-book ol { list-style: none; padding: 0; margin: 0; }
.jp-Notebook .jp-RenderedHTMLCommon .fa-book ol ol { padding-inline-start: 1.5em; }
.fa-book > ol > li > a { font-weight: bold; break-after: avoid; }
.fa-book > ol > li + li { margin-block-start: 0.8em; }
.jp-Notebook .jp-RenderedHTMLCommon .fa-book a {
  display: flex; gap: 0.5em; align-items: last baseline; break-inside: avoid;
  color: inherit; text-decoration: none; }
.fa-book a::before { order: 1; content: ""; flex: 1 0 1em; border-block-end: 1px dotted; }
.fa-number { order: 2; }
"""
DIGITS = {"en": "0123456789", "fa": "۰۱۲۳۴۵۶۷۸۹", "ar": "٠١٢٣٤٥٦٧٨٩"}
REFERENCES = ("aria-labelledby", "aria-describedby", "for", "headers")


def book(
    pages: dict[str, str],
    front: str,
    title: str,
    exporter: PdfFaExporter,
    chapters: Iterable[bytes] = (),
    front_pages: int = 0,
) -> bytes:
    """Return the PDF of a book.

    pages : {name: what `exporter` printed of NAME.ipynb}, the chapters; links between them stay so
    front : the HTML before the first chapter, in which `<nav class="fa-book">` is filled
        with the contents and their page numbers, and `href="NAME.pdf#id"` leads to a chapter
    chapters, front_pages : the chapters' own PDFs, and how many pages the front will probably
        have; where both are right, the page numbers are known without a first print
    """
    parts = {name: BeautifulSoup(page, "html.parser").main for name, page in pages.items()}
    ids = {(name, ""): f"chapter-{n}" for n, name in enumerate(parts, 1)}
    for name, chapter in parts.items():  # short, because a PDF's names have 127 bytes at most
        for element in chapter.select("[id]"):
            ids[name, element["id"]] = f"part-{len(ids)}"
    soup = BeautifulSoup(next(iter(pages.values())), "html.parser")
    soup.main.clear()
    soup.main.append(BeautifulSoup(front, "html.parser"))
    rules = [STYLE]
    for name, chapter in parts.items():
        own = ids[name, ""]
        heading = chapter.find("h1")
        words = words_of(heading) if heading else name
        rules.append(f"#{own} {{ page: {own}; }}")
        rules.append(f"@page {own} {{ @top-center {{ content: {css_string(words)}; }} }}")
        for element in chapter.find_all(True):
            _rename(element, name, ids)
        chapter.name, chapter.attrs = "section", {"class": "fa-chapter", "id": own}
        soup.main.append(chapter.extract())
    for link in soup.main.select(":scope > :not(.fa-chapter) a[href]"):
        link["href"] = _within(link["href"], "", ids)
    places = _contents(soup)
    _dress(soup, title, rules, exporter)
    digits = str.maketrans(DIGITS["en"], DIGITS.get(soup.html.get("lang"), DIGITS["en"]))
    known = _expected(chapters, front_pages)
    for _ in range(3):  # one print where all was known, two where nothing was
        numbers = [known[index] if -index <= len(known) else 100 for _, index in places]
        for (place, _), number in zip(places, numbers):
            place.string = str(number).translate(digits)
        printed = exporter.run_playwright(str(soup))
        known, _ = _heading_pages(printed)
        if [known[index] for _, index in places] == numbers:
            break
    return printed


def _dress(soup: BeautifulSoup, title: str, rules: list[str], exporter: PdfFaExporter):
    """Give the page the book's title, rules and letters in place of its first chapter's."""
    [style] = [s for s in soup.select("style") if "--fa-title" in s.text and "@font-face" in s.text]
    known = re.search(r"html \{[^}]*\}", style.text)[0]
    known = re.sub(r"(--fa-title:) .*?; (?=--fa)", lambda m: f"{m[1]} {css_string(title)}; ", known)
    letters = title + str(soup.main) + "".join(DIGITS.values())
    style.string = "\n".join([known, FontFaces(config=exporter.config)(letters), *rules])
    soup.title.string = title


def _rename(element: Tag, name: str, ids: dict[tuple[str, str], str]):
    """Give an element of a chapter the ids and references that it has in the book."""
    if element.get("id"):
        element["id"] = ids[name, element["id"]]
    if element.get("href"):
        element["href"] = _within(element["href"], name, ids)
    for attribute in REFERENCES:
        if element.get(attribute):
            value = element[attribute]
            each = value if isinstance(value, list) else value.split()
            element[attribute] = " ".join(ids.get((name, old), old) for old in each)


def _within(href: str, name: str, ids: dict[tuple[str, str], str]) -> str:
    """Return a link from a chapter to a part of the book as a link within it."""
    try:
        url = urlsplit(href)
    except ValueError:
        return href
    to = PurePosixPath(unquote(url.path)).stem or name
    if url.scheme or url.netloc or "/" in url.path or (to, "") not in ids:
        return href
    return f"#{ids.get((to, unquote(url.fragment)), ids[to, ''])}"


def _contents(soup: BeautifulSoup) -> list[tuple[Tag, int]]:
    """Fill the contents; return the places of the page numbers, each with its heading's index.

    The index counts all headings and from the end, as chapters are the end of the book.
    """
    nav = soup.main.select_one("nav.fa-book")
    if nav is None:
        return []
    headings = soup.main.find_all(re.compile("^h[1-6]$"))
    top, places = soup.new_tag("ol"), []
    for index, heading in enumerate(headings, -len(headings)):
        if not heading.find_parent(class_="fa-chapter") or heading.name not in ("h1", "h2"):
            continue
        words = words_of(heading)
        target = heading if heading.name == "h2" else heading.find_parent(class_="fa-chapter")
        link = soup.new_tag("a", attrs={"href": f"#{target.get('id', '')}"})
        number = soup.new_tag("span", attrs={"class": "fa-number"})
        link.extend([words, number])
        item = soup.new_tag("li")
        item.append(link)
        places.append((number, index))
        below = top.contents[-1] if heading.name == "h2" and top.contents else None
        if below is not None and not below.ol:
            below.append(soup.new_tag("ol"))
        (top if below is None else below.ol).append(item)
    nav.append(top)
    return places


def _expected(chapters: Iterable[bytes], front_pages: int) -> list[int]:
    """Return the page of each heading of the chapters: each begins on a page of its own."""
    numbers, before = [], front_pages
    for chapter in chapters:
        found, pages = _heading_pages(chapter)
        numbers += [before + number for number in found]
        before += pages
    return numbers


def _heading_pages(printed: bytes) -> tuple[list[int], int]:
    """Return the page of each heading of a PDF, by its bookmarks, and how many pages it has."""
    import pikepdf

    with pikepdf.open(io.BytesIO(printed)) as pdf:
        pages = {sheet.objgen: number for number, sheet in enumerate(pdf.pages, 1)}
        with pdf.open_outline() as outline:
            found = [pages[e.destination[0].objgen] for e in entries_of(outline.root)]
    return found, len(pages)
