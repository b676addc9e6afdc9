"""What a page is made of: sections, figures and tables that can be named, found and linked to.

The nbconvert filter `fa_structure` takes the body of a page and gives it a contents list, links to
its neighbours, `<figure>` and `<caption>` where a caption stands, and links where a text names a
figure, a table or a section.
"""

import copy
import html
import re

from bs4 import BeautifulSoup, NavigableString, Tag
from jinja2 import pass_context

from .files import exported
from .images import lighter, size_of
from .language import LATIN, Language, rtl_letters
from .markdown import extension
from .sanitize import clean

# The first word of a caption, and of how a text names one: “Figures 3 and 4”, «شکل‌های ۳ و ۴».
WORDS = {
    "fig": r"شکل(?:[\u200c ]?های)?|شكل|الشكل|איור|תרשים|Figures?|Figs?\.?",
    "table": r"جدول(?:[\u200c ]?های)?|الجدول|טבלה|Tables?|Tabs?\.",
}
SPACE = "[ \u00a0\u200c\u200e\u200f]"
NUMBER = r"[0-9۰-۹٠-٩]{1,4}(?![0-9۰-۹٠-٩]|[.,٫٬][0-9۰-۹٠-٩])"
KIND = "|".join(f"(?P<{kind}>{words})" for kind, words in WORDS.items())
CAPTION = re.compile(rf"\s*{SPACE}*(?:{KIND}){SPACE}*(?P<number>{NUMBER}){SPACE}*[—–:.\-]")
NAMED = re.compile(
    rf"(?<![\w\u200c])(?:{KIND}){SPACE}+(?P<number>{NUMBER})"
    rf"(?P<more>(?:(?:{SPACE}*[,،–-]{SPACE}*|{SPACE}+(?:و|تا|and|to|ו){SPACE}*){NUMBER})*)",
    re.IGNORECASE,
)
QUOTED = re.compile("«([^«»]{2,150})»|“([^“”]{2,150})”")
NO_LINKS = ("a", "code", "pre", "math", "summary", "svg", "style", "textarea", "button", "label")
HEADINGS = [f"h{level}" for level in range(1, 7)]
PICTURE = ".jp-RenderedImage, .jp-RenderedSVG"
DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")


@pass_context
def structured(context, body: str) -> str:
    """Return the body of a page with its parts named and linked."""
    resources = context["resources"]
    page = Structure(body, resources.get("fa") or Language("en", "ltr"), extension(context))
    metadata = context.get("nb", {}).get("metadata", {}).get("jupyter-fa")
    return page.made(metadata if isinstance(metadata, dict) else {})


