r"""Formulas: what is set and how, what is refused, what a notebook's formulas share."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sample import DISPLAY, FORMULAS

from jupyter_fa.tex import LONGEST, Formulas, MathError


def tree(tex, display=False):
    """Return the MathML of a formula alone in its notebook."""
    return ElementTree.fromstring(Formulas().mathml(tex, display))


def words(tex, display=False):
    """Return what a reader of the text sees, without signs that are not drawn."""
    return "".join(tree(tex, display).itertext()).replace("\u2061", "").replace("\u2063", "")


def texts(tex, tag):
    """Return the text of every element of one kind."""
    return [element.text for element in tree(tex, True).iter(tag)]


def rows(tex, display=True):
    """Return the cells of the innermost table as text."""
    table = list(tree(tex, display).iter("mtable"))[-1]
    return [["".join(cell.itertext()) for cell in row] for row in table]


@pytest.mark.parametrize("tex", FORMULAS + DISPLAY)
def test_is_well_formed_left_to_right_and_carries_its_source(tex):
    math = tree(tex, display=True)
    assert math.get("dir") == "ltr"
    assert math.get("display") == "block"
    assert math.get("alttext") == " ".join(tex.split())


# --- constructs ---------------------------------------------------------------------------------

SET = {
    r"\hat\theta": "θ^",
    r"\operatorname{softmax}(x)": "softmax(x)",
    r"\arg\min_w L": "argminwL",
    r"a \\[5pt] b": "ab",
    r"\left< x \right>": "⟨x⟩",
    r"\big( \Big[ \bigg\{ \Bigg|": "([{|",
    r"\left( \frac{a}{b} \middle| c \right)": "(ab|c)",
    r"\text{if } x \mbox{ and } \hbox{y} \textbf{b}": "if\u00a0x\u00a0and\u00a0yb",
    r"\text{a_b & 5\% ^}": "a_b\u00a0&5%ˆ",
    r"\text{if $x>0$ or \(y\)}": "if\u00a0x>0\u00a0or\u00a0y",
    r"x_\text{if $y$}": "xif\u00a0y",
    r"\dotsb \dotsc \hdots": "⋯......",
    r"\pmb{x} \boldsymbol{\theta} \mathbf{\Sigma} {\bf W}": "𝒙𝜽𝚺𝐖",
    r"\mathbb{R} \mathcal{L} \mathfrak{g} \mathscr{L}": "ℝℒ𝔤ℒ",
    r"\mathrm{ReLU}(z)": "ReLU(z)",
    r"{n \choose k} {a \over b} \tfrac12 \dbinom nk": "(nk)ab12(nk)",
    r"\frac{\frac{1}{2}}{\sqrt[3]{x}}": "12x3",
    r"\overset{?}{=} \stackrel{d}{=} \underset{x}{y}": "=?=dyx",
    r"\underbrace{a}_{n} \overbrace{b}^{m}": "a⏟nb⏞m",
    r"\xrightarrow[a]{b}": "→ab",
    r"a := b \coloneqq c": "a:=b≔c",
    r"\int\limits_0^1 \sum\nolimits_i": "∫01∑i",
    r"\not= \not\in \le \lt": "≠∉≤<",
    r"\{x \mid x > 0\}": "{x∣x>0}",
    r"\lVert w \rVert_2 \|x\|": "‖w‖2‖x‖",
    r"x % a comment": "x",
    r"50\% \& \# \_": "50%&#_",
    "α ≤ ∑ ∈ ℝ × → ∞": "α≤∑∈ℝ×→∞",
    r"\require{cancel} \small x \large y": "xy",
    r"\sideset{_a^b}{}\sum {}_a^b X": "∑ababX",
    r"\phantom{x} \hspace{1em} \quad \, y": "xy",
}


@pytest.mark.parametrize("tex", SET)
def test_set(tex):
    assert words(tex, True) == SET[tex]


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\begin{align*} a &= b \\[2mm] c &= d \\ \end{align*}", [["a", "=b"], ["c", "=d"]]),
        (r"\begin{eqnarray*} a&=&b\\ &+&d \end{eqnarray*}", [["a", "=b"], ["", "+d"]]),
        (r"\begin{alignat*}{2} a &= b & c &= d \end{alignat*}", [["a", "=b", "c", "=d"]]),
        (r"\begin{gather*} a \\ b \end{gather*}", [["a"], ["b"]]),
        (r"\begin{equation*} a \\ b \end{equation*}", [["a"], ["b"]]),
        (r"a = 1 \\ b = 2", [["a=1"], ["b=2"]]),
        (r"a &= 1 \\ b &= 2", [["a", "=1"], ["b", "=2"]]),
        (r"\displaylines{a \\ b}", [["a"], ["b"]]),
        (r"\begin{split} a &= b \\ &= c \end{split}", [["a", "=b"], ["", "=c"]]),
        (r"\begin{aligned}[t] a &= b \end{aligned}", [["a", "=b"]]),
        (r"\begin{alignedat}{1} a &= b \end{alignedat}", [["a", "=b"]]),
        (r"\begin{cases} x & x>0 \\ 0 \end{cases}", [["x", "x>0"], ["0"]]),
        (r"\cases{x & x>0 \cr 0}", [["x", "x>0"], ["0"]]),
        (r"\begin{pmatrix*}[r] 1 & -2 \\ 3 & 4 \end{pmatrix*}", [["1", "−2"], ["3", "4"]]),
        (r"\begin{smallmatrix} a & b \end{smallmatrix}", [["a", "b"]]),
        (r"\sum_{\substack{i=1 \\ j \ne i}}^n", [["i=1"], ["j≠i"]]),
        (r"\begin{array}{@{}l *{2}{c} p{1cm}@{}} a & b & c & d \end{array}", [[*"abcd"]]),
    ],
)
def test_rows_and_columns(tex, expected):
    cells = [[cell for cell in row if cell] for row in rows(tex)]
    assert cells == [[cell for cell in row if cell] for row in expected]


@pytest.mark.parametrize("name", ["align", "gather", "equation", "eqnarray", "multline"])
def test_a_numbered_environment_in_a_line_has_no_number(name):
    assert "(1)" not in words(rf"\begin{{{name}}} a = b \end{{{name}}}")


def test_starred_matrices_align_their_columns_in_their_fences():
    math = tree(r"\begin{bmatrix*}[r] 1 \end{bmatrix*}")
    assert "right" in math.find(".//mtd").get("style")
    assert [mo.text for mo in math.iter("mo")] == ["[", "]"]


@pytest.mark.parametrize(
    "tex",
    [
        r"\mathop{\mathrm{argmax}}_\theta",
        r"\mathop{\rm argmax}_\theta",
        r"\mathop{\text{argmax}}\limits_\theta",
        r"\operatorname*{argmax}_\theta",
        r"\DeclareMathOperator*{\argmax}{argmax} \argmax_\theta",
        r"\mathop{\mathbb{E}}_\theta",
        r"\DeclareMathOperator*{\E}{\mathbb{E}} \E_\theta",
    ],
)
def test_what_an_operator_is_about_stands_below(tex):
    under = tree(tex, True).find(".//munder")
    assert "".join(under[0].itertext()) in ("argmax", "𝔼") and under[1].text == "θ"


def test_a_matrix_has_its_exponent():
    for tex in (r"\begin{bmatrix}1&2\end{bmatrix}^T", r"\begin{pmatrix}1\\2\end{pmatrix}^{-1}"):
        script = tree(tex, True).find(".//msup")
        assert script[0].find("mtable") is not None and "".join(script[1].itertext()) in ("T", "−1")


@pytest.mark.parametrize("name", ["lim", "max", "min", "sup", "inf", "sum"])
def test_limits_stand_below_in_a_display(name):
    assert tree(rf"\left( \{name}_{{x}} f \right)", True).find(".//munder") is not None


def test_colours_and_boxes_and_strokes():
    red = tree(r"\color{#ff0000} x").find(".//mrow")
    assert red.get("style") == "color:#FF0000;"
    blue = tree(r"\textcolor{blue}{x} y")
    assert "color" in blue[0].get("style") and blue[1].text == "y"
    drawn = {r"\boxed{x}": "fa-box", r"\cancel{x}": "fa-up", r"\xcancel{x}": "fa-up-down"}
    for tex, name in drawn.items():
        assert [e.text for e in tree(tex).find(f".//mrow[@class='{name}']")] == ["x"]


def test_lines_of_an_array_are_borders_and_the_last_is_below():
    cells = list(
        tree(r"\begin{array}{c|c} a & b \\ \hline c & d \\ \hline \end{array}").iter("mtd")
    )
    assert [cell.find("mi").text for cell in cells] == [*"abcd"]
    assert "border-right" in cells[0].get("style")
    assert all("border-bottom" in cell.get("style") for cell in cells[2:])


def test_links():
    link = tree(r"\href{https://a.b/c_d}{x^2}").find(".//a")
    assert link.get("href") == "https://a.b/c_d" and link.find("math/msup") is not None
    assert "".join(tree(r"\url{http://x.y}").find(".//a").itertext()) == "http://x.y"


def test_less_than_and_ampersand_and_quotes_are_escaped():
    mathml = Formulas().mathml(r'a < b \text{A\&B "<b>"}')
    assert ElementTree.fromstring(mathml).get("alttext").endswith('"<b>"}')
    assert "<b>" not in mathml and "&lt;</mo>" in mathml


# --- Persian ------------------------------------------------------------------------------------


def test_persian_numbers_are_whole():
    assert texts("۰٫۵ + ۱۲^{۲} + x_{۱۲}", "mn") == ["۰٫۵", "۱۲", "۲", "۱۲"]
    script = tree("۱۲^۲").find(".//msup")
    assert script[0].text == "۱۲"


@pytest.mark.parametrize("tex", [r"\text{برای هر }x", "برای هر x"])
def test_persian_words_run_right_to_left_in_one_piece(tex):
    text = tree(tex).find(".//mtext")
    assert text.get("dir") == "rtl"
    assert text.text.replace("\u00a0", " ") == "برای هر"


def test_persian_words_keep_the_space_after_them():
    math = tree(r"\text{برای هر }x")
    assert [element.tag for element in math[0]] == ["mtext", "mspace"]


# --- what is finished ---------------------------------------------------------------------------


@pytest.mark.parametrize("tex", ["f'", r"f^{\prime}", "f''", "x_i'", "f'^2"])
def test_primes_are_no_superscripts(tex):
    math = tree(tex)
    prime = next(mo for mo in math.iter("mo") if mo.text in "′″")
    for script in math.iter():
        assert script.tag not in ("msup", "msubsup") or prime not in script[-1].iter()


def test_circled_operators_do_not_grow():
    assert [mo.get("largeop") for mo in tree(r"a \odot b \oplus c").iter("mo")] == ["false"] * 2


def test_brackets_around_sums_grow_in_firefox():
    row = tree(r"\left[ \sum_{i=1}^m x_i \right]", True).find(".//mrow")
    assert [row[0].text, row[1].tag, row[1][0].tag] == ["[", "mpadded", "munderover"]


# --- what is refused ----------------------------------------------------------------------------

REFUSED = {
    r"\foo x": r'Unknown command "\foo"',
    r"\ce{H2O}": r'Unknown command "\ce"',
    r"\verb|x|": r'Unknown command "\verb"',
    r"\multicolumn{2}{c}{x}": r'Unknown command "\multicolumn"',
    r"\colorbox{red}{x}": r'Unknown command "\colorbox"',
    r"\begin{tikzcd} a \end{tikzcd}": 'Unknown environment "tikzcd"',
    r"\begin{tabular}{c} a \end{tabular}": 'Unknown environment "tabular"',
    r"\frac{a}{b": 'Expected closing token "}"',
    r"\text{a": "a brace } is missing",
    r"\frac": "expected argument",
    r"\left( x": r"\right",
    r"\begin{aligned} x": "end of input",
    r"x \end{aligned}": r"\end{aligned} has no \begin{aligned}",
    "x^a^b": "Duplicate",
    r"\href{javascript:alert(1)}{x}": "is not an address",
    r"\href{ java" + "\n" + r"script:alert(1)}{x}": "is not an address",
    r"\newcommand{\x}{\x y} \x": r"the macro \x grows without end",
    r"\def\a{\b\b}\def\b{\c\c\c\c}\def\c{xxxxxxxxxxxxxxxxxxx\a}\a": "grows without end",
    r"\newcommand{\x}[1]{#2} \x{y}": "no argument #2",
    "a \x0b b": "a character",
}


@pytest.mark.parametrize("tex", REFUSED)
def test_refused_with_the_reason(tex):
    with pytest.raises(MathError) as error:
        Formulas().mathml(tex)
    assert REFUSED[tex].lower() in str(error.value).lower()


NESTED = {
    "braces": ("{", "x", "}"),
    "left": (r"\left(", "x", r"\right)"),
    "frac": (r"\frac{1}{", "x", "}"),
    "sqrt": (r"\sqrt{", "x", "}"),
    "environments": (r"\begin{matrix}", "x", r"\end{matrix}"),
    "superscripts": ("x^{", "x", "}"),
    "subscripts": ("x_{", "x", "}"),
    "accents": (r"\hat", " x", ""),
    "switches": (r"\displaystyle ", "x", ""),
    "colours": (r"\color{red}", "x", ""),
    "negations": (r"\not", "=", ""),
    "fonts": (r"\bf ", "x", ""),
    "texts": (r"\text{", "x", "}"),
    "operators": (r"\mathop{", "x+1", "}"),
    "over": (r"{x\over", " x", "}"),
    "macros": (r"\m{", "=", "}"),
}


def nested(kind, characters):
    """Return a formula of about that length that is nested as deep as that allows."""
    begin, middle, end = NESTED[kind]
    times = characters // len(begin + end)
    definition = r"\def\m#1{\not\not\not#1#1}" if kind == "macros" else ""
    return definition + begin * times + middle + end * times


def test_no_nesting_kills_the_process():
    """In a process of its own, for a stack that ends takes pytest with it."""
    code = f"""
