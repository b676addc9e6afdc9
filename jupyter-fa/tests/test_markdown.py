"""Where formulas are found, and what happens around them."""

import html
import re
import time

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook

from jupyter_fa.markdown import (
    Page,
    html_output,
    latex_output,
    markdown2html,
    math_in_html,
    references,
)
from jupyter_fa.tex import MathError

CELL = new_markdown_cell("…")
CONTEXT = {
    "cell": CELL,
    "nb": new_notebook(cells=[new_markdown_cell("first"), CELL]),
    "resources": {"metadata": {"name": "report", "path": ""}, "fa_page": Page()},
}


def in_notebook(**resources):
    """Return the context of a cell in a notebook of its own."""
    metadata = CONTEXT["resources"]["metadata"]
    return {**CONTEXT, "resources": {"metadata": metadata, "fa_page": Page(), **resources}}


def test_math_in_paragraphs_in_displays_and_in_environments():
    page = markdown2html(CONTEXT, "a $x$ b\n\n$$y$$\n\n\\begin{align}z&=1\\end{align}\n")
    assert page.count("<math") == 3 and page.count('class="fa-display"') == 2
    assert "$" not in page


def test_math_in_raw_html_but_not_in_its_code():
    page = math_in_html(r"<p title='$t$'>$x$ <code>$y$</code> \$5 <!-- $z$ --></p>", Page(), "here")
    assert page.count("<math") == 1
    assert page.endswith("<code>$y$</code> $5 <!-- $z$ --></p>") and "title='$t$'" in page


def test_entities_in_raw_html_are_read_as_characters():
    assert "&lt;</mo>" in math_in_html("<td>$a &lt; b$</td>", Page(), "here")


def test_headings_have_the_ids_that_links_name():
    assert markdown2html(CONTEXT, "## فصل *دوم*\n").startswith('<h2 id="فصل-دوم">')


def test_html_outputs_keep_what_asks_to_be_left():
    left = '<table class="tex2jax_ignore"><td>$a$</td></table>'
    assert html_output(CONTEXT, left) == left


@pytest.mark.parametrize(
    "source", [r"$\displaystyle x$", "$$x$$", r"\[x\]", r"\(x\)", "x < y", r"a \\ b"]
)
def test_latex_outputs(source):
    assert latex_output(CONTEXT, source).count("<math") == 1


def test_a_latex_output_that_cannot_be_set_is_its_plain_text():
    context = {**CONTEXT, "output": {"data": {"text/plain": "a < b"}}}
    assert latex_output(context, r"$\foo$") == "<pre>a &lt; b</pre>"
    assert latex_output(CONTEXT, r"$\foo$") == '<code class="fa-tex" dir="ltr">$\\foo$</code>'


# --- what opens and closes a formula ------------------------------------------------------------

FORMULAS = ["$x$", "$ x $", "$x_1$2", r"$\alpha $", "$-1$", r"$3 \times 4 $", "$0<i<n$", r"$\{$"]
NESTED = [r"$f = \text{if $x$ or $y$}$", "$a\nb$"]
TEXTS = [
    "Between $100 & $200",
    "from $5 to $6",
    "costs $5",
    "US$ and CA$",
    r"\$5 and \$6",
    "$5 and \n\n6$",
    "`$x$`",
]


@pytest.mark.parametrize("source", FORMULAS + NESTED)
def test_is_one_formula_in_markdown_and_in_html(source):
    for page in (markdown2html(CONTEXT, source), math_in_html(source, Page(), "here")):
        assert page.count("<math") == 1 and "$" not in re.sub('alttext="[^"]*"', "", page)


@pytest.mark.parametrize("source", TEXTS)
def test_is_text(source):
    assert "<math" not in markdown2html(CONTEXT, source)
    assert "<math" not in math_in_html(source.replace("`$x$`", ""), Page(), "here")


