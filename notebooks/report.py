"""Presentation for the four notebooks: data with its banner, figures, Persian sentences, claims.

It draws and says what ``nn_core`` computed; it never trains. Everything Persian is displayed as
Markdown inside ``<div dir="rtl">``. Numbers in a sentence pass through ``fa``.
"""

import contextlib
import io
import os
import re
import sys
from dataclasses import dataclass
from math import inf, sqrt
from pathlib import Path

import matplotlib
import numpy as np
from IPython.display import Image, Markdown, display
from matplotlib import ticker
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [p for p in (str(ROOT), str(ROOT / "data")) if p not in sys.path]

import nn_core as nn  # noqa: E402

# --------------------------------------------------------------------- data

TEST_IMAGES = 2000  # as the assignment has it; every sentence counts errors out of these
_source = None  # what open_data found, for the corner of figures and the claims' verdicts


def open_data():
    """Load the data, preparing them first if they are not there; on a stand-in, say so loudly.

    BLAS gets one thread from here on, as in a sweep: no number depends on the cores there are.
    """
    global _source
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
    _source = data.source
    if stand_in():
        say(
            "> **⚠ این Fashion-MNIST نیست.** داده‌ها پیدا نشدند و به‌جایشان *دادۀ جانشین* نشسته است:"
            " پیراهن‌ها و شلوارهایی که همین برنامه کشیده است. همه‌چیز اجرا می‌شود، ولی هیچ عددی دربارۀ"
            " Fashion-MNIST نیست و ادعاها «بررسی‌نشده» می‌مانند."
        )
    return data


def stand_in():
    """Whether the data last opened are the stand-in."""
    return _source == "stand-in"


def validation_split(data, n=2000, seed=0):
    """The training set alone, cut in two: rates are chosen on its last n, never on the test set.

    Returns a Dataset whose test part is the validation part.
    """
    order = np.random.default_rng(seed).permutation(len(data.x_train))
    fit, held = order[:-n], order[-n:]
    return data._replace(
        x_train=data.x_train[fit],
        y_train=data.y_train[fit],
        x_test=data.x_train[held],
        y_test=data.y_train[held],
    )


# ---------------------------------------------------------- Persian writing

_DIGITS = str.maketrans("0123456789.,-", "۰۱۲۳۴۵۶۷۸۹٫٬−")
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def fa(value, spec=""):
    """A number in Persian digits: fa(0.125, ".3f") is ۰٫۱۲۵, fa(3e-5, ".1e") is ۳٫۰×۱۰⁻⁵.

    What has a sign or an exponent is isolated left-to-right, or bidi would turn it round.
    """
    text = format(value, spec)
    if not np.isfinite(value):
        return {"inf": "∞", "nan": "نامعین"}.get(text, "\u2066−∞\u2069")
    if "e" in text and value:
        mantissa, exponent = text.split("e")
        text = f"{mantissa.translate(_DIGITS)}×{power_of_ten(int(exponent))}"
        return f"\u2066{text}\u2069"
    text = (text if value else text.split("e")[0]).translate(_DIGITS)
    return f"\u2066{text}\u2069" if text[:1] in "−+" else text


def power_of_ten(exponent):
    """۱۰ with a superscript; plain ۱ and ۱۰ for the exponents 0 and 1."""
    return (
        ("۱", "۱۰")[exponent]
        if exponent in (0, 1)
        else "۱۰" + str(exponent).translate(_SUPERSCRIPT)
    )


def percent(share, digits=1):
    """0.987 as ۹۸٫۷٪."""
    return fa(100 * share, f".{digits}f") + "٪"


def spread(values, spec=".3f"):
    """The median over seeds and the range: «۰٫۰۱۲ (۰٫۰۱۱ تا ۰٫۰۱۴)»."""
    low, middle, high = np.min(values), np.median(values), np.max(values)
    return f"{fa(middle, spec)} ({fa(low, spec)} تا {fa(high, spec)})"


def spread_percent(shares, digits=1):
    """The same for shares: «۹۸٫۷٪ (۹۸٫۴٪ تا ۹۸٫۹٪)»."""
    low, middle, high = np.min(shares), np.median(shares), np.max(shares)
    return f"{percent(middle, digits)} ({percent(low, digits)} تا {percent(high, digits)})"