from test_tex import NESTED, Formulas, MathError, nested
for kind in NESTED:
    for length in ({LONGEST - 50}, 400_000):
        try:
            print(kind, "set", Formulas().mathml(nested(kind, length), True).count("<"))
        except MathError as error:
            print(kind, error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    for kind in NESTED:
        within, beyond = (line for line in result.stdout.splitlines() if line.startswith(kind))
        assert "are allowed" in beyond
        if kind in ("braces", "texts", "negations", "fonts"):  # these leave nothing in MathML
            assert "set" in within
        else:
            assert "nested" in within or "without end" in within


# --- a notebook's formulas ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "definition",
    [
        r"\newcommand{\v}{\mathbf{w}}",
        r"\newcommand\v{\mathbf{w}}",
        r"\renewcommand*{\v}{\mathbf{w}}",
        r"\providecommand{\v}{\mathbf{w}}",
        r"\def\v{\mathbf{w}}",
        r"\newcommand{\x}{\mathbf w} \let\v=\x",
        r"\newcommand{\x}[1]{\mathbf{#1}} \def\v{\x w}",
        r"\newcommand{\x}[2][w]{\mathbf{#1}#2} \def\v{\x{}}",
    ],
)
def test_macros_are_shared_and_leave_nothing_themselves(definition):
    formulas = Formulas()
    assert formulas.mathml(definition) == ""
    assert "𝐰" in formulas.mathml(r"\v")
    with pytest.raises(MathError):
        Formulas().mathml(r"\v")


