"""Embedded fonts hold what the page needs, and nothing changes from run to run."""

import base64
import io
import re

import pytest
from fontTools.ttLib import TTFont

from jupyter_fa.fonts import TEXT_FACE, FontFaces, bundled
from jupyter_fa.tex import Formulas

PAGE = "<p>سلام ✓</p>" + Formulas().mathml(r"\sqrt{h} + \mathbf{W} \sum \theta \mathcal{L}")


def embedded(css):
    """Return {family and weight: the font} of the rules."""
    rules = re.findall(r"family: (\S+); font-weight: ([\d ]+);.*?base64,([^\"]+)", css)
    fonts = {}
    for family, weight, data in rules:
        fonts[family, weight] = TTFont(io.BytesIO(base64.b64decode(data)))
    return fonts


@pytest.fixture(scope="module")
def css():
    return FontFaces()(PAGE)


def test_text_is_joined_persian_in_two_weights(css):
    fonts = embedded(css)
    for weight in ("400", "700"):
        font = fonts["fa-text", weight]
        assert set("سلام۰۱٫،؛\u200c") <= set(map(chr, font.getBestCmap()))
        features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
        assert {"init", "medi", "fina"} <= features
    assert 0x2713 in fonts["fa-text", "400"].getBestCmap()


def test_math_has_italics_radicals_and_a_table_of_constants(css):
    font = embedded(css)["fa-math-0", "400"]
    assert set("√∑ℎ𝐖𝜃ℒ") <= set(map(chr, font.getBestCmap()))
    assert "MATH" in font
    assert "--fa-math: fa-math-0" in css


def test_a_page_without_formulas_has_no_math_font():
    assert "fa-math" not in FontFaces()("<p>متن</p>")


def test_same_page_same_bytes(css):
    from jupyter_fa import fonts

    fonts._subset.cache_clear()
    assert FontFaces()(PAGE) == css


def test_subsets_are_small(css):
    assert len(css) < 150_000


def test_another_font_by_environment_or_configuration(tmp_path, monkeypatch):
    mine = tmp_path / "Mine-Regular.ttf"
    mine.write_bytes(bundled(*TEXT_FACE).read_bytes())
    monkeypatch.setenv("JUPYTER_FA_FONT", str(mine))
    assert set(embedded(FontFaces()("<p/>"))) == {("fa-text", "400")}
    (tmp_path / "Mine-Bold.ttf").write_bytes(mine.read_bytes())
    assert set(embedded(FontFaces(font=str(mine))("<p/>"))) == {
        ("fa-text", "400"),
        ("fa-text", "700"),
    }


@pytest.mark.parametrize(
    ("name", "variable"), [("font", "JUPYTER_FA_FONT"), ("math_font", "JUPYTER_FA_MATH_FONT")]
)
def test_a_font_that_is_not_there_is_named_with_its_settings(name, variable, monkeypatch):
    reason = rf"FontFaces\.{name} or {variable}: .*/nowhere\.ttf"
    with pytest.raises(FileNotFoundError, match=reason):
        FontFaces(**{name: "/nowhere.ttf"})("<p/>")
    monkeypatch.setenv(variable, "/nowhere.ttf")
    with pytest.raises(FileNotFoundError, match=reason):
        FontFaces()("<p/>")