def listing(words):
    """«الف، ب و پ»."""
    words = [str(w) for w in words]
    return " و ".join(["، ".join(words[:-1]), words[-1]] if words[1:] else words)


def say(*paragraphs, **metadata):
    """Display Persian Markdown, right-to-left.

    A number after a Latin or Greek word is told to stand on its left; bidi would put it right.
    """
    body = re.sub(r"([A-Za-zͰ-Ͽ][0-9]?[:،]? )(?=[۰-۹])", "\\1\u200f", "\n\n".join(paragraphs))
    display(Markdown(f'<div dir="rtl">\n\n{body}\n\n</div>'), metadata=metadata)


def table(headers, rows, **metadata):
    """Display a right-to-left table; cells are strings or whatever ``str`` makes of them."""
    lines = [headers, ["---"] * len(headers), *rows]
    say("\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines), **metadata)


# -------------------------------------------------------------- comparisons

# Student's t, two-sided 95 %, by degrees of freedom: no SciPy for nine numbers.
_T95 = dict(
    zip(range(1, 10), [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262], strict=True)
)


@dataclass(frozen=True)
class Paired:
    """first − second over paired seeds: the mean difference and its 95 % t-interval."""

    mean: float
    low: float
    high: float

    @property
    def first_is_lower(self):
        return self.high < 0

    @property
    def second_is_lower(self):
        return self.low > 0

    @property
    def indistinguishable(self):
        return not (self.first_is_lower or self.second_is_lower)


def paired(first, second):
    """Compare two methods seed by seed (2 to 10 seeds); NaN counts as infinitely bad."""
    first, second = (np.where(np.isnan(v), inf, v) for v in (first, second))
    with np.errstate(invalid="ignore"):
        difference = np.where(first == second, 0.0, first - second)
    n, mean = len(difference), float(np.mean(difference))
    if not np.isfinite(mean):
        same = np.all(difference > 0) or np.all(difference < 0)
        return Paired(mean, mean if same else -inf, mean if same else inf)
    half = _T95[n - 1] * float(np.std(difference, ddof=1)) / sqrt(n)
    return Paired(mean, mean - half, mean + half)


def verdict(first, second, name_first, name_second, lower="بهتر"):
    """A sentence on which of two is ``lower`` (better, if the values are costs), or neither."""
    p = paired(first, second)
    if p.indistinguishable:
        return f"میان {name_first} و {name_second} تفاوت معناداری دیده نشد"
    better, other = (name_first, name_second) if p.first_is_lower else (name_second, name_first)
    return f"{better} از {other} {lower} است"


def errors(history):
    """Misclassified test images after training, one number a seed; half of them if it diverged."""
    share = 1 - history.test_accuracy[:, -1]
    return np.rint(np.where(np.isnan(share), 0.5, share) * TEST_IMAGES)


def final(history, field="test_loss"):
    """The last row of a field, one value a seed; infinite for a run that diverged."""
    values = getattr(history, field)[:, -1]
    return np.where(np.isnan(values), inf, values)


def epochs_to(history, cost, field="train_loss"):
    """The first epoch whose cost is at most ``cost``, one a seed; infinite if it never is."""
    reached = getattr(history, field) <= cost
    return np.where(reached.any(axis=1), reached.argmax(axis=1), inf)


def best_rate(runs):
    """{rate: History} → the rate with the lowest median final validation cost."""
    return min(runs, key=lambda rate: np.median(final(runs[rate])))


# -------------------------------------------------------------- diagnostics


def layer_health(net, x):
    """A probe for ``nn.train``: per hidden layer, the shares of saturated and of dead units.

    saturated: f′ below a tenth of its maximum, over units and samples; dead: units whose f′ is
    so on every sample of x.
    """
    activation, saturated, dead = nn.ACTIVATIONS[net.activation], [], []
    for a in net.activations(x)[:-1]:
        slope = np.ones_like(a)
        activation.backward(slope, a)
        flat = slope < (0.025 if net.activation == "sigmoid" else 0.1)
        saturated.append(flat.mean())
        dead.append(flat.all(axis=0).mean())
    return {"saturated": saturated, "dead": dead}


# ------------------------------------------------------------------ figures

OKABE_ITO = dict(
    black="#000000",
    orange="#E69F00",
    sky="#56B4E9",
    green="#009E73",
    blue="#0072B2",
    red="#D55E00",
    pink="#CC79A7",
    grey="#777777",
)
_C, _SOLID, _DASH, _DOT = OKABE_ITO, "-", (0, (5, 1.5)), (0, (1.5, 1.2))
_DASHDOT, _LONG = (0, (5, 1.2, 1.2, 1.2)), (0, (8, 2))

# One colour and dash a method, the same in every notebook.
STYLES = {
    "identity": (_C["grey"], _LONG),
    "sigmoid": (_C["red"], _DASH),
    "tanh": (_C["blue"], _DASHDOT),
    "relu": (_C["green"], _SOLID),
    "leaky_relu": (_C["pink"], _DOT),
    "zeros": (_C["grey"], _LONG),
    "small": (_C["sky"], _DASH),
    "large": (_C["red"], _DOT),
    "xavier": (_C["blue"], _DASHDOT),
    "he": (_C["green"], _SOLID),
    "batch": (_C["black"], _LONG),
    "minibatch": (_C["orange"], _SOLID),
    "sgd": (_C["red"], _DOT),
    "momentum": (_C["blue"], _DASHDOT),
    "rmsprop": (_C["pink"], _DASH),
    "adam": (_C["green"], _SOLID),
}
NAMES = {
    "identity": "همانی",
    "sigmoid": "سیگموئید",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "ReLU نشتی",
    "zeros": "صفر",
    "small": "کوچک",
    "large": "بزرگ",
    "xavier": "Xavier",
    "he": "He",
    "batch": "دسته‌ای",
    "minibatch": "ریزدسته‌ای",
    "sgd": "تصادفی (SGD)",
    "momentum": "تکانه",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}

matplotlib.rcParams.update(
    {
        "figure.constrained_layout.use": True,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "figure.facecolor": "white",
    }
)


def rtl(text):
    """A label for matplotlib: one that starts with a Latin word is told to run right-to-left."""
    persian = any("\u0600" <= c <= "\u06ff" for c in text)
    return "\u200f" + text if persian and text[:1].isascii() else text


def panels(rows=1, columns=1, width=7.2, height=2.6, **options):
    """A figure of rows × columns axes, ``height`` inches a row; options go to Figure.subplots.

    It is not pyplot's, so a figure drawn in one cell waits for ``show`` in the next.
    """
    fig = Figure(figsize=(width, height * rows))
    return fig, fig.subplots(rows, columns, **options)


def label(ax, x=None, y=None, title=None):
    """Axis labels and a panel title, in Persian."""
    for setter, text in ((ax.set_xlabel, x), (ax.set_ylabel, y), (ax.set_title, title)):
        if text:
            setter(rtl(text))
    return ax


def band(ax, values, name=None, x=None, color=None, dash="-", text=None, fill=True):
    """The median over seeds (axis 0 of ``values``) with the range of all seeds as a band.

    ``name`` is a method of STYLES, which gives colour, dash and legend; the rest overrides it.
    """
    style = STYLES.get(name, (color or "black", dash))
    color, dash = color or style[0], style[1] if dash == "-" else dash
    x = np.arange(values.shape[1]) if x is None else np.asarray(x)
    if ax.get_yscale() == "log" and not (values > 0).any():
        values = np.full(values.shape, np.nan)  # a dead network's gradients have no place there
    kept = ~np.isnan(values).all(axis=0)
    x, values = x[kept], values[:, kept]
    text = rtl(NAMES.get(name, name) if text is None else text) if (text or name) else None
    ax.plot(x, np.nanmedian(values, axis=0), color=color, linestyle=dash, label=text)
    if fill:
        low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
        ax.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
    return ax


def cost_axis(ax, low=None, high=None):
    """A log axis for a cost, gradient norm or rate."""
    ax.set_yscale("log")
    if low is not None or high is not None:
        ax.set_ylim(low, high)
    return ax


ACCURACY_TICKS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)


