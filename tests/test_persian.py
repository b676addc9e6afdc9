"""Persian numbers, templates, and the words of a verdict."""

import re

import numpy as np
import pytest

import persian
from evidence import Family
from persian import fa, told


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (12000, ",", "۱۲٬۰۰۰"),
        (2000, "", "۲٬۰۰۰"),
        (np.float32(1234.5), ".1f", "۱٬۲۳۴٫۵"),
        (np.int64(1000), ".0f", "۱٬۰۰۰"),
        (0.125, ".3f", "۰٫۱۲۵"),
        (0.3, "g", "۰٫۳"),
        (-0.0001, ".2f", "۰٫۰۰"),
        (-1.5, ".1f", "\u2066−۱٫۵\u2069"),
        (1.5, "+.1f", "\u2066+۱٫۵\u2069"),
        (3e-5, ".1e", "\u2066۳٫۰×۱۰⁻⁵\u2069"),
        (3e-9, ".2g", "\u2066۳×۱۰⁻⁹\u2069"),
        (0.0, ".0e", "۰"),
        (float("inf"), "g", "∞"),
        (-np.inf, ".1f", "\u2066−∞\u2069"),
        (np.float32("nan"), ".1f", "نامعین"),
    ],
)
def test_numbers_are_persian(value, spec, text):
    assert fa(value, spec) == text


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match="the format is '>8'; allowed: like"):
        fa(1.0, ">8")


def test_percent_spread_and_listing():
    assert persian.percent(0.9871) == "۹۸٫۷٪"
    assert persian.spread([3.0, 1.0, 2.0], ".0f") == "۲ (۱ تا ۳)"
    assert persian.spread([1000, 1000], ".0f") == "۱٬۰۰۰"
    assert persian.spread([0.501, 0.502], "%0") == "۵۰٪"
    assert persian.listing(["الف", "ب", "پ"]) == "الف، ب و پ"
    assert persian.listing(["الف"]) == "الف"


class TestTold:
    @pytest.mark.parametrize(
        ("template", "value", "text"),
        [
            ("{v:.2f}", 0.123, "۰٫۱۲"),
            ("{v}", 2000, "۲٬۰۰۰"),
            ("{v}", 0.12345, "۰٫۱۲۳"),
            ("{v:%1}", 0.987, "۹۸٫۷٪"),
            ("{v:%}", 0.987, "۹۸٫۷٪"),
            ("{v:spread .1f}", np.array([1, 2, 4.0]), "۲٫۰ (۱٫۰ تا ۴٫۰)"),
            ("{v:spread %0}", [0.1, 0.2, 0.3], "۲۰٪ (۱۰٪ تا ۳۰٪)"),
            ("{v:list}", ["relu", "he", "دیگر"], "ReLU، He و دیگر"),
            ("{v:list .1f}", (1, 2), "۱٫۰ و ۲٫۰"),
            ("{v}", "relu", "ReLU"),
            ("پیش‌بینی {v:درست|نادرست} است", np.bool_(False), "پیش‌بینی نادرست است"),
            ("{v:.1f}", np.array(2.0), "۲٫۰"),
            ("{{v}} {v:d}", 5, "{v} ۵"),
        ],
    )
    def test_formats(self, template, value, text):
        assert told(template, v=value) == text

    def test_paragraphs_and_fields_within_a_choice(self):
        assert told("{ok:تا {x:.1f}|نه}", "{n}", ok=True, x=2, n=3) == "تا ۲٫۰\n\n۳"

    @pytest.mark.parametrize(
        ("template", "names", "message"),
        [
            ("{a.b}", {"a": 1}, "allowed: a plain name"),
            ("{a[0]}", {"a": [1]}, "allowed: a plain name"),
            ("{}", {}, "allowed: a plain name"),
            ("{a!r}", {"a": 1}, "!r in a sentence"),
            ("{b}", {"a": 1}, "{b} is not given; given: a"),
            ("{a}", {"a": 1, "b": 2}, "b given but not in the sentence"),
            ("{a:yes|no}", {"a": 1}, "yes|no takes a truth value"),
            ("{a}", {"a": True}, "allowed: yes|no"),
            (
                "{a:verdict .2f}",
                {"a": Family(1).compare({"a": [1, 2], "b": 1})},
                "allowed: verdict",
            ),
        ],
    )
    def test_what_is_no_name_or_fits_no_format_is_refused(self, template, names, message):
        with pytest.raises(ValueError) as refused:
            told(template, **names)
        assert message in str(refused.value)

    def test_an_array_needs_to_be_told_how(self):
        with pytest.raises(TypeError, match="ndarray in a sentence; use spread, list"):
            told("{a:.1f}", a=np.ones(3))


