"""What a page is made of: contents, neighbours, figures, tables, links, folded code, tab stops."""

import pytest
import sample
from bs4 import BeautifulSoup
from exports import exported
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PNG = {"image/png": sample.png()}


def made(*cells, **metadata):
    """The page of some cells, a text being a Markdown cell, as a soup."""
    cells = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return BeautifulSoup(exported(new_notebook(cells=cells, metadata=metadata)), "html.parser")


def code(source, *outputs, tags=(), **jupyter):
    metadata = {"tags": list(tags)} | ({"jupyter": jupyter} if jupyter else {})
    return new_code_cell(source, outputs=list(outputs), metadata=metadata)


def markdown(text):
    return sample.display({"text/markdown": text})


def test_the_contents_list_every_section_and_lead_to_it():
    page = made("# عنوان", "## نخست\n\n### یک", "## دوم", "#### ژرف")
    for nav in page.select("nav.fa-contents"):
        words = [link.get_text() for link in nav.select("a")]
        assert words == ["نخست", "یک", "دوم"]
        assert all(page.find(id=link["href"][1:]) for link in nav.select("a"))
    assert len(page.select("nav.fa-contents")) == 2  # at the side, and folded on a phone


def test_a_formula_in_a_heading_runs_from_the_left_in_the_contents():
    page = made("# عنوان", "## گام $w - a$", "## Step $w - a$")
    words = [link.get_text() for link in page.select("nav.fa-side a")]
    assert words == ["گام \u2066w−a\u2069", "Step w−a"]
    assert all(page.find(id=link["href"][1:]) for link in page.select("nav.fa-side a"))
    assert not page.select("main [id*='\u2066']")


def test_headings_have_anchors_and_a_title_has_none():
    page = made("# عنوان", "## نخست", "## دوم")
    assert [a["href"] for a in page.select("h2 .fa-anchor")] == ["#نخست", "#دوم"]
    assert not page.select("h1 .fa-anchor")


def test_neighbours_are_those_of_the_metadata_and_lead_to_exports():
    pages = {
        "previous": {"href": "a.ipynb", "title": "الف"},
        "index": {"href": "index.html", "title": "فهرست"},
        "next": {"href": "javascript:alert(1)", "title": "ب <b>"},
    }
    navs = made("متن", **{"jupyter-fa": pages}).select("nav.fa-pages")
    assert len(navs) == 2
    for nav in navs:
        assert nav.select_one(".fa-previous")["href"] == "a.html"
        assert nav.select_one(".fa-index").get_text() == "فهرست"
        assert "javascript" not in str(nav) and not nav.find("b")


@pytest.mark.parametrize("pages", [None, 3, [], {"next": 1}, {"next": {"href": 1}}])
def test_neighbours_that_are_none_are_left_out(pages):
    assert not made("متن", **{"jupyter-fa": pages}).select("nav.fa-pages")


def test_a_picture_and_its_caption_are_a_figure_that_the_text_links_to():
    drawn = code("show()", sample.display(PNG), markdown("**شکل ۳ —** هزینه بر حسب دور."))
    page = made("در شکل ۳ می‌بینیم؛ شکل‌های ۳ و ۴.", drawn)
    figure = page.find("figure")
    assert figure["id"] == "fig-3" and figure.find("figcaption").get_text(strip=True)
    links = page.select('p a[href="#fig-3"]')
    assert [link.get_text() for link in links] == ["شکل ۳", "شکل‌های ۳"]
    assert not page.select('a[href="#fig-4"]') and not figure.select('figcaption a[href="#fig-3"]')


def test_the_name_of_a_section_is_a_link_to_it():
    page = made("## راه مقایسه", "بخش «راه مقایسه» و «چیز دیگر».")
    assert [a.get_text() for a in page.select('p a[href="#راه-مقایسه"]')] == ["راه مقایسه"]


def test_tables_have_captions_scopes_and_a_box_with_their_name():
    page = made("جدول ۲: خطاها", "| الف | ب |\n|---|---|\n| ۱ | ۲ |", "جدول ۲ را ببینید.")
    assert {th["scope"] for th in page.select("thead th")} == {"col"}
    box = page.select_one(".fa-scroll")
    assert box["role"] == "group" and (box.get("aria-label") or box.get("aria-labelledby"))
    both = made("جدول ۲: خطاها\n\n| الف | ب |\n|---|---|\n| ۱ | ۲ |", "جدول ۲ را ببینید.")
    assert both.caption.get_text() == "جدول ۲: خطاها"
    assert both.select_one('p a[href="#table-2"]').get_text() == "جدول ۲"


RESULT = markdown("نتیجه")


@pytest.mark.parametrize(
    ("tags", "jupyter", "folded", "code_shown", "result_shown"),
    [
        ([], {}, None, True, True),
        (["hide-input"], {}, "fa-code", True, True),
        (["hide_input"], {}, "fa-code", True, True),
        ([], {"source_hidden": True}, "fa-code", True, True),
        (["remove-input"], {}, None, False, True),
        (["hide-output"], {}, "fa-fold", True, True),
        ([], {"outputs_hidden": True}, "fa-fold", True, True),
        (["remove-output"], {}, None, True, False),
        (["hide-cell"], {}, "fa-cell", True, True),
        (["remove-cell"], {}, None, False, False),
    ],
)
def test_tags_of_jupyter_book_fold_and_remove(tags, jupyter, folded, code_shown, result_shown):
    cell = code("secret = 1", RESULT, tags=tags, **jupyter)
    page = made("متن", cell)
    assert ("secret" in page.main.get_text()) == code_shown
    assert ("نتیجه" in page.main.get_text()) == result_shown
    folds = page.select("details.fa-fold")
    assert len(folds) == (folded is not None)
    assert not folded or folded in folds[0]["class"]
    if folded == "fa-code":
        assert "نتیجه" not in folds[0].get_text() and not folds[0].has_attr("open")


def test_folded_cells_that_follow_one_another_are_folded_as_one():
    hidden = {"tags": ["hide-input"]}
    cells = [code(f"a{i}", **hidden) for i in range(3)] + [code("b", RESULT, **hidden)]
    cells += [code("c", **hidden), "متن", code("d", **hidden), code("e", **hidden)]
    page = made(*cells)
    sources = [
        [source.get_text(strip=True) for source in fold.select(".jp-InputArea-editor")]
        for fold in page.select("details.fa-code")
    ]
    assert sources == [["a0", "a1", "a2", "b"], ["c"], ["d", "e"]]


def test_a_section_that_lab_has_collapsed_is_folded_to_the_next_heading():
    heading = new_markdown_cell("## پیوست", metadata={"jp-MarkdownHeadingCollapsed": True})
    page = made("## پیش", heading, "در پیوست", "### زیر", "## پس", "در پس")
    fold = page.select_one("details.fa-section")
    assert fold.summary.h2 and not fold.summary.a
    assert "در پیوست" in fold.get_text() and "زیر" in fold.get_text()
    assert "در پس" not in fold.get_text()


def test_code_is_neither_translated_nor_read_in_another_language():
    page = made("متن `x = 1` و `متن`", code("print(1)"))
    shown = page.select_one("p code")
    assert shown["translate"] == "no" and shown["lang"] == "en"
    assert page.select_one(".jp-InputArea-editor")["lang"] == "en"
    assert "lang" not in page.select("p code")[1].attrs


def test_only_links_and_summaries_stop_the_keyboard():
    page = made(*sample.notebook().cells)
    stops = page.select("[tabindex='0']")
    assert not stops and page.html["dir"] == "rtl"