def test_macros_take_arguments_and_may_be_defined_again():
    formulas = Formulas()
    formulas.mathml(r"\newcommand{\pair}[2][a]{#1#2}")
    assert "<mi>a</mi><mi>x</mi>" in formulas.mathml(r"\pair x")
    assert "<mi>b</mi><mi>x</mi>" in formulas.mathml(r"\pair[b]{x}")
    formulas.mathml(r"\newcommand{\pair}{\alpha}")
    assert "<mi>α</mi><mi>x</mi>" in formulas.mathml(r"\pair x")
    assert "<mi>β</mi><mi>α</mi>" in formulas.mathml(r"\beta\pair")


def test_macros_reach_where_the_table_does():
    formulas = Formulas()
    formulas.mathml(r"\newcommand{\be}{\begin{eqnarray}} \newcommand{\ee}{\end{eqnarray}}")
    assert "(1)" in formulas.mathml(r"\be a &=& b \ee", True)


def test_equations_are_numbered_through_the_notebook():
    formulas = Formulas()
    formulas.mathml(r"\begin{align} a &= b \label{a} \\ c &= d \notag \\ e &= f \end{align}", True)
    with pytest.raises(MathError):
        formulas.mathml(r"\begin{equation} \foo \end{equation}", True)
    formulas.mathml(r"\begin{equation} x \label{معادله ۱}\end{equation}", True)
    formulas.mathml(r"y \tag{a'} \label{t}", True)
    formulas.mathml(r"\begin{gather} z \tag*{$*$} \label{s} \end{gather}", True)
    anchors = [formulas.anchor(label) for label in ("a", "معادله ۱", "t", "s")]
    assert [formulas.numbers[anchor] for anchor in anchors] == ["1", "3", "a'", "*"]


