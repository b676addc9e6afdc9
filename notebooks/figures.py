"""Figures: one style for all, helpers that take an ``ax`` and return it; nothing here trains."""

import io
import os
from pathlib import Path

import matplotlib
import numpy as np
from IPython.display import Image, display
from matplotlib import ticker
from matplotlib.figure import Figure

import evidence
from persian import NAMES, fa, percent, power_of_ten, say, told


def require_matplotlib(version):
    """Refuse a matplotlib that does not shape Persian."""
    if tuple(int(part) for part in version.split(".")[:2]) < (3, 11):
        raise ImportError(
            f"matplotlib {version} draws Persian reversed; 3.11 or newer is needed: "
            "pip install -r requirements.txt"
        )


require_matplotlib(matplotlib.__version__)

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


def style(name):
    """(colour, dash) of a method; black and solid for what is none."""
    return STYLES.get(name, ("black", "-"))


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
    own = style(name)
    color, dash = color or own[0], own[1] if dash == "-" else dash
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


def choice_curves(ax, choices, names=None):
    """Late validation cost against rate, for {name: Choice}; a ring marks what was chosen.

    A run that diverged stands at ½, a cost that nothing else reaches.
    """
    for name in names or choices:
        choice = choices[name]
        some = np.array(choice.rates) > 0  # a log axis has no place for γ = 0
        rates, costs = np.array(choice.rates)[some], np.minimum(choice.costs[some].T, 0.5)
        band(ax, costs, name, x=rates)
        if choice.value:
            chosen = np.median(costs[:, rates == choice.value])
            ax.plot(choice.value, chosen, "o", mfc="none", color=style(name)[0])
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
        axis.set_minor_locator(ticker.LogLocator(subs=(2, 5)))  # all eight take a third of the time
        axis.set_minor_formatter(ticker.NullFormatter())
    elif isinstance(axis.get_major_formatter(), ticker.ScalarFormatter):
        axis.set_major_formatter(
            ticker.FuncFormatter(lambda v, _: fa(v, "g").strip("\u2066\u2069"))
        )


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


def pictures(axes, images, top=None):
    """Draw weights (n, side, side) on n axes, red above 0 and blue below, on one scale."""
    top = np.abs(images).max() if top is None else top
    for ax, image in zip(np.ravel(axes), images, strict=True):
        ax.imshow(image, cmap="RdBu_r", vmin=-top, vmax=top)
        ax.set_axis_off()
    return axes


_figures = []  # names in order of first appearance: a figure keeps its number when re-run


def show(fig, name, *, takeaway=None, data=None, alt=None, **names):
    """Number, save and display a figure with its alternative text, then its caption.

    name : the file's name in figures/, without .png
    takeaway : what the figure says, a template over at least one checked truth value or
        comparison among ``names``; None where nothing is concluded
    data : only what was drawn: which data, seeds, what line and band are; a template too
    alt : Persian text for those who cannot see the figure; it states no result

    >>> show(fig, "01_rates", takeaway="نرخ سیگموئید {ok:بزرگ‌ترین|بزرگ‌ترین نیست}.", ok=largest,
    ...      data="هزینۀ اعتبارسنجی …؛ میانۀ سه بذر.", alt="…")

    It is saved in $FIGURES_DIR, or figures/; that of stand-in data or of other seeds never in
    figures/ but in build/.
    """
    text = told(" ".join(filter(None, (takeaway, data))), **names)
    for ax in fig.axes:
        _persian_ticks(ax.xaxis)
        _persian_ticks(ax.yaxis)
    if evidence.stand_in():
        fig.text(0.005, 0.005, "دادۀ جانشین؛ Fashion-MNIST نیست", color=_C["red"], fontsize=8)
    png = io.BytesIO()
    fig.savefig(png, format="png", dpi=150, metadata={"Software": None})
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png.getvalue())
    if name not in _figures:
        _figures.append(name)
    width = round(100 * fig.get_figwidth())
    display(Image(png.getvalue(), width=width, alt=alt))
    say(f"**شکل {fa(_figures.index(name) + 1)} —** {text}")


def _folder():
    """Where figures go now."""
    committed, trial = evidence.ROOT / "figures", evidence.trial()
    folder = Path(os.environ.get("FIGURES_DIR") or committed).resolve()
    return evidence.ROOT / "build" / f"figures-{trial}" if trial and folder == committed else folder