class Structure:
    """One page while its parts are put together."""

    def __init__(self, body: str, language: Language, extension: str):
        """`extension` is that of the file that is exported."""
        self.soup = BeautifulSoup(body, "html.parser")
        self.main = self.soup.main or self.soup
        self.language, self.words = language, language.words
        self.extension, self.printed = extension, extension == ".pdf"
        self.ids = {element["id"] for element in self.soup.select("[id]")}
        self.targets = {}  # ("fig", "3"): the id of figure 3 and what its caption calls it

    def made(self, metadata: dict) -> str:
        """Return the page; `metadata` are the notebook's own for this package."""
        for cell in self.main.select(".jp-Cell"):
            cell.attrs.setdefault("dir", "ltr")
        self.unique_ids()
        sections = self.sections()
        self.figures()
        self.tables()
        self.links({words: target for _, target, words in sections})
        self.code()
        self.pictures()
        if self.printed:
            self.formulas()
        else:
            self.folded_runs()
            self.anchors()
            self.collapsed()
            self.contents(sections)
            self.neighbours(metadata)
        self.tab_stops()
        return str(self.soup)

    def tag(self, name: str, *children, **attributes) -> Tag:
        """Return a new element; `class_` and `aria_label` are what they look like."""
        names = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        element = self.soup.new_tag(name, attrs=names)
        element.extend(children)
        return element

    def free(self, wanted: str) -> str:
        """Return an id that no element has yet, and take it."""
        found, number = wanted, 1
        while found in self.ids:
            found, number = f"{wanted}-{number + 1}", number + 1
        self.ids.add(found)
        return found

    def unique_ids(self):
        """Give the second element with the same id another one."""
        seen = set()
        for element in self.soup.select("[id]"):
            if element["id"] in seen:
                element["id"] = self.free(element["id"])
            seen.add(element["id"])

    # --- sections -------------------------------------------------------------------------------

    def headings(self) -> list[Tag]:
        """Return the headings of the text; those in HTML outputs are part of a display."""
        found = self.main.find_all(HEADINGS)
        return [heading for heading in found if heading.find_parent(class_="jp-RenderedMarkdown")]

    def sections(self) -> list[tuple[int, str, str]]:
        """Return (level, id, words) of every heading but the title, which is the only h1."""
        headings = self.headings()
        titles = [heading for heading in headings if heading.name == "h1"]
        found = []
        for heading in headings:
            words = words_of(heading)
            if words:
                plain = "-".join(heading.get_text().split())
                heading["id"] = heading.get("id") or self.free(plain)
                if titles != [heading]:
                    found.append((int(heading.name[1]), heading["id"], words))
        return found

    def anchors(self):
        """Show at each heading a link to it; the keyboard has the same ones in the contents."""
        for heading in self.headings():
            if heading.name != "h1" and heading.get("id") and not heading.find("a"):
                link = self.tag("a", "#", href=f"#{heading['id']}", class_="fa-anchor")
                link.attrs |= {"aria-hidden": "true", "tabindex": "-1"}
                heading.extend([" ", link])

    def folded_runs(self):
        """Fold code cells that follow one another, with nothing shown between them, as one."""
        for cell in self.main.select(".jp-CodeCell:has(> .fa-code)"):
            after = cell.find_next_sibling()
            below = after and after.select_one(":scope > .fa-code")
            if below and not cell.select_one(".jp-OutputArea-child"):
                below.summary.insert_after(*cell.select(":scope > .fa-code > div"))
                cell.decompose()

    def collapsed(self):
        """Fold the sections that JupyterLab has collapsed."""
        for cell in self.main.select(".jp-Cell:has(.celltag_fa-collapsed)"):
            heading = cell.find(HEADINGS)
            if not heading:
                continue
            rest = []
            for other in cell.find_next_siblings():
                level = min((h.name for h in other.find_all(HEADINGS)), default="h9")
                if other.name == "nav" or level <= heading.name:
                    break
                rest.append(other)
            direction = self.language.direction
            fold = self.tag("details", class_="fa-fold fa-section", dir=direction)
            cell.insert_before(fold)
            for link in heading.select(".fa-anchor"):  # a summary is a button: no link in it
                link.decompose()
            fold.append(self.tag("summary", heading.extract()))
            fold.extend([cell.extract(), *(other.extract() for other in rest)])

    def contents(self, sections):
        """List the sections of the two upper levels: at the side, and folded on a narrow screen."""
        levels = sorted({level for level, _, _ in sections})[:2]
        listed = [section for section in sections if section[0] in levels]
        if len(listed) < 2:
            return
        label = self.tag("p", self.words["contents"])
        for kind, head in (("fa-side", label), ("fa-top", None)):
            top = self.tag("ol")
            for level, target, words in listed:
                item = self.tag("li", self.tag("a", words, href=f"#{target}"))
                below = top.contents[-1] if top.contents and level > levels[0] else None
                if below is None:
                    top.append(item)
                else:
                    if not below.ol:
                        below.append(self.tag("ol"))
                    below.ol.append(item)
            if head is None:
                summary = self.tag("summary", self.words["contents"])
                parts = [self.tag("details", summary, top)]
            else:
                parts = [head, top]
            name = self.words["contents"]
            nav = self.tag("nav", *parts, class_=f"fa-contents {kind}", aria_label=name)
            self.main.insert_before(nav)

    def neighbours(self, metadata: dict):
        """Link the pages before and after this one at head and foot."""
        links = []
        for key in ("previous", "index", "next"):
            page = metadata.get(key)
            if isinstance(page, dict) and isinstance(page.get("href"), str):
                word, title = self.words[key], str(page.get("title") or "").strip()
                text = html.escape(
                    f"{word}: {title}" if title and key != "index" else title or word
                )
                links.append(f'<a class="fa-{key}" href="{html.escape(page["href"])}">{text}</a>')
        if not links:
            return
        for place, put in (("head", self.main.insert_before), ("foot", self.main.insert_after)):
            name = html.escape(self.words["pages"])
            nav = f'<nav class="fa-pages fa-{place}" aria-label="{name}">{"".join(links)}</nav>'
            nav = clean(nav, True, lambda _tag, _name, url: exported(url, self.extension))
            put(BeautifulSoup(nav, "html.parser").nav.extract())

    # --- figures and tables ---------------------------------------------------------------------

    def named(self, paragraph: Tag | None, kind: str) -> re.Match | None:
        """Return a match if a paragraph is a caption of whose number there is no other yet."""
        match = CAPTION.match(paragraph.get_text()) if paragraph is not None else None
        free = match and match[kind] and (kind, _number(match)) not in self.targets
        return match if free else None

    def take(self, caption: re.Match, element: Tag):
        """Give an element the id by which its caption's number is linked."""
        kind = "fig" if caption["fig"] else "table"
        element["id"] = element.get("id") or self.free(f"{kind}-{_number(caption)}")
        called = f"{caption[kind]} {caption['number']}"
        self.targets[kind, _number(caption)] = element["id"], called

    def figures(self):
        """Make a figure of pictures and the caption that follows them."""
        for caption in self.main.select("figure > figcaption"):
            if name := self.named(caption, "fig"):
                self.take(name, caption.parent)
        for child in self.main.select(".jp-OutputArea-child"):
            paragraph = child.select_one(".jp-RenderedMarkdown p")
            name = self.named(paragraph, "fig")
            before = []
            for sibling in child.find_previous_siblings():
                if not sibling.select_one(PICTURE):
                    break
                before.insert(0, sibling)
            if name and before and _first(paragraph, child):
                figure = self.tag("figure", class_="fa-figure")
                before[0].insert_before(figure)
                child.name = "figcaption"
                figure.extend([*(picture.extract() for picture in before), child.extract()])
                self.take(name, figure)
        for paragraph in self.main.select(".jp-RenderedMarkdown p:has(> img)"):
            caption = paragraph.find_next_sibling()
            name = self.named(caption if caption and caption.name == "p" else None, "fig")
            if name and not paragraph.get_text().strip():
                figure = self.tag("figure", class_="fa-figure")
                paragraph.insert_before(figure)
                caption.name = "figcaption"
                figure.extend([paragraph.extract(), caption.extract()])
                self.take(name, figure)
        for paragraph in self.main.select(".jp-RenderedMarkdown p"):
            name = self.named(paragraph, "fig")
            if name and paragraph.find(["b", "strong"]) and _is_caption_cell(paragraph):
                self.take(name, paragraph)

    def tables(self):
        """Put tables in boxes that scroll, with captions, and say which cells are headers."""
        for table in self.main.find_all("table"):
            if table.find_parent("table"):
                continue
            box = self.tag("div", class_="fa-scroll")
            table.insert_before(box)
            box.append(table.extract())
            self.caption(table, box)
            for cell in table.select("thead th:not([scope])"):
                cell["scope"] = "col"
            for cell in table.select("tbody th:not([scope])"):
                cell["scope"] = "row"
            name = table.caption and table.caption.get("id")
            box.attrs |= {"role": "group"}
            box.attrs |= {"aria-labelledby": name} if name else {"aria-label": self.words["table"]}

    def caption(self, table: Tag, box: Tag):
        """Make a caption of the paragraph that names a table, before or after it."""
        caption = table.find("caption")
        if caption is None:
            own = box.parent if not box.find_next_siblings() else None
            output = box.find_parent(class_="jp-OutputArea-child")
            above = output and not box.find_previous_siblings() and output.find_previous_sibling()
            before = box.find_previous_sibling() or (above and _last_paragraph(above))
            for paragraph in (before, box.find_next_sibling()):
                if not isinstance(paragraph, Tag) or paragraph.name != "p":
                    continue
                if self.named(paragraph, "table") and own is not paragraph:
                    caption = self.tag("caption", *list(paragraph.contents))
                    if paragraph.get("dir") or paragraph.find_parent(dir="rtl"):
                        caption["dir"] = paragraph.get("dir") or "rtl"
                    table.insert(0, caption)
                    paragraph.extract()
                    break
        if caption is not None:
            if name := self.named(caption, "table"):
                self.take(name, table)
            caption["id"] = caption.get("id") or self.free("caption")

    def pictures(self):
        """Make images light, and those that programs drew large at a touch."""
        for image in self.main.select('img[src^="data:image/png"]'):
            image["src"] = image["src"] if self.printed else lighter(image["src"])
        for box in self.main.select(PICTURE):
            image = box.find("img")
            if not image or self.printed or len(box.find_all("img")) > 1:
                continue
            width = size_of(image["src"], image.get("width"))
            if width:
                image["style"] = f"--fa-width: {width}px"
            figure = box.find_parent("figure")
            home = figure["id"] if figure and figure.get("id") else self.free("image")
            if not figure:
                box.parent["id"] = home
            box["id"] = self.free(f"{home}-large")
            box["class"] = [*box.get("class", []), "fa-picture"]
            image.wrap(self.tag("a", href=f"#{box['id']}", class_="fa-open"))
            box.append(self.tag("a", self.words["close"], href=f"#{home}", class_="fa-close"))
            box.contents[-1].attrs |= {"lang": self.language.words_language, "dir": "auto"}

    # --- words ----------------------------------------------------------------------------------

    def links(self, sections: dict[str, str]):
        """Link what a text names: a figure or table by its number, a section by its quoted name."""
        plain = {
            re.sub(r"^[0-9۰-۹٠-٩.٫]+[.)ـ]?\s+", "", words): at for words, at in sections.items()
        }
        self.names = {**plain, **sections}
        texts = [text for text in self.main.find_all(string=True) if type(text) is NavigableString]
        for text in texts:
            if not (NAMED.search(text) or QUOTED.search(text)) or not text.find_parent(
                class_="jp-RenderedMarkdown"
            ):
                continue
            parents = {parent.name for parent in text.parents}
            if parents.isdisjoint((*NO_LINKS, *HEADINGS)):
                self.link(text)

    def link(self, text: NavigableString):
        """Put the links into one text."""
        within = {parent.get("id") for parent in text.find_parents(["figure", "table", "p"])}
        parts, position = [], 0

        def add(start: int, end: int, target: str | None, called: str = ""):
            nonlocal position
            if target and target not in within and start >= position:
                parts.append(str(text)[position:start])
                parts.append(self.tag("a", str(text)[start:end], href=f"#{target}"))
                if end - start < len(called) - 1:  # the bare number of “Figures 3 and 4”
                    parts[-1]["aria-label"] = called
                position = end

        found = [*NAMED.finditer(text), *QUOTED.finditer(text)]
        for match in sorted(found, key=lambda match: match.start()):
            if match.re is QUOTED:
                group = 1 if match[1] else 2
                name = " ".join(match[group].split())
                add(*match.span(group), self.names.get(name))
                continue
            kind = "fig" if match["fig"] else "table"
            add(match.start(), match.end("number"), *self.target(kind, match["number"]))
            for number in re.finditer(NUMBER, match["more"]):
                start = match.start("more") + number.start()
                add(start, start + len(number[0]), *self.target(kind, number[0]))
        if parts:
            text.replace_with(*parts, str(text)[position:])

    def target(self, kind: str, number: str) -> tuple[str | None, str]:
        """Return the id of a figure or table, None if there is none, and what it is called."""
        return self.targets.get((kind, number.translate(DIGITS)), (None, ""))

    def code(self):
        """Say that code is in no language that is read aloud or translated as prose is."""
        for element in self.main.select("code, pre, kbd, samp, .highlight"):
            if element.find_parent(translate="no"):
                continue
            element["translate"] = "no"
            text = element.get_text()
            if not rtl_letters(text) or element.find_parent(class_="jp-InputArea-editor"):
                if LATIN.search(text):
                    element["lang"] = "en"

    def formulas(self):
        """Give formulas a role and a name with which Chromium tags them; or it drops their TeX."""
        for math in self.main.select("math[alttext]"):
            math.attrs |= {"role": "figure", "aria-label": math["alttext"]}

    def tab_stops(self):
        """Leave the focus to links and summaries, and to boxes that scroll: browsers know which."""
        for element in self.main.select("[tabindex='0']:not(a, summary, button, input)"):
            del element["tabindex"]
        for element in self.main.select(".fa-display"):
            element.attrs |= {"role": "group", "aria-label": self.words["formula"]}
        # nbconvert makes a tab stop of each `div` of these classes when it has the whole page.
        for element in self.soup.select("div.jp-Cell-inputWrapper, div.jp-OutputArea-output"):
            element.name = "section"


