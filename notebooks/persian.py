"""Persian writing: numbers, templates, the words of a verdict; displayed right-to-left.

A sentence is a template of names, never of arithmetic:

>>> tell("دقت {a:spread %1} است؛ پیش‌بینی {ok:برقرار است|برقرار نیست}.", a=accuracy, ok=holds)
"""

import re
import string
from numbers import Integral, Real

import numpy as np
from IPython.display import Markdown, display

NAMES = {
    "identity": "همانی",
    "sigmoid": "سیگموئید",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "ReLU نشتی",
    "zeros": "صفر",
    "small": "کوچک",
    "large": "بزرگ",
    "xavier": "Xavier",
    "he": "He",
    "batch": "دسته‌ای",
    "minibatch": "ریزدسته‌ای",
    "sgd": "تصادفی (SGD)",
    "momentum": "تکانه",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}

# ------------------------------------------------------------------ numbers

_DIGITS = str.maketrans("0123456789.,-", "۰۱۲۳۴۵۶۷۸۹٫٬−")
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SPEC = re.compile(r"([+ ]?),?((?:\.\d+)?([a-zA-Z]?))")


def fa(value, spec=""):
    """A number in Persian digits: 2000 is ۲٬۰۰۰, fa(0.125, ".3f") ۰٫۱۲۵, fa(3e-5, ".1e") ۳٫۰×۱۰⁻⁵.

    Thousands are grouped, and what rounds to 0 has no sign. What has a sign or an exponent is
    isolated left-to-right, or bidi would turn it round.
    """
    if not np.isfinite(value):
        return {"inf": "∞", "nan": "نامعین"}.get(format(float(value)), "\u2066−∞\u2069")
    parts = _SPEC.fullmatch(spec)
    if not parts:
        raise ValueError(f"the format is {spec!r}; allowed: like .2f, ,.0f, +.1f, .1e, g or %1")
    sign, rest, kind = parts.groups()
    whole = isinstance(value, Integral) and kind in ("", "d")
    value = int(value) if whole else float(value)
    text = format(value, f"{sign}{'' if whole else 'z'},{rest}")
    if "e" in text and value:
        mantissa, exponent = text.split("e")
        text = f"{mantissa.translate(_DIGITS)}×{power_of_ten(int(exponent))}"
        return f"\u2066{text}\u2069"
    text = text.split("e")[0].translate(_DIGITS)
    return f"\u2066{text}\u2069" if text[:1] in "−+" else text


def power_of_ten(exponent):
    """۱۰ with a superscript; plain ۱ and ۱۰ for the exponents 0 and 1."""
    return (
        ("۱", "۱۰")[exponent]
        if exponent in (0, 1)
        else "۱۰" + str(exponent).translate(_SUPERSCRIPT)
    )


def percent(share, digits=1):
    """0.987 as ۹۸٫۷٪."""
    return fa(100 * share, f".{digits}f") + "٪"


def listing(words):
    """«الف، ب و پ»."""
    words = [str(w) for w in words]
    return " و ".join(["، ".join(words[:-1]), words[-1]] if words[1:] else words)


def spread(values, spec=".3f"):
    """The median over seeds and the range: «۰٫۰۱۲ (۰٫۰۱۱ تا ۰٫۰۱۴)»; one number if all are one."""
    low, middle, high = (_number(f(values), spec) for f in (np.min, np.median, np.max))
    return middle if low == high else f"{middle} ({low} تا {high})"


def _number(value, spec):
    """``spec`` is fa's, or %1 for a percentage with one digit."""
    return percent(value, int(spec[1:] or 1)) if spec.startswith("%") else fa(value, spec)


# ---------------------------------------------------------------- sentences


def written(value, spec=""):
    """What ``{value:spec}`` becomes in a sentence, a caption or a table's cell.

    numbers        {x:.2f}  {x:.1e}  {x:,}  {x:%1}         in Persian digits
    over seeds     {x:spread .1f}  {x:spread %1}           the median (from … to …)
    lists          {x:list}  {x:list .2f}                  «الف، ب و پ»
    methods        {m}  {m:list}                           "relu" is ReLU, by NAMES
    truth values   {ok:yes|no}                             fields may stand in yes and no
    comparisons    {c:verdict}  {c:ratio}                  the sentence; the numbers alone
    """
    if isinstance(value, bool | np.bool_):
        if spec.count("|") != 1:
            raise ValueError(f"{spec!r} for a truth value; allowed: yes|no, the two wordings")
        return spec.split("|")[not value]
    if "|" in spec:
        raise ValueError(f"{spec!r} for {value!r}; yes|no takes a truth value")
    if hasattr(value, "outcome"):
        if spec not in ("verdict", "ratio"):
            raise ValueError(f"{spec!r} for a comparison; allowed: verdict, ratio")
        return _verdict(value) if spec == "verdict" else _numbers(value)
    kind, _, rest = spec.partition(" ")
    if kind == "spread":
        return spread(value, rest or ".3g")
    if kind == "list":
        return listing(written(v, rest) for v in value)
    if isinstance(value, str):
        return NAMES.get(value, value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, Real):
        return _number(value, spec or ("" if isinstance(value, Integral) else ".3g"))
    raise TypeError(f"{type(value).__name__} in a sentence; use spread, list, or a number")


