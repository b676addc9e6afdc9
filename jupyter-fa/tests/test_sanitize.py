"""Sanitizing keeps prose, direction and formulas, and drops what acts."""

import pytest

from jupyter_fa.sanitize import clean_html
from jupyter_fa.tex import Formulas


@pytest.mark.parametrize(
    "kept",
    [
        '<div dir="rtl">\n<h2 id="فصل">فصل</h2>\n<p>متن</p>\n</div>',
        '<img alt="شکل" src="data:image/png;base64,AAAA">',
        '<p style="text-align: center;">الف</p>',
        f"<p>{Formulas().mathml('a < b')}</p>",
    ],
)
def test_kept(kept):
    assert clean_html(kept) == kept


@pytest.mark.parametrize(
    "source",
    [
        "<script>act()</script>",
        '<img onerror="act()">',
        '<a href="javascript:act()">x</a>',
        '<iframe src="act()"></iframe>',
        '<math onclick="act()"><mi>x</mi></math>',
        '<math><mtext><img onerror="act()"/></mtext></math>',
        '<form action="act()"></form>',
    ],
)
def test_dropped(source):
    cleaned = clean_html(source)
    assert not any(word in cleaned for word in ("<script", "onerror", "onclick", 'act()"', "<form"))
    assert "javascript:" not in cleaned
