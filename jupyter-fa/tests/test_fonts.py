"""Embedded fonts hold what the page needs, and nothing changes from run to run."""

import pytest
from exports import embedded

from jupyter_fa.fonts import TEXT_FACE, FontFaces, bundled
from jupyter_fa.tex import Formulas

CODE = {("fa-code", "400"), ("fa-code", "700")}
PAGE = "<p>سلام ✓</p>" + Formulas().mathml(r"\sqrt{h} + \mathbf{W} \sum \theta \mathcal{L}")


@pytest.fixture(scope="module")
def css():
    return FontFaces()(PAGE)


def test_text_is_joined_persian_in_two_weights(css):
    fonts = embedded(css)
    for weight in ("400", "700"):
        font = fonts["fa-text", weight]
        assert set("سلامۀ۰۱٫،؛\u200c") <= set(map(chr, font.getBestCmap()))
        features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
        assert {"init", "medi", "fina"} <= features
    assert 0x2713 in fonts["fa-text", "400"].getBestCmap()


def test_math_has_italics_radicals_and_a_table_of_constants(css):
    font = embedded(css)["fa-math-0", "400"]
    assert set("√∑ℎ𝐖𝜃ℒ") <= set(map(chr, font.getBestCmap()))
    assert "MATH" in font
    assert "--fa-math: fa-math-0" in css


@pytest.mark.parametrize(
    "text",
    ["شبکۀ «سادۀ» ۱۲٫۵٪", "العربية: أولاً، ثانيًا؟", "עברית: שָׁלוֹם", "Ünïcödé ✓ — №", "بيضاء ئ ؤ إ آ"],
)
def test_every_letter_of_a_page_has_a_glyph(text):
    for weight in ("400", "700"):
        fonts = embedded(FontFaces()(f"<p>{text}</p>"))
        assert set(map(ord, text)) <= set(fonts["fa-text", weight].getBestCmap())


@pytest.mark.parametrize("family", ["fa-text", "fa-code"])
def test_a_letter_in_parts_is_drawn_with_them(family):
    font = embedded(FontFaces()("<p>شبکۀ</p>"))[family, "400"]
    names, gsub = font.getBestCmap(), font["GSUB"].table
    features = [f.Feature for f in gsub.FeatureList.FeatureRecord if f.FeatureTag == "ccmp"]
    rules = {}
    for lookup in {number for feature in features for number in feature.LookupListIndex}:
        for table in gsub.LookupList.Lookup[lookup].SubTable:
            rules |= getattr(table, "mapping", {})
    assert rules[names[0x6C0]] == [names[0x647], names[0x654]]


def test_a_script_with_letters_that_the_font_lacks_is_left_to_the_reader(caplog):
    css = FontFaces()("<p>یہ اردو ہے۔ 1 a</p>")
    for font in embedded(css).values():
        assert not set(map(chr, font.getBestCmap())) & set("یراد")
    assert "DejaVuSans.ttf has no ہ ے" in caplog.text


def test_a_page_without_arabic_letters_has_no_font_for_them():
    assert len(FontFaces()("<p>words</p>")) < len(FontFaces()("<p>واژه</p>")) - 20_000


def test_a_page_without_formulas_has_no_math_font():
    assert "fa-math" not in FontFaces()("<p>متن</p>")


def test_same_page_same_bytes(css):
    from jupyter_fa import fonts

    fonts._subset.cache_clear()
    assert FontFaces()(PAGE) == css


def test_subsets_are_small(css):
    assert len(css) < 200_000


def test_another_font_by_environment_or_configuration(tmp_path, monkeypatch):
    mine = tmp_path / "Mine-Regular.ttf"
    mine.write_bytes(bundled(*TEXT_FACE).read_bytes())
    monkeypatch.setenv("JUPYTER_FA_FONT", str(mine))
    assert set(embedded(FontFaces()("<p/>"))) == {("fa-text", "400"), *CODE}
    (tmp_path / "Mine-Bold.ttf").write_bytes(mine.read_bytes())
    assert set(embedded(FontFaces(font=str(mine))("<p/>"))) == {
        ("fa-text", "400"),
        ("fa-text", "700"),
        *CODE,
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