class _Template(string.Formatter):
    """Names only: what is looked up or computed is computed before, under a name."""

    def get_field(self, name, args, kwargs):
        if not name.isidentifier():
            raise ValueError(f"{{{name}}} in a sentence; allowed: a plain name, computed before")
        if name not in kwargs:
            raise ValueError(f"{{{name}}} is not given; given: {', '.join(kwargs) or 'nothing'}")
        return kwargs[name], name

    def convert_field(self, value, conversion):
        if conversion:
            raise ValueError(f"!{conversion} in a sentence; allowed: a plain name and a format")
        return value

    def check_unused_args(self, used, args, kwargs):
        unused = [name for name in kwargs if name not in used]
        if unused:
            raise ValueError(f"{', '.join(unused)} given but not in the sentence")

    def format_field(self, value, spec):
        return written(value, spec)


def told(*paragraphs, **names):
    """The template filled in (``written`` says how), for a caption, a cell or a claim."""
    return _Template().vformat("\n\n".join(paragraphs), (), names)


def tell(*paragraphs, **names):
    """Display the template filled in, a paragraph each."""
    say(told(*paragraphs, **names))


# ----------------------------------------------------------------- verdicts

_WORDS = ("دو", "سه", "چهار", "پنج", "شش", "هفت", "هشت", "نُه", "ده")


def _verdict(c):
    """A Comparison as a sentence without its full stop."""
    of = c.of or ("هزینۀ" if c.ratio else "شمار خطای")
    if c.second_lower:
        c = c.turned()
    first, second, (middle, low, high) = written(c.first), written(c.second), _ends(c)
    interval = f"{percent(c.level, 0)}: {low} تا {high}"
    both = f"{'نسبت' if c.ratio else 'تفاضل'} {middle}؛ {interval}"
    if c.same:
        margin = percent(c.margin - 1, 0) if c.ratio else f"{fa(c.margin, 'g')} خطا"
        return f"{of} {first} و {second} در حاشیۀ {margin} یکسان‌اند ({both})"
    if c.undecided:
        seeds = _WORDS[c.n - 2] if c.n <= 10 else fa(c.n)
        return f"میان {of} {first} و {second} از {seeds} بذر نتیجه‌ای قطعی برنمی‌آید ({both})"
    if c.estimate == 0 or np.isinf(c.estimate):
        return f"{of} {first} از {second} کمتر است، که در بیشتر بذرها واگرا شد"
    if c.ratio:
        return f"{of} {first} {middle} برابر {second} است ({interval})"
    less, low, high = _ends(c.turned())
    return f"{of} {first} {less} تا از {second} کمتر است ({percent(c.level, 0)}: {low} تا {high})"


def _ends(c):
    """Estimate, low and high of a Comparison, with as many digits as its interval allows."""
    ends = c.estimate, c.low, c.high
    width = c.high - c.low
    if c.ratio and min(ends) < 0.1:
        spec = ".2g"
    elif width < 10:
        spec = ".2f" if c.ratio and width < 1 else ".1f"
    else:
        spec = ".0f"
    return [fa(v, spec) for v in ends]


def _numbers(c):
    """«۰٫۶۲ (۹۵٪: ۰٫۵۱ تا ۰٫۷۵)»."""
    middle, low, high = _ends(c)
    return f"{middle} ({percent(c.level, 0)}: {low} تا {high})"


# ------------------------------------------------------------------ display


def rtl_block(text):
    """Markdown in a right-to-left block.

    A number after a Latin or Greek word is told to stand on its left; bidi would put it right.
    """
    body = re.sub(r"([A-Za-zͰ-Ͽ][0-9]?[»):،؛]* )(?=[۰-۹])", "\\1\u200f", text)
    return Markdown(f'<div dir="rtl">\n\n{body}\n\n</div>')


def say(*paragraphs, **metadata):
    """Display Persian Markdown as it is, right-to-left; ``metadata`` is the output's."""
    display(rtl_block("\n\n".join(paragraphs)), metadata=metadata)


def table(headers, rows, **metadata):
    """Display a right-to-left table; a cell is a string, or written as in a sentence."""
    lines = [headers, ["---"] * len(headers), *rows]
    say("\n".join("| " + " | ".join(map(written, line)) + " |" for line in lines), **metadata)
