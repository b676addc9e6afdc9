"""MathML as math-core writes it, changed where browsers draw it differently.

Each change was looked at as a picture in Chromium and in Firefox.
"""

import re
from xml.etree.ElementTree import Element

FENCES = frozenset("([{⟨|‖⌊⌈\u2063")
ACCENTS = {"ˆ": "^", "˜": "~", "¯": "‾"}  # drawn wider, and clear of the letter
PRIMES = frozenset("′″‴⁗")
NUMBER = "[۰-۹٠-٩]+(?:[٫٬][۰-۹٠-٩]+)*"
LETTER = "\u0620-\u0655\u066e-\u06d3\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc"
PERSIAN = re.compile(f"{NUMBER}|[{LETTER}](?:[{LETTER}\u200c ]*[{LETTER}])?")


def depth(root: Element) -> int:
    """Return how deep elements are nested."""
    row, deep = [root], 0
    while row:
        row, deep = [child for element in row for child in element], deep + 1
    return deep


def finish(root: Element):
    """Change what browsers draw differently."""
    for parent in list(root.iter()):
        for place, child in enumerate(parent):
            if child.tag == "mtext" and child.text and not len(child):
                parent[place] = _finish_text(child)
            elif child.tag in ("munder", "munderover") and _is_fence(parent[0]):
                parent[place] = Element("mpadded")  # else Firefox's brackets stay one line high
                parent[place].append(child)
    for element in list(root.iter()):
        if element.tag == "mtable":
            _close_rule(element)
        elif element.tag in ("mrow", "mtd", "math"):
            _separate(element)
        elif element.tag == "mo":
            _finish_operator(element)
        elif element.tag in ("msup", "msubsup"):
            _lower_primes(element)
        elif element.tag == "menclose":
            lines = element.get("notation").replace("diagonalstrike", "").replace(" ", "-")
            element.tag, element.attrib = "mrow", {"class": f"fa-{lines}"}
            for drawn in element.findall("mrow[@class]"):
                element.remove(drawn)
        if element.text:
            element.text = re.sub("[\ufe00\ufe01]", "", element.text)  # variants the fonts lack


def _is_fence(element: Element) -> bool:
    """Say whether an element is a bracket that grows."""
    return element.tag == "mo" and element.text in FENCES and not element.get("stretchy")


def _finish_operator(operator: Element):
    if "⊕" <= (operator.text or "") <= "⊝":
        operator.set("largeop", "false")  # Firefox doubles their size in a display
    operator.text = ACCENTS.get(operator.text, operator.text)


def _separate(row: Element):
    """Keep the space between an operator and words, which browsers take for a space: = text."""
    kinds = sorted(child.tag for child in row if child.tag != "mspace")
    if kinds[:1] == ["mo"] and set(kinds[1:]) == {"mtext"}:
        row.append(Element("mi"))


def _close_rule(table: Element):
    r"""Draw the last \hline of an array under its last row; math-core begins a row with it."""
    last = table[-1] if len(table) > 1 else []
    style = last[0].get("style", "") if len(last) == 1 and not len(last[0]) else ""
    if rule := re.search(r"border-top: ([^;]*);", style):
        table.remove(last)
        for cell in table[-1]:
            cell.set("style", f"{cell.get('style', '')}border-bottom: {rule[1]};")


def _lower_primes(script: Element):
    """Put primes beside the base: as a superscript Chromium draws them tiny."""
    *base, above = list(script)
    marks = [above] if above.tag == "mo" else list(above) if above.tag == "mrow" else []
    primes = [mark for mark in marks if mark.tag == "mo" and set(mark.text or " ") <= PRIMES]
    if not primes or marks[: len(primes)] != primes:
        return
    for prime in primes:
        prime.attrib = {"form": "postfix", "lspace": "0", "rspace": "0", "stretchy": "false"}
    if rest := marks[len(primes) :]:
        base[0] = _row([base[0], *primes])
        script[:] = [*base, _row(rest)]
    else:
        inner = Element("msub")
        inner.extend(base)
        script.tag = "mrow"
        script[:] = [inner if len(base) > 1 else base[0], *primes]


def _row(elements: list[Element]) -> Element:
    row = Element("mrow")
    row.extend(elements)
    return row


def _finish_text(text: Element) -> Element:
    """Make Persian digits a number, and let Persian words run from the right between spaces."""
    words = text.text.strip("\u00a0 ")
    if re.fullmatch(NUMBER, words):
        text.tag, text.text = "mn", words
    elif PERSIAN.search(words):
        before, after = text.text.split(words)
        text.set("dir", "rtl")
        text.text = words
        space = Element("mspace", width="0.25em")
        if before or after:
            return _row([space] * bool(before) + [text] + [space] * bool(after))
    return text