def accuracy_axis(ax, low=0.45, high=0.9995):
    """An accuracy axis that opens up near 100 %: position −log(1 − a); a = 1 sits at ``high``."""
    ax.set_yscale(
        "function",
        functions=(
            lambda a: -np.log10(np.maximum(1 - a, 1 - high)),
            lambda position: 1 - 10.0 ** (-np.asarray(position, float)),
        ),
    )
    ax.set_ylim(low, high)
    ticks = [a for a in ACCURACY_TICKS if low <= a <= high]
    ax.yaxis.set_major_locator(ticker.FixedLocator(ticks))
    ax.yaxis.set_minor_locator(ticker.NullLocator())
    text = [percent(a, 0 if round(1000 * a) % 10 == 0 else 1) for a in ticks]
    ax.yaxis.set_major_formatter(ticker.FixedFormatter(text))
    return ax


def learning_curves(axes, runs, styles=None):
    """Cost and accuracy against epoch, train and test, for {name: History}.

    ``axes`` is the 2 × 2 array of ``panels(2, 2)``: rows cost and accuracy, columns train and
    test, sharing limits. ``styles``: {name: dict of band's options} for names not in STYLES.
    """
    for column, (split, title) in enumerate((("train", "آموزش"), ("test", "آزمون"))):
        for name, run in runs.items():
            options = (styles or {}).get(name, {"name": name})
            band(axes[0, column], getattr(run, f"{split}_loss"), **options)
            band(axes[1, column], getattr(run, f"{split}_accuracy"), **options)
        label(cost_axis(axes[0, column]), title=title)
        label(accuracy_axis(axes[1, column]), x="دور (epoch)")
    label(axes[0, 0], y="هزینه")
    label(axes[1, 0], y="دقت")
    low, high = zip(*(ax.get_ylim() for ax in axes[0]), strict=True)
    for ax in axes[0]:
        ax.set_ylim(min(low), max(high))
    return axes