NOISE = np.array([0.9, 1.1, 1.0, 0.95, 1.05, 1.02, 0.98, 0.97, 1.03, 1.0])


class TestVerdicts:
    def told(self, first, second, **options):
        c = Family(1).compare({"adam": first, "minibatch": second}, **options)
        return told("{c:verdict}", c=c).replace("\u2066", "").replace("\u2069", "")

    def test_lower_says_the_ratio_whichever_is_the_lower(self):
        text = "هزینۀ Adam ۰٫۵۰ برابر ریزدسته‌ای است (۹۵٪: ۰٫۴۸ تا ۰٫۵۲)"
        assert self.told(NOISE / 2, np.ones(10)) == text
        turned = "هزینۀ ریزدسته‌ای ۰٫۵۰ برابر Adam است (۹۵٪: ۰٫۴۸ تا ۰٫۵۲)"
        assert self.told(np.ones(10), NOISE / 2) == turned
        assert "۰٫۰۰۰۵" in self.told(NOISE / 2000, np.ones(10))

    def test_same_names_its_margin(self):
        text = self.told(NOISE, np.ones(10), margin=1.1, of="هزینۀ آزمون")
        assert text == (
            "هزینۀ آزمون Adam و ریزدسته‌ای در حاشیۀ ۱۰٪ یکسان‌اند (نسبت ۱٫۰۰؛ ۹۵٪: ۰٫۹۶ تا ۱٫۰۴)"
        )

    def test_undecided_says_so_of_as_many_seeds(self):
        text = self.told(NOISE, np.ones(10))
        assert "از ده بذر نتیجه‌ای قطعی برنمی‌آید (نسبت ۱٫۰۰" in text
        assert "از سه بذر" in self.told(NOISE[:3], np.ones(3))

    def test_counts(self):
        few, many = 20 + 10 * NOISE, 25 + 20 * NOISE
        text = "شمار خطای Adam ۱۵٫۰ تا از ریزدسته‌ای کمتر است (۹۵٪: ۱۴٫۶ تا ۱۵٫۴)"
        assert self.told(few, many, ratio=False) == text
        assert "ریزدسته‌ای ۱۵٫۰ تا از Adam کمتر است" in self.told(many, few, ratio=False)
        assert "در حاشیۀ ۳ خطا یکسان‌اند" in self.told(few, few, ratio=False, margin=3)

    def test_counts_that_are_far_apart_have_no_decimals(self):
        few, many = 20 + 10 * NOISE, 250 + 400 * NOISE
        text = self.told(few, many, ratio=False)
        assert re.search(r"Adam [۰-۹]+ تا از", text) and "٫" not in text

    def test_who_diverged(self):
        text = self.told(np.full(10, np.nan), np.ones(10))
        assert text == "هزینۀ ریزدسته‌ای از Adam کمتر است، که در بیشتر بذرها واگرا شد"

    def test_the_numbers_alone(self):
        c = Family(1).compare({"a": NOISE / 2, "b": np.ones(10)})
        assert told("{c:ratio}", c=c) == "۰٫۵۰ (۹۵٪: ۰٫۴۸ تا ۰٫۵۲)"


def test_tables_and_paragraphs_are_right_to_left(displayed):
    persian.tell("الف {n}", n=3)
    persian.table(["روش", "خطا"], [["relu", 2000], ["الف", told("{x:.1f}", x=1)]])
    first, second = (markdown.data for markdown, _ in displayed)
    assert first == '<div dir="rtl">\n\nالف ۳\n\n</div>'
    assert "| ReLU | ۲٬۰۰۰ |" in second and "| الف | ۱٫۰ |" in second


@pytest.mark.parametrize("before", ["ReLU", "L2:", "«بدون L2»", "تصادفی (SGD)", "σ(4z)", "(Adam)،"])
def test_a_number_after_a_latin_word_stands_on_its_left(displayed, before):
    persian.say(f"{before} ۱۹۷ تا")
    [(markdown, _)] = displayed
    assert f"{before} \u200f۱۹۷ تا" in markdown.data
