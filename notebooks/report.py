"""The notebooks' one door: ``import report as r``.

Beside it: ``evidence`` (seeds, rates, verdicts, times), ``probes`` (measurements inside a net),
``persian`` (numbers and sentences), ``figures``. Here: the data with their banners, the claims,
and the short answer at the top of a page.
"""

import contextlib
import sys

import numpy as np
from IPython.display import display
from threadpoolctl import threadpool_limits

from adamw import AdamW  # noqa: F401, for the notebooks
from evidence import (  # noqa: F401
    FIRST_SEED,
    LOWER,
    SAME,
    TEST_IMAGES,
    UNDECIDED,
    Family,
    carry,
    choose,
    ladder,
    late,
    late_errors,
    nn,
    opened,
    resolved,
    rng,
    seeds,
    selection_seeds,
    stand_in,
    times_to_cost,
    validation_split,
    watch,
)
from figures import (  # noqa: F401
    OKABE_ITO,
    STYLES,
    accuracy_axis,
    band,
    choice_curves,
    cost_axis,
    count_axis,
    gamma_axis,
    label,
    learning_curves,
    legend,
    panels,
    pictures,
    rtl,
    show,
    style,
)
from persian import (  # noqa: F401
    NAMES,
    fa,
    listing,
    percent,
    power_of_ten,
    rtl_block,
    say,
    spread,
    table,
    tell,
    told,
    written,
)
from probes import (  # noqa: F401
    ByCrossEntropy,
    HeldOut,
    Scaled,
    auc,
    best_line,
    central_differences,
    dead_units,
    first_layer,
    join_seeds,
    layer_health,
    measure,
    path,
    sensitivity,
    sigmoid_variant,
    trained,
    update_ratios,
    weight_norms,
    xor,
)


def open_data():
    """Load the data, preparing them if they are not there; say so if they or the seeds are others.

    BLAS gets one thread from here on, as in a sweep: no number depends on the cores there are.
    """
    threadpool_limits(1)
    try:
        data = nn.load_data()
    except FileNotFoundError:
        import prepare

        with contextlib.redirect_stdout(sys.__stdout__):  # the terminal: no paths in the notebook
            prepare.prepare()
        data = nn.load_data()
    if len(data.y_test) != TEST_IMAGES:
        raise ValueError(f"{len(data.y_test)} test images; the report counts errors of 2,000")
    opened(data)
    if stand_in():
        say(
            "> **⚠ این Fashion-MNIST نیست.** داده‌ها پیدا نشدند و به‌جایشان *دادۀ جانشین* نشسته است:"
            " پیراهن‌ها و شلوارهایی که همین برنامه کشیده است. همه‌چیز اجرا می‌شود، ولی هیچ عددی دربارۀ"
            " Fashion-MNIST نیست و ادعاها «بررسی‌نشده» می‌مانند."
        )
    if FIRST_SEED:
        tell(
            "> **بذرهای دیگر.** بذرها از {first} آغاز می‌شوند؛ همۀ عددها، شکل‌ها و داوری‌های این صفحه"
            " از این بذرهاست، نه از بذرهای گزارش. ادعایی که برقرار نماند در جدول پایانی ✗ می‌گیرد و"
            " اجرا ادامه می‌یابد.",
            first=FIRST_SEED,
        )
    return data


# ------------------------------------------------------------------- claims


class Claims:
    """The claims of a notebook, each checked beside its experiment.

    >>> claims = Claims()
    >>> sinks = claims.check(
    ...     "گرادیان سیگموئید در هر لایه دست‌کم سه برابر کوچک می‌شود",
    ...     np.median(f) >= 3, "{f:spread .1f} برابر", f=f)
    >>> tell("گرادیان {f:spread .1f} برابر کوچک می‌شود؛ پیش‌بینی {ok:برقرار است|برقرار نیست}.",
    ...      f=f, ok=sinks)
    >>> claims.close()
    """

    def __init__(self):
        self._rows = {}

    def check(self, text, condition, evidence, /, **names):
        """Note a claim and return whether it holds: the one truth value for whatever is said of it.

        text : the claim in Persian, the same for every seed; a cell run again replaces its row
        condition : True or False; anything else, and NaN among ``names``, never holds
        evidence : a template (``persian.written``) of the numbers behind it
        """
        sound = isinstance(condition, bool | np.bool_) and not any(map(_has_nan, names.values()))
        self._rows[text] = bool(condition) if sound else False, told(evidence, **names)
        return self._rows[text][0]

    @property
    def rows(self):
        """[(text, whether it holds, evidence)] in the order of the checks."""
        return [(text, *row) for text, row in self._rows.items()]

    def close(self, **findings):
        """Display the table; on real data and the report's seeds, raise if a claim fails.

        ``findings`` are numbers for the README, kept in the output's metadata, which is JSON and
        knows no infinite ones.
        """
        failed = [text for text, holds, _ in self.rows if not holds and not stand_in()]
        mark = {True: "✓", False: "✗"}.get if not stand_in() else lambda _: "بررسی‌نشده"
        table(
            ["#", "ادعا", "شاهد", "نتیجه"],
            [(i, text, told_, mark(holds)) for i, (text, holds, told_) in enumerate(self.rows, 1)],
            claims={
                "total": len(self.rows),
                "failed": len(failed),
                "checked": not stand_in(),
                "first_seed": FIRST_SEED,
                "rows": [[text, holds] for text, holds, _ in self.rows],
                "findings": {k: float(v) for k, v in findings.items() if np.isfinite(v)},
            },
        )
        if failed and not FIRST_SEED:
            raise AssertionError("ادعاهایی که برقرار نیستند: " + "؛ ".join(failed))


def _has_nan(value):
    if hasattr(value, "outcome"):
        value = [value.estimate, value.low, value.high]
    if isinstance(value, str):
        return False
    if isinstance(value, list | tuple):
        return any(map(_has_nan, value))
    array = np.asarray(value)
    return array.dtype.kind == "f" and bool(np.isnan(array).any())


# ------------------------------------------------------------- short answer


class ShortAnswer:
    """The answer at the top of a page, which its last cell fills in.

    >>> answers = short_answer()                             # in the second cell of the notebook
    >>> answers.fill(told("…", ok=sinks), told("{v:verdict}.", v=adam))   # in the last
    """

    def __init__(self):
        waiting = rtl_block("**پاسخ کوتاه** در پایان اجرا اینجا می‌نشیند.")
        self._handle = display(waiting, display_id=True)

    def fill(self, *sentences):
        """Write the sentences in place of the placeholder; build.py's index shows them too."""
        lines = "\n".join(f"- {sentence}" for sentence in sentences)
        self._handle.update(
            rtl_block(f"**پاسخ کوتاه**\n\n{lines}"), metadata={"answers": list(sentences)}
        )


def short_answer():
    """Display the placeholder of the short answer; assign what it returns."""
    return ShortAnswer()