@pytest.mark.parametrize(
    "source",
    [
        "<td>$5 & up</td><td>$6 & up</td>",
        "<td>$5</td><td>6$</td>",
        "<b>$</b> and <b>$</b>",
        '<a title="$x">a</a> and $',
        "<style>a{b:$x$}</style>",
        "<textarea>$x$</textarea>",
        "<CODE>$x$</CODE>",
        "<!-- $x$ -->",
        "<math><mi>$x$</mi></math>",
    ],
)
def test_is_no_formula_in_html(source):
    assert math_in_html(source, Page(), "here") == source


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("<p dir='rtl'>برای $0<i<n$ داریم $x_i>0$ و تمام.</p>", "برای ", " و تمام.</p>"),
        ("<div>\nاگر $i < n$ و $j<n$ باشد.\n</div>", "\nاگر ", " باشد.\n</div>"),
        ("<p>the $a<b>c$ and $d$ end</p>", "the ", " end</p>"),
        (r"<p>the \(a<b\) and \[c\] end</p>", "the ", " end</p>"),
        (r"<p>the $$a<b$$ and \begin{align*}c<d\end{align*} end</p>", "the ", " end</p>"),
    ],
)
def test_formulas_in_html_are_found_before_tags(source, before, after):
    for page in (markdown2html(CONTEXT, source), html_output(CONTEXT, source)):
        assert page.count("<math") == 2
        assert before + "<" in page and ">" + after in page


class Finder(Page):
    """Finds formulas and leaves them as they are."""

    def math(self, tex, display, typed, where):
        return typed


@pytest.mark.parametrize("piece", ["<a ", "$", "$$", "<code>", '<a "', "${", r"\text{$", "<!--"])
def test_finding_takes_time_in_proportion_to_the_text(piece):
    times = []
    for length in (20_000, 20_000, 80_000):  # the first warms up
        start = time.process_time()
        assert math_in_html(piece * (length // len(piece)), Finder(), "here")
        times.append(time.process_time() - start)
    assert times[2] < 10 * times[1] + 0.1


# --- what formulas share, and what can't be set -------------------------------------------------


def test_macros_and_numbers_go_through_the_notebook():
    context = in_notebook()
    assert "<p></p>" in markdown2html(context, r"$\newcommand{\vw}{\mathbf{w}}$")
    assert "𝐰" in markdown2html(context, r"وزن‌ها $\vw$")
    assert "𝐰" in html_output(context, r"<b>$\vw$</b>") and "𝐰" in latex_output(context, r"$\vw$")
    equation = "\\begin{equation}\nx\\label{%s}\n\\end{equation}\n"
    page = markdown2html(context, r"see \eqref{b}, \ref{a} and $\eqref{a}$" + "\n\n")
    page += markdown2html(context, equation % "a") + html_output(context, equation % "b")
    page = references(context, page)
    assert page.startswith('<p>see <a href="#eq-b">(2)</a>, <a href="#eq-a">1</a> and <math')
    assert '<a href="#eq-a">(1)</a></mtext>' in page
    assert 'id="eq-a"' in page and 'id="eq-b"' in page


def test_a_reference_to_nothing_is_a_warning(caplog):
    context = in_notebook()
    page = markdown2html(context, r"\eqref{no such}")
    assert references(context, page) == page and "(??)" in page
    assert caplog.messages == ["report.ipynb: no numbered equation has the label no such"]


@pytest.mark.parametrize(
    ("convert", "source"),
    [
        (markdown2html, r"a $\foo x$ b"),
        (markdown2html, "$$\\foo x$$"),
        (markdown2html, "\\begin{tikzcd}\n\\foo\n\\end{tikzcd}"),
        (markdown2html, r"<p>$\foo <b$</p>"),
        (html_output, r"<b>$\foo &lt; x$</b>"),
        (latex_output, r"\[\foo\]"),
    ],
)
def test_what_cannot_be_set_is_shown_as_typed_with_a_warning(convert, source, caplog):
    typed = re.search(r"(\$+|\\\[|\\begin).*(\$+|\\]|cd\})", html.unescape(source), re.DOTALL)[0]
    page = BeautifulSoup(convert(in_notebook(), source), "html.parser")
    assert page.find("code", class_="fa-tex").text == typed
    [warning] = caplog.messages
    shown = " ".join(typed.split())
    assert warning.startswith(f"report.ipynb, cell 2 of 2: the formula {shown} can't be set: ")


@pytest.mark.parametrize("convert", [markdown2html, html_output, latex_output])
def test_strict_makes_it_an_error(convert):
    with pytest.raises(MathError) as error:
        convert(in_notebook(fa_page=Page(strict=True)), r"$\foo x$")
    assert str(error.value).startswith(r"report.ipynb, cell 2 of 2: the formula $\foo x$ can't")