def rate_curves(ax, runs, names):
    """Final validation cost against rate: {(name, rate): History}; a ring marks each best rate."""
    for name in names:
        by_rate = {rate: run for (n, rate), run in runs.items() if n == name}
        rates = sorted(by_rate)
        values = np.stack([np.minimum(final(by_rate[rate]), 0.5) for rate in rates], axis=1)
        band(ax, values, name, x=rates)
        best = rates.index(best_rate(by_rate))
        ax.plot(rates[best], np.median(values[:, best]), "o", mfc="none", color=STYLES[name][0])
    ax.set_xscale("log")
    return label(cost_axis(ax), x="نرخ یادگیری", y="هزینۀ اعتبارسنجی")


def legend(fig, ax, columns=None):
    """One legend above all panels, from the labels of ``ax``."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=columns or len(labels))


def _persian_ticks(axis):
    """Persian digits on an axis that still has matplotlib's own tick labels."""
    if isinstance(axis.get_major_formatter(), ticker.LogFormatter):
        text = ticker.FuncFormatter(
            lambda v, _: power_of_ten(int(np.rint(np.log10(v)))) if v > 0 else ""
        )
        axis.set_major_formatter(text)
        axis.set_minor_formatter(ticker.NullFormatter())
    elif isinstance(axis.get_major_formatter(), ticker.ScalarFormatter):
        axis.set_major_formatter(
            ticker.FuncFormatter(lambda v, _: fa(v, "g").strip("\u2066\u2069"))
        )


_figures = []  # names in order of first appearance: a figure keeps its number when re-run


def show(fig, name, caption, alt):
    """Number, save and display a figure with its alternative text, then its caption.

    name : the file's name in figures/, without .png
    caption : Persian Markdown; the takeaway first, then data, seeds, what the band is
    alt : Persian text for those who cannot see the figure

    It is saved in $FIGURES_DIR, or figures/; a stand-in's never in figures/ but in build/.
    """
    for ax in fig.axes:
        _persian_ticks(ax.xaxis)
        _persian_ticks(ax.yaxis)
    if stand_in():
        fig.text(0.005, 0.005, "دادۀ جانشین؛ Fashion-MNIST نیست", color=_C["red"], fontsize=8)
    png = io.BytesIO()
    fig.savefig(png, format="png", dpi=150, metadata={"Software": None})
    default = ROOT / ("build/figures-stand-in" if stand_in() else "figures")
    folder = Path(os.environ.get("FIGURES_DIR") or default)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png.getvalue())
    if name not in _figures:
        _figures.append(name)
    width = round(100 * fig.get_figwidth())
    display(Image(png.getvalue(), width=width, alt=alt))
    say(f"**شکل {fa(_figures.index(name) + 1)} —** {caption}")


