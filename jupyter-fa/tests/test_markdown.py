"""Where formulas are found, and what happens around them."""

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from jupyter_fa.markdown import (
    html_output,
    latex_output,
    markdown2html,
    math_in_html,
)
from jupyter_fa.tex import MathError

CELL = new_markdown_cell("…")
CONTEXT = {
    "cell": CELL,
    "nb": new_notebook(cells=[new_markdown_cell("first"), CELL]),
    "resources": {"metadata": {"name": "report", "path": ""}},
}


def test_math_in_paragraphs_in_displays_and_in_environments():
    page = markdown2html(CONTEXT, "a $x$ b\n\n$$y$$\n\n\\begin{align}z&=1\\end{align}\n")
    assert page.count("<math") == 3 and page.count('class="fa-display"') == 2
    assert "$" not in page


def test_math_in_raw_html_but_not_in_its_code():
    page = math_in_html(r"<p title='$t$'>$x$ <code>$y$</code> \$5 <!-- $z$ --></p>", "here")
    assert page.count("<math") == 1
    assert page.endswith("<code>$y$</code> $5 <!-- $z$ --></p>") and "title='$t$'" in page


def test_entities_in_raw_html_are_read_as_characters():
    assert "&lt;</mo>" in math_in_html("<td>$a &lt; b$</td>", "here")


def test_headings_have_the_ids_that_links_name():
    assert markdown2html(CONTEXT, "## فصل *دوم*\n").startswith('<h2 id="فصل-دوم">')


def test_tables_scroll_in_a_box_of_their_own():
    page = markdown2html(CONTEXT, "| a |\n|---|\n| b |\n")
    assert page.startswith('<div class="fa-scroll" tabindex="0"><table>')


def test_html_outputs_keep_what_asks_to_be_left():
    left = '<table class="tex2jax_ignore"><td>$a$</td></table>'
    assert html_output(CONTEXT, left) == left


@pytest.mark.parametrize("source", [r"$\displaystyle x$", "$$x$$", r"\[x\]", "x < y"])
def test_latex_outputs(source):
    assert latex_output(CONTEXT, source).count("<math") == 1


@pytest.mark.parametrize("convert", [markdown2html, html_output, latex_output])
def test_a_refusal_names_notebook_cell_and_formula(convert):
    with pytest.raises(MathError) as error:
        convert(CONTEXT, r"$\foo x$")
    assert str(error.value).startswith("report.ipynb, cell 2 of 2: the formula '\\\\foo x'")
