"""What may come into a page: elements and attributes by list, addresses by rule, nothing else.

Two nbconvert filters, both on nh3, an HTML5 parser. `fa_cell` takes all that a cell gives to the
page, from whichever field of the notebook it comes; `clean_html` is the stricter one, without style
sheets and controls, which JupyterLab's export dialog asks for as "Sanitize HTML output".
"""

import re
from collections.abc import Callable

import nh3
from jinja2 import pass_context

from .files import Files, exported
from .markdown import extension, where

PROSE = frozenset(
    "a abbr acronym b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn"
    " details div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img input ins kbd li main"
    " mark nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup table"
    " tbody td tfoot th thead time tr tt u ul var wbr".split()
)
# https://w3c.github.io/mathml-core/ and the frame around a formula and its source.
MATHML = frozenset(
    "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot"
    " mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none"
    " semantics".split()
)
CONTROLS = frozenset(
    "address article aside audio button fieldset footer header hgroup label legend meter optgroup"
    " option output picture progress select source style textarea video".split()
)
SVG = frozenset(
    "circle clipPath defs desc ellipse feBlend feColorMatrix feComposite feFlood feGaussianBlur"
    " feMerge feMergeNode feOffset filter g image line linearGradient marker mask path pattern"
    " polygon polyline radialGradient rect stop svg switch symbol text textPath tspan use".split()
)
# Left out with what is inside them; of all others what is inside stays.
WITH_CONTENT = frozenset(
    "annotation annotation-xml iframe noembed noframes noscript script style template title".split()
)
GLOBAL = frozenset(
    "align alt aria-controls aria-describedby aria-expanded aria-hidden aria-label aria-labelledby"
    " aria-level bgcolor border cellpadding cellspacing char class color colspan datetime dir face"
    " headers height hidden id lang name nowrap open reversed role rowspan scope size span start"
    " style summary tabindex title translate type valign value width".split()
)
ATTRIBUTES = {
    "a": {"download", "href", "target"},
    "img": {"src"},
    "input": {"checked", "disabled"},
}
MATH_ATTRIBUTES = frozenset(
    "accent accentunder alttext columnalign columnlines columnspacing columnspan depth display"
    " displaystyle fence form frame href intent largeop linethickness lspace mathbackground"
    " mathcolor mathsize mathvariant maxsize minsize movablelimits notation rowalign rowlines"
    " rowspacing rspace scriptlevel separator stretchy symmetric voffset xmlns".split()
)
CONTROL_ATTRIBUTES = frozenset(
    "checked cols controls disabled for high label loop low max maxlength media min"
    " multiple muted optimum placeholder poster preload readonly rows selected src step".split()
)
SVG_ATTRIBUTES = frozenset(
    "alignment-baseline baseline-shift clip-path clip-rule clipPathUnits color-interpolation cx cy"
    " d dominant-baseline dx dy fill fill-opacity fill-rule filter filterUnits flood-color"
    " flood-opacity font-family font-size font-style font-weight fr fx fy gradientTransform"
    " gradientUnits href in in2 k1 k2 k3 k4 lengthAdjust letter-spacing marker-end marker-mid"
    " marker-start markerHeight markerUnits markerWidth mask maskContentUnits maskUnits mode offset"
    " opacity operator orient overflow paint-order patternContentUnits patternTransform"
    " patternUnits points preserveAspectRatio primitiveUnits r refX refY result rotate rx ry"
    " shape-rendering startOffset stdDeviation stop-color stop-opacity stroke stroke-dasharray"
    " stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity"
    " stroke-width text-anchor text-decoration textLength text-rendering transform"
    " transform-origin vector-effect version viewBox visibility word-spacing x x1 x2 y y1 y2"
    " xlink:href xmlns xmlns:xlink".split()
)
# None of them moves an element out of its place or asks for a file.
STYLE_PROPERTIES = frozenset(
    "background-color border border-bottom border-bottom-color border-bottom-style"
    " border-bottom-width border-collapse border-color border-left border-left-color"
    " border-left-style border-left-width border-radius border-right border-right-color"
    " border-right-style border-right-width border-spacing border-style border-top border-top-color"
    " border-top-style border-top-width border-width caption-side clear color direction display"
    " float font font-family font-size font-style font-variant font-weight height letter-spacing"
    " line-height list-style-type max-height max-width min-height min-width overflow overflow-wrap"
    " overflow-x overflow-y padding padding-bottom padding-inline-end padding-inline-start"
    " padding-left padding-right padding-top text-align text-decoration text-indent text-transform"
    " unicode-bidi vertical-align white-space width word-break word-spacing".split()
)
SCHEMES = {"http", "https", "mailto", "tel", "data", "attachment"}
# As deep as browsers nest elements; deeper ones cost a parser the square of their number.
DEPTH = 512
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>?")
# They have no end, or end where the next one begins.
FLAT = frozenset(
    "br caption col colgroup dd dt hr img input li option p source tbody td tfoot th thead tr"
    " wbr".split()
)
DATA_IMAGE = re.compile(r"data:image/", re.IGNORECASE)
DATA_MEDIA = re.compile(r"data:(?:audio|video|image)/", re.IGNORECASE)
STYLE_SHEET = re.compile("(<style[^>]*>)(.*?)(</style>)", re.DOTALL)
CSS_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?|\\(.)", re.DOTALL)
# What fetches in CSS, unless it names data or a part of the page.
CSS_FETCH = re.compile(
    r"@import|(?:\burl|\bsrc|\bimage|image-set)\s*\((?!\s*[\"']?\s*(?:data:|#))", re.IGNORECASE
)


