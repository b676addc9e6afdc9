"""Formulas: what is repaired, what is refused."""

from xml.etree import ElementTree

import pytest
from sample import DISPLAY, FORMULAS

from jupyter_fa.tex import MathError, tex_to_mathml


def tree(tex, display=False):
    """Return the MathML as elements without their namespace."""
    source = tex_to_mathml(tex, display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    return ElementTree.fromstring(source)


def texts(tex, tag):
    """Return the text of every element of one kind."""
    return [element.text for element in tree(tex).iter(tag)]


@pytest.mark.parametrize("tex", FORMULAS + DISPLAY)
def test_is_well_formed_left_to_right_and_carries_its_source(tex):
    math = tree(tex, display=True)
    assert math.get("dir") == "ltr"
    assert math.get("display") == "block"
    assert math.get("alttext") == " ".join(tex.split())


@pytest.mark.parametrize(
    ("tex", "reason"),
    [
        (r"\foo x", r"unknown command \foo"),
        (r"\ce{H2O}", r"unknown command \ce"),
        ("a & b", "& stands outside"),
        (r"a \\ b", r"\\ stands outside"),
        (r"\begin{tikzcd} a \end{tikzcd}", "'tikzcd' is not supported"),
        (r"\text{اگر $x$}", "only plain words"),
        (r"\text{a {b} c}", "only plain words"),
        (r"\frac{a}{b", "a brace"),
        (r"}\text{a", r"a brace } is missing after \text{"),
        (r"\cancel{x}", "browsers do not draw"),
        (r"\left( x", "not understood"),
        (r"\begin{aligned} x", "not understood"),
        ("2 inv", "read as a length"),
    ],
)
def test_refuses_what_would_come_out_wrong(tex, reason):
    with pytest.raises(MathError) as error:
        tex_to_mathml(tex)
    assert reason in str(error.value)


@pytest.mark.parametrize("name", ["aligned", "align", "align*", "split", "alignedat"])
def test_aligned_equations_are_a_table_of_two_columns(name):
    argument = "{1}" if name == "alignedat" else ""
    math = tree(rf"\begin{{{name}}}{argument} a &= b \\ cc &= d \nonumber \end{{{name}}}", True)
    table = math.find(".//mtable")
    assert table.get("class") == "fa-align" and table.get("displaystyle") == "true"
    assert [len(row) for row in table] == [2, 2]
    assert [cell.get("columnalign") for cell in table[0]] == ["right", "left"]


def test_gathered_equations_are_rows_of_one_cell():
    table = tree(r"\begin{gather} a = b \\ c \end{gather}").find(".//mtable")
    assert [len(row) for row in table] == [1, 1]


def test_functions_are_operators_with_a_thin_space():
    sin, log = tree(r"2\sin x + \log(x)").iter("mo"), texts(r"\sin^2 x", "mo")
    spaces = {mo.text: (mo.get("lspace"), mo.get("rspace")) for mo in sin}
    assert spaces["sin"] == ("0.167em", "0.167em")
    assert spaces["log"] == ("0", "0")
    assert log == ["sin"]


@pytest.mark.parametrize("name", ["lim", "max", "min", "sup", "inf"])
def test_limits_stand_below_and_move_in_a_line_of_text(name):
    under = tree(rf"\{name}_{{x}} f").find(".//munder")
    assert under[0].text == name and under[0].get("movablelimits") == "true"


def test_sums_have_limits_inside_brackets_and_tables_too():
    assert tree(r"\left( \sum_{i=1}^n x_i \right)", True).find(".//munderover") is not None
    assert tree(r"\int_0^1 x", True).find(".//msubsup") is not None


def test_plus_minus_and_friends_are_operators():
    assert texts(r"a \pm b \times c \mp d \div e", "mo") == ["±", "×", "∓", "÷"]
    assert texts("-x = -y - z", "mo") == ["−", "=", "−", "−"]


def test_a_sign_is_not_spaced_like_a_subtraction():
    forms = [mo.get("form") for mo in tree("-x = -y - z").iter("mo") if mo.text == "−"]
    assert forms == ["prefix", "prefix", None]


def test_bars_know_their_sides():
    forms = [mo.get("form") for mo in tree(r"\lVert x \rVert + \lvert y \rvert").iter("mo")]
    assert forms == ["prefix", "postfix", None, "prefix", "postfix"]
    big = [mo.get("stretchy") for mo in tree(r"\left\lVert x \right\rVert").iter("mo")]
    assert big == ["true", "true"]


@pytest.mark.parametrize(
    ("tex", "letter"),
    [
        (r"\mathbf{W}", "𝐖"),
        (r"\mathbf{12}", "𝟏𝟐"),
        (r"\boldsymbol{\theta}", "𝜽"),
        (r"\mathbb{R}", "ℝ"),
        (r"\mathcal{L}", "ℒ"),
        (r"\mathfrak{g}", "𝔤"),
    ],
)
def test_alphabets_are_letters_of_unicode(tex, letter):
    assert "".join(tree(tex).itertext()) == letter


def test_words_and_persian_numbers_are_whole():
    assert texts(r"\mathrm{ReLU}(z)", "mi") == ["ReLU", "z"]
    assert texts("۰٫۵ + ۱۲", "mn") == ["۰٫۵", "۱۲"]


def test_persian_text_runs_right_to_left_and_keeps_its_spaces():
    math = tree(r"\text{برای هر }x")
    assert math.find(".//mtext").get("dir") == "rtl"
    assert math.find(".//mtext").text == "برای\u00a0هر"
    assert [element.tag for element in math[0]] == ["mtext", "mspace", "mi"]


def test_lines_of_an_array_and_boxes_are_borders():
    cells = list(tree(r"\begin{array}{c|c} a & b \\ \hline c & d \end{array}").iter("mtd"))
    assert cells[0].get("style") == "border-bottom: 1px solid; border-right: 1px solid"
    assert cells[3].get("style") is None
    assert tree(r"\boxed{x}").find(".//mrow[@class='fa-box']") is not None


def test_less_than_and_ampersand_are_escaped():
    assert texts(r"a < b", "mo") == ["<"]
    assert texts(r"\text{A\&B}", "mtext") == ["A&B"]