def words_of(element: Tag) -> str:
    """Return the words of an element in one line, where its formulas run from the left as in it."""
    element = copy.copy(element)
    if rtl_letters(element.get_text()):
        for math in element.find_all("math"):
            math.replace_with(f"\u2066{math.get_text()}\u2069")
    return " ".join(element.get_text().split())


def _number(match: re.Match) -> str:
    return match["number"].translate(DIGITS)


def _first(paragraph: Tag, block: Tag) -> bool:
    """Say whether a paragraph is what a block begins with, after a prompt."""
    for text in paragraph.previous_elements:
        if text is block:
            return True
        if isinstance(text, NavigableString) and text.strip():
            if "jp-OutputPrompt" not in text.parent.get("class", []):
                return False
    return True


def _last_paragraph(block: Tag) -> Tag | None:
    """Return the paragraph that is all that a block of Markdown has."""
    paragraphs = block.select(".jp-RenderedMarkdown p")
    return paragraphs[-1] if len(paragraphs) == 1 else None


def _is_caption_cell(paragraph: Tag) -> bool:
    """Say whether a paragraph stands in the cell after one that ends in a picture."""
    cell = paragraph.find_parent(class_="jp-Cell")
    before = cell.find_previous_sibling(class_="jp-Cell") if cell else None
    outputs = before.select(".jp-OutputArea-child") if before else []
    in_cell = outputs and outputs[-1].select_one(PICTURE)
    above = paragraph.find_previous_sibling()
    return bool((in_cell and _first(paragraph, cell)) or (above and above.find("img")))