def clean_html(source) -> str:
    """Return HTML with nothing in it that acts; formulas and directions stay."""
    source = source.decode() if isinstance(source, bytes) else str(source)
    return clean(source, strict=True)


@pass_context
def fa_cell(context, source: str) -> str:
    """Return a cell of the page: harmless, with its images in it and its links to exports."""
    resources = context.get("resources", {})
    files = Files(resources, context.get("cell", {}).get("attachments", {}), where(context))

    def address(tag: str, name: str, url: str) -> str | None:
        if tag in ("img", "image") or name == "poster":
            return url if DATA_IMAGE.match(url) else files.embedded(url)
        if name == "src":
            return url if DATA_MEDIA.match(url) else files.beside(url)
        if tag in SVG:
            return url if url.startswith("#") else None
        return exported(url, extension(context))

    return clean(source, bool(resources.get("should_sanitize_html")), address)


def clean(source: str, strict: bool, address: Callable | None = None) -> str:
    """Return HTML that passed the lists; `address(element, attribute, url)` rewrites addresses."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name in ("src", "href", "poster"):
            value = value.strip()
            return address(tag, name, value) if address else value
        if name == "style" or (tag in SVG and "(" in value):
            return without_fetches(value)
        return value

    more = frozenset() if strict else CONTROLS | SVG
    attributes = {"*": GLOBAL, **ATTRIBUTES, **dict.fromkeys(MATHML, MATH_ATTRIBUTES)}
    if not strict:
        attributes |= dict.fromkeys(SVG, SVG_ATTRIBUTES)
        attributes |= dict.fromkeys(CONTROLS | {"input"}, CONTROL_ATTRIBUTES - {"src", "poster"})
        attributes |= dict.fromkeys(("audio", "video", "source"), CONTROL_ATTRIBUTES)
    cleaned = nh3.clean(
        shallow(source.encode("utf-8", "replace").decode("utf-8")),  # without half surrogate pairs
        tags=PROSE | MATHML | more,
        clean_content_tags=WITH_CONTENT - more,
        attributes=attributes,
        attribute_filter=attribute,
        generic_attribute_prefixes={"data-"},
        link_rel=None,
        url_schemes=SCHEMES,
        filter_style_properties=STYLE_PROPERTIES if strict else None,
    )
    return STYLE_SHEET.sub(lambda m: m[1] + without_fetches(m[2]) + m[3], cleaned)


def shallow(source: str) -> str:
    """Return HTML without the tags of elements that are nested too deep; what is in them stays."""
    depth = 0

    def tag(match: re.Match) -> str:
        nonlocal depth
        if match[2].lower() in FLAT:
            return match[0]
        depth = max(0, depth - 1) if match[1] else depth + 1
        return "" if depth + bool(match[1]) > DEPTH else match[0]

    return TAG.sub(tag, source) if source.count("<") > DEPTH else source


def without_fetches(css: str) -> str:
    """Return CSS in which nothing names a file; one that hides such a name is left out."""
    plain = CSS_ESCAPE.sub(lambda m: chr(int(m[1], 16) % 0x110000) if m[1] else m[2], css)
    if len(CSS_FETCH.findall(plain)) > len(CSS_FETCH.findall(css)):
        return ""
    return CSS_FETCH.sub(lambda m: "@fa-left-out" if m[0][0] == "@" else "fa-left-out(", css)