def test_a_tag_outside_an_environment_stands_at_the_margin():
    cells = list(tree(r"E = mc^2 \tag{1}", True).iter("mtd"))
    assert "".join(cells[1].itertext()) == "E=mc2" and cells[2].find("mtext").text == "(1)"
    for tex in (r"a \\ b \tag{۲}", r"a \tag{۲} \\ b"):
        assert rows(tex, True) == [["a"], ["b"]] and words(tex, True) == "ab(۲)"
    assert words(r"x \tag{1}") == "x(1)"
    assert words(r"x = \text{(fa-tag-9)} \tag{\text{a}}", True) == "x=(fa-tag-9)(a)"


@pytest.mark.parametrize("name", ["split", "cases", "aligned"])
def test_a_label_inside_is_that_of_the_equation(name):
    formulas = Formulas()
    inner = rf"\begin{{{name}}} a \label{{a}} \\ b \end{{{name}}}"
    formulas.mathml(rf"\begin{{equation}} {inner} \end{{equation}}", True)
    assert formulas.numbers == {"eq-a": "1"}
    formulas.mathml(rf"\begin{{align}} {inner} \\ c \end{{align}}", True)
    assert formulas.numbers == {"eq-a": "2"}


def test_references_name_the_anchor_of_their_label():
    formulas = Formulas()
    link = ElementTree.fromstring(formulas.mathml(r"\eqref{eq:a_b}")).find(".//a")
    assert link.get("href") == "#" + formulas.anchor("eq:a_b") and link.text == "(??)"
