"""What is harmless stays as it is, what acts or reaches out is left out: see also attacks.py."""

import re
import time

import attacks
import pytest
from bs4 import BeautifulSoup
from exports import exported
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from jupyter_fa.fonts import css_string
from jupyter_fa.markdown import html_output, markdown2html
from jupyter_fa.sanitize import clean_html, fa_cell
from jupyter_fa.tex import Formulas

MATRIX = r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}^{-1} = \frac{1}{2} \sum_i \hat{x}_i"
HARMLESS = [
    '<div dir="rtl" lang="fa" class="c" id="فصل">\n<h2 id="فصل-۲">فصل</h2>\n<p>متن</p>\n</div>',
    '<img alt="شکل" src="data:image/png;base64,AAAA" width="3">',
    '<p style="text-align:center;color:red">الف</p>',
    "<table><caption>c</caption><thead><tr><th>a</th></tr></thead>"
    '<tbody><tr><td colspan="2" align="right">b</td></tr></tbody></table>',
    '<ol start="3" type="a"><li value="4">a</li></ol>',
    '<details open=""><summary>s</summary><p>p</p></details>',
    '<a href="#x">a</a><a href="https://host/x?a=1&amp;b=2">b</a><a href="mailto:a@b">c</a>',
    "<p><ruby>a<rt>b</rt></ruby><kbd>k</kbd><sub>1</sub></p>",
    f"<p>{Formulas().mathml('a + b')}{Formulas().mathml(MATRIX)}</p>",
]
# What tables, models and drawings show with, in a page that is not sanitized.
TRUSTED = [
    '<style type="text/css">#T_1 { color: red; background: url(data:image/gif;base64,R) }</style>',
    '<input class="sk-hidden" id="a" type="checkbox" checked=""><label for="a">a</label>',
    '<svg viewBox="0 0 9 9" width="9"><defs><linearGradient id="g"><stop offset="0"></stop>'
    '</linearGradient></defs><rect fill="url(#g)" width="9"></rect><use href="#g"></use></svg>',
    '<div style="position:relative;top:1px" data-x="1">d</div>',
    '<video controls="" src="data:video/mp4;base64,AAAA"></video>',
]


@pytest.mark.parametrize("html", HARMLESS)
def test_harmless_html_stays(html):
    assert clean_html(html) == html
    assert fa_cell({}, html) == html


@pytest.mark.parametrize("html", TRUSTED)
def test_style_sheets_controls_and_drawings_stay_unless_sanitized(html):
    assert fa_cell({}, html) == html
    assert fa_cell({"resources": {"should_sanitize_html": True}}, html) != html


@pytest.mark.parametrize(
    "style",
    [
        "position:fixed",
        "POSITION : absolute",
        "top:0;left:0",
        "z-index:9",
        "margin-top:-99px",
        "transform:scale(9)",
        "background:url(http://host/x)",
        "background-image:url(http://host/x)",
        "opacity:0",
        "content:'x'",
        "pos\\69tion:fixed",
    ],
)
def test_sanitized_styles_neither_move_nor_fetch(style):
    cleaned = clean_html(f'<p style="{style};color:red">words</p>')
    assert cleaned == '<p style="color:red">words</p>'


@pytest.mark.parametrize("attack", attacks.ATTACKS)
def test_a_sanitized_fragment_has_nothing_that_acts(attack, tmp_path):
    cleaned = clean_html(attacks.filled(attack, tmp_path / "secret", "127.0.0.1:9"))
    soup = BeautifulSoup(cleaned, "html.parser")
    for element in soup.find_all():
        assert element.name in ("a", "annotation", "b", "body", "button", "details", "div", "html",
                                "img", "input", "math", "mi", "mrow", "mtext", "p", "pre",
                                "semantics", "svg", "table", "tbody", "td", "tr")  # fmt: skip
        assert not [name for name in element.attrs if name.startswith("on")]
        assert not re.match(r"\W*(javascript|vbscript|file):", element.get("href", ""))