# ------------------------------------------------------------------- claims


class Claims:
    """The claims of a notebook, each checked against what the run measured.

    >>> claims = Claims()
    >>> claims.add("شبکۀ … یاد نمی‌گیرد", np.all(accuracy < 0.55), "دقت ۵۰٫۰٪ در هر پنج بذر")
    >>> claims.close()      # the table; on real data a claim that does not hold raises
    """

    def __init__(self):
        self.rows = []

    def add(self, claim, holds, evidence):
        """``holds`` is a truth value, computed; ``evidence`` the numbers behind it, in Persian."""
        self.rows.append((claim, bool(holds), evidence))

    def close(self, **findings):
        """Display the table; raise AssertionError if a claim fails on real data.

        ``findings`` are numbers for the README, kept in the output's metadata, which is JSON and
        knows no infinite ones.
        """
        marks = ["بررسی‌نشده" if stand_in() else "✓" if holds else "✗" for _, holds, _ in self.rows]
        failed = [claim for claim, holds, _ in self.rows if not holds and not stand_in()]
        table(
            ["#", "ادعا", "شاهد", "نتیجه"],
            [
                (fa(i), claim, evidence, mark)
                for i, ((claim, _, evidence), mark) in enumerate(zip(self.rows, marks), 1)
            ],
            claims={
                "total": len(self.rows),
                "failed": len(failed),
                "checked": not stand_in(),
                "findings": {k: float(v) for k, v in findings.items() if np.isfinite(v)},
            },
        )
        if failed:
            raise AssertionError("ادعاهایی که برقرار نیستند: " + "؛ ".join(failed))


# ---- notebook 04 ----


def weight_norms(net, x):
    """A probe for ``nn.train``: ‖W_l‖ per layer, and the norm of the first layer's dark rows.

    dark: the weights of pixels that are 0 on every sample of x; the data never touch them.
    """
    dark = (x == 0).all(axis=0)
    norms = [np.linalg.norm(W) for W in net.weights]
    return {"norm": norms, "dark": np.linalg.norm(net.weights[0][dark])}


def join_seeds(parts):
    """One History from several of a seed or more each, along the axis of seeds."""
    runs = []
    for part in parts:
        for i, diverged_at in enumerate(part.diverged_at):
            arrays = {k: v[i] for k, v in vars(part).items() if isinstance(v, np.ndarray)}
            probes = {k: v[i] for k, v in part.probes.items()}
            runs.append(nn.History(**arrays, probes=probes, diverged_at=diverged_at))
    return nn.History.stack(runs)


def late(history, field="test_loss", rows=5):
    """The median of a field's last rows, one value a seed: calmer than the last row alone."""
    return np.median(getattr(history, field)[:, -rows:], axis=1)


def late_errors(history):
    """Misclassified test images, the median of the last epochs, one number a seed."""
    return np.rint((1 - late(history, "test_accuracy")) * TEST_IMAGES)


def measure(experiment, history, x, y):
    """(cost, errors) on x of the networks that a sweep left behind, one value a seed each."""
    net, costs, wrong = experiment.network(0), [], []
    for theta in history.theta:
        net.theta[...] = theta
        costs.append(net.loss(x, y))
        wrong.append(round((1 - net.accuracy(x, y)) * len(x)))
    return np.array(costs), np.array(wrong)


def gamma_axis(ax, gammas):
    """Ticks 0, 1, 2, … that carry the γ of a grid: a log grid with 0 in it has no log axis."""
    ax.set_xticks(range(len(gammas)), [fa(g, "g") for g in gammas])
    return label(ax, x="ضریب γ")


def count_axis(ax):
    """A log axis for numbers of errors, with ticks at 10, 20, 50, …, 1,000."""
    ax.set_yscale("log")
    ticks = [10, 20, 50, 100, 200, 500, 1000]
    ax.set_yticks(ticks, [fa(n, ",") for n in ticks])
    ax.yaxis.set_minor_locator(ticker.NullLocator())
    return ax


def either(condition, yes, no=""):
    """The half of a sentence that the numbers bear out."""
    return yes if condition else no
