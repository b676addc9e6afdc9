"""The filter `clean_html`, which runs when a page is exported with "Sanitize HTML output".

JupyterLab's export dialog asks for that by default. nbconvert's own filter then removes headings,
paragraphs, directions and formulas; this one keeps what prose needs and drops what can act.
"""

import re
from xml.etree import ElementTree

import bleach
from bleach.css_sanitizer import CSSSanitizer

TAGS = bleach.ALLOWED_TAGS | set(
    "br caption col colgroup dd del details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr img"
    " input ins kbd mark p pre q s samp small span sub summary sup table tbody td tfoot th thead"
    " tr u var".split()
)
ATTRIBUTES = {
    "*": "align class dir id lang role style tabindex title".split(),
    "a": ["href"],
    "img": ["src", "alt", "width", "height"],
    "input": ["type", "checked", "disabled"],
    "ol": ["start", "type"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
PROTOCOLS = {"http", "https", "mailto", "data", "attachment"}
CORE = frozenset(
    "a b code em i math mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow"
    " mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover span u".split()
)
MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)
MARK = re.compile("\ue010(\\d+)\ue011")


def clean_html(source) -> str:
    """Return HTML with nothing in it that acts; formulas that are plain MathML stay."""
    source = source.decode() if isinstance(source, bytes) else str(source)
    source = re.sub("[\ue010\ue011]", "", source)
    formulas = [formula for formula in MATH.findall(source) if _is_plain(formula)]
    for number, formula in enumerate(formulas):
        source = source.replace(formula, f"\ue010{number}\ue011", 1)
    cleaned = bleach.clean(
        source,
        tags=TAGS,
        attributes=ATTRIBUTES,
        protocols=PROTOCOLS,
        css_sanitizer=CSSSanitizer(),
        strip=True,
    )
    return MARK.sub(lambda mark: formulas[int(mark[1])], cleaned)


def _is_plain(formula: str) -> bool:
    """Say whether a formula has only elements and attributes that draw."""
    try:
        elements = list(ElementTree.fromstring(formula).iter())
    except ElementTree.ParseError:
        return False
    names = {name for element in elements for name in element.keys()}
    tags = {element.tag.rpartition("}")[2] for element in elements}
    return tags <= CORE and not any(name.startswith("on") or "href" in name for name in names)