@pytest.mark.parametrize(
    "title",
    [
        "a\f} body{display:none} x{",
        "a\r} body{display:none} x{",
        "a\n\x0b\x1c\x85\u2028\u2029}",
        'a"\\} </style><script>act()</script>',
        "\x00a\ud800",
        "a\\",
    ],
)
def test_no_title_ends_its_string_in_the_style_sheet(title, tmp_path):
    page = exported(new_notebook(cells=[], metadata={"title": title}), tmp_path)
    string = re.search(r'--fa-title: "((?:[\w ]|\\[0-9a-f]+ )*)"; --fa-direction: ltr;', page)
    assert string
    assert not re.search("[\x00-\x08\x0b-\x1f]", page)
    assert not re.search('[\x00-\x1f"<>{};]', css_string(title)[1:-1])


@pytest.mark.parametrize(
    "text",
    [
        "![]()",
        "[](http://[x)",
        '<a href="http://[x">a</a>',
        "\ud83d alone",
        "\x00\x0c",
        "<",
        "</",
        "<!",
    ],
)
def test_odd_text_does_not_stop_an_export(text, tmp_path):
    outputs = [
        new_output("display_data", data={"text/html": text, "text/plain": text}),
        new_output("stream", name="stdout", text=text),
    ]
    cells = [new_markdown_cell(text), new_code_cell(text, outputs=outputs)]
    page = exported(new_notebook(cells=[*cells, new_markdown_cell("the end")]), tmp_path)
    assert "<p>the end</p>" in page
    assert page.encode("utf-8")


@pytest.mark.parametrize(
    "widgets",
    [
        {"application/vnd.jupyter.widget-state+json": {"abc": {"model_name": "IntSliderModel"}}},
        {"state": {}, "version": "1.1.1"},
        {"application/vnd.jupyter.widget-state+json": {"state": {"abc": {}}}},
        None,
    ],
)
def test_widgets_and_scripts_show_their_other_forms(widgets, tmp_path):
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "abc"}}
    datas = [
        {**view, "text/plain": "IntSlider()"},
        {"application/javascript": "act()", "text/html": "<b>drawn</b>", "text/plain": "plain"},
        view,
        {"application/vnd.jupyter.widget-view+json": {}},
    ]
    outputs = [new_output("display_data", data=data) for data in datas]
    metadata = {} if widgets is None else {"widgets": widgets}
    notebook = new_notebook(cells=[new_code_cell("s", outputs=outputs)], metadata=metadata)
    page = exported(notebook, tmp_path)
    assert "IntSlider()" in page and "<b>drawn</b>" in page
    assert "act()" not in page and "plain</pre>" not in page


def test_elements_are_nested_as_deep_as_browsers_nest_them():
    deep = fa_cell({}, "<div>" * 2000 + "words" + "</div>" * 2000 + "<p>after</p>")
    assert deep == "<div>" * 512 + "words" + "</div>" * 512 + "<p>after</p>"
    rows = "<table><tbody>" + "<tr><td>1</td></tr>" * 2000 + "</tbody></table>"
    assert fa_cell({}, rows) == rows


@pytest.mark.parametrize(
    "piece",
    ["<a ", "<a href='", "<img src=", "<!--", "<![CDATA[", "<?", "<pre>", "<script>", "<style>",
     "<svg><style>", "<svg><g>", "<math>", "<", "</a ", "<b>", "<p><b>", "<i><p>", "<div>",
     "<table><td>", "&", "/*", "\n<p>\n"],
)  # fmt: skip
@pytest.mark.parametrize("convert", [markdown2html, html_output])
def test_time_grows_as_the_text_does(piece, convert):
    """Sixteen times the text takes about sixteen times as long, far from sixteen times sixteen."""

    def seconds(length):
        source = (piece * length)[:length]
        start = time.process_time()
        fa_cell({}, convert({}, source))
        return time.process_time() - start

    seconds(1000)
    assert seconds(64_000) < 64 * max(min(seconds(4_000) for _ in range(3)), 0.002)
