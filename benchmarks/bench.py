"""One epoch of training, nn_core beside PyTorch, scikit-learn, JAX and the bare BLAS products.

    python benchmarks/bench.py [--rounds N] [--cells TEXT] [--write NAME]

All opponents live in this one process, on one core, and take turns: every round trains one epoch
with each. A ratio is the median over the rounds of (their seconds / ours in the same round), so a
slow moment of the machine falls on both sides. Writes results.md, or another table, and
../figures/benchmark.png.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

CORE = max(os.sched_getaffinity(0))
os.sched_setaffinity(0, {CORE})  # before the imports: XLA counts the cores when it starts
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import sklearn  # noqa: E402
import torch  # noqa: E402
from growth import LR, some_data  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402
from threadpoolctl import threadpool_info  # noqa: E402

import nn_core as nn  # noqa: E402

torch.set_num_threads(1)

FEW = 2_000  # samples of an epoch in the cells with batches of one


class Cell(NamedTuple):
    sizes: tuple
    batch_size: int
    optimizer: str

    @property
    def name(self):
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch_size}, {self.optimizer}"


CELLS = [
    Cell((784, 64, 32, 16, 1), 64, "Adam"),
    Cell((784, 64, 32, 16, 1), 64, "GD"),
    Cell((784, 128, 64, 32, 1), 128, "Adam"),
    Cell((784, 128, 64, 32, 1), 128, "GD"),
    Cell((784, 64, 64, 64, 64, 1), 64, "GD"),
    Cell((784, 512, 256, 128, 1), 256, "Adam"),
    Cell((784, 64, 32, 16, 1), 1, "GD"),
    Cell((784, 64, 32, 16, 1), 1, "Adam"),
]

# The opponents: each takes a cell and the data and returns epoch(), which trains one epoch and
# returns its seconds. All use ReLU, a sigmoid output, ½ mean squared error and a fresh order of
# the samples in every epoch (scikit-learn knows only the cross-entropy).


def timed(epoch):
    def run():
        start = time.perf_counter()
        epoch()
        return time.perf_counter() - start

    return run


def core(cell, data):
    net = nn.MLP(cell.sizes)
    optimizer = nn.Adam(LR) if cell.optimizer == "Adam" else nn.GradientDescent(LR)
    data = data._replace(x_test=data.x_test[:8], y_test=data.y_test[:8])
    return lambda: nn.train(net, data, optimizer, 1, cell.batch_size).seconds[-1]


def floor(cell, data):
    """The matrix products alone: forwards, the weights' gradients, the deltas."""
    x = data.x_train[: cell.batch_size]
    a = [x, *(np.ones((len(x), n), np.float32) for n in cell.sizes[1:])]
    W = [np.ones(shape, np.float32) for shape in pairwise(cell.sizes)]
    grads = [np.empty_like(w) for w in W]
    deltas = [np.ones_like(layer) for layer in a]

    @timed
    def epoch():
        for _ in range(-(-len(data.x_train) // cell.batch_size)):
            for below, w, above in zip(a, W, a[1:]):
                np.dot(below, w, out=above)
            for layer in range(len(W) - 1, -1, -1):
                np.dot(a[layer].T, deltas[layer + 1], out=grads[layer])
                if layer:
                    np.dot(deltas[layer + 1], W[layer].T, out=deltas[layer])

    return epoch


def pytorch(cell, data, **how):
    x, y = torch.tensor(data.x_train), torch.tensor(data.y_train)
    layers = [m for n in pairwise(cell.sizes) for m in (torch.nn.Linear(*n), torch.nn.ReLU())]
    net = torch.nn.Sequential(*layers[:-1], torch.nn.Sigmoid())
    kind = torch.optim.Adam if cell.optimizer == "Adam" else torch.optim.SGD
    optimizer = kind(net.parameters(), lr=LR, **how)

    @timed
    def epoch():
        for batch in torch.randperm(len(x)).split(cell.batch_size):
            optimizer.zero_grad()
            loss = (net(x[batch]) - y[batch]).square().sum() / (2 * len(batch))
            loss.backward()
            optimizer.step()

    return epoch


def scikit_learn(cell, data):
    net = MLPClassifier(
        cell.sizes[1:-1],
        solver="adam" if cell.optimizer == "Adam" else "sgd",
        alpha=0.0,
        batch_size=cell.batch_size,
        learning_rate_init=LR,
        momentum=0.0,
        nesterovs_momentum=False,
    )
    labels = data.y_train.ravel().astype(int)
    return timed(lambda: net.partial_fit(data.x_train, labels, classes=[0, 1]))


def jax_scan(cell, data):
    """The whole epoch is one compiled function: lax.scan over the batches, then the rest."""
    keys = jax.random.split(jax.random.key(0), len(cell.sizes) - 1)
    params = [
        (jax.random.normal(key, n) * (2 / n[0]) ** 0.5, jnp.zeros(n[1]))
        for key, n in zip(keys, pairwise(cell.sizes))
    ]
    x, y = jnp.asarray(data.x_train), jnp.asarray(data.y_train)
    whole = len(x) // cell.batch_size * cell.batch_size
    update = jax_adam if cell.optimizer == "Adam" else jax_gradient_descent

    def step(state, batch):
        params, moments, t = state
        grads = jax.grad(jax_loss)(params, x[batch], y[batch])
        return (*update(params, moments, t + 1.0, grads), t + 1.0), None

    @jax.jit
    def compiled(state, key):
        order = jax.random.permutation(key, len(x))
        state, _ = jax.lax.scan(step, state, order[:whole].reshape(-1, cell.batch_size))
        return step(state, order[whole:])[0] if whole < len(x) else state

    zeros = jax.tree.map(jnp.zeros_like, params)
    box = [(params, (zeros, zeros), jnp.float32(0)), jax.random.key(1)]

    @timed
    def epoch():
        box[1], key = jax.random.split(box[1])
        box[0] = jax.block_until_ready(compiled(box[0], key))

    return epoch


def jax_loss(params, x, y):
    for W, b in params[:-1]:
        x = jax.nn.relu(x @ W + b)
    W, b = params[-1]
    return ((jax.nn.sigmoid(x @ W + b) - y) ** 2).sum() / (2 * len(y))


def jax_gradient_descent(params, moments, t, grads):
    return jax.tree.map(lambda p, g: p - LR * g, params, grads), moments


def jax_adam(params, moments, t, grads):
    V = jax.tree.map(lambda v, g: 0.9 * v + 0.1 * g, moments[0], grads)
    S = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, moments[1], grads)
    v_hat, s_hat = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
    params = jax.tree.map(
        lambda p, v, s: p - LR * v * v_hat / jnp.sqrt(s * s_hat + 1e-8), params, V, S
    )
    return params, (V, S)


OPPONENTS = {
    "nn_core": core,
    "BLAS floor": floor,
    "PyTorch eager": lambda c, d: pytorch(c, d, foreach=False, fused=False),
    "PyTorch foreach": lambda c, d: pytorch(c, d, foreach=True),
    "PyTorch fused": lambda c, d: pytorch(c, d, fused=True),
    "JAX scan": jax_scan,
    "scikit-learn": scikit_learn,
}

# measuring --------------------------------------------------------------------------------------


def measure(cell, data, rounds):
    """{opponent: seconds of each round}; the turn order rotates, the first round is warm-up."""
    if cell.batch_size == 1:
        data = data._replace(x_train=data.x_train[:FEW], y_train=data.y_train[:FEW])
    epochs = {name: make(cell, data) for name, make in OPPONENTS.items()}
    names, seconds = list(epochs), {name: [] for name in epochs}
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds[name].append(epochs[name]())
    return {name: times[1:] for name, times in seconds.items()}


def ratios(seconds):
    """{opponent: median over the rounds of theirs / ours}."""
    return {
        name: statistics.median(t / ours for t, ours in zip(times, seconds["nn_core"]))
        for name, times in seconds.items()
    }


# reporting --------------------------------------------------------------------------------------

# What chooses kernels in place of the processor: a table that was made under it says so.
CHOOSERS = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "NPY_DISABLE_CPU_FEATURES",
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA",
    "XLA_FLAGS",
)


def machine():
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((t.split(":")[1].strip() for t in info.open() if "model name" in t), cpu)
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = min(pools, key=lambda pool: "numpy" not in pool["filepath"])  # the other is SciPy's
    versions = {
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "PyTorch": torch.__version__,
        "JAX": jax.__version__,
        "scikit-learn": sklearn.__version__,
    }
    versions = ", ".join(f"{k} {v}" for k, v in versions.items())
    chosen = [f"{name}={os.environ[name]}" for name in CHOOSERS if os.environ.get(name)]
    return (
        f"{cpu}, one core; {versions}; NumPy multiplies with {blas['internal_api']} "
        f"{blas['version']}, kernels for {blas.get('architecture', 'any processor')}, "
        + (f"under {', '.join(chosen)}" if chosen else "as the processor has them")
    )


def table(results, rounds, source):
    theirs = [n for n in OPPONENTS if n not in ("nn_core", "BLAS floor")]
    lines = [
        "<!-- written by bench.py -->",
        "How many times longer than `nn_core` the others take for one epoch (more than 1: "
        "`nn_core` is faster), and its own time as a multiple of the bare BLAS products.",
        "",
        f"| cell | ms/epoch | {' | '.join(theirs)} | ours ÷ floor |",
        "|---|" + "--:|" * (len(theirs) + 2),
    ]
    for cell, seconds in results.items():
        ratio = ratios(seconds)
        cells = [f"{1000 * statistics.median(seconds['nn_core']):.0f}"]
        cells += [f"{ratio[n]:.2f}" for n in theirs] + [f"{1 / ratio['BLAS floor']:.2f}"]
        lines.append(f"| {cell.name} | {' | '.join(cells)} |")
    lines += [
        "",
        f"Medians of {rounds} interleaved rounds on {source}, an epoch being 12,000 samples, and "
        f"{FEW:,} with batches of one. {machine()}.",
    ]
    return "\n".join(lines) + "\n"


def best_torch(ratio):
    return min(value for name, value in ratio.items() if name.startswith("PyTorch"))


COLOURS = {"PyTorch, its best": "#D55E00", "JAX, lax.scan": "#0072B2", "scikit-learn": "#009E73"}


def chart(results, file):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    every = [ratios(seconds) for seconds in results.values()]
    series = {
        "PyTorch, its best": [best_torch(r) for r in every],
        "JAX, lax.scan": [r["JAX scan"] for r in every],
        "scikit-learn": [r["scikit-learn"] for r in every],
    }
    figure, ax = plt.subplots(figsize=(8, 0.6 * len(every) + 1.4), layout="constrained")
    for i, (name, values) in enumerate(series.items()):
        where = np.arange(len(values)) + (i - 1) * 0.27
        ax.barh(where, np.subtract(values, 1), 0.25, left=1, color=COLOURS[name], label=name)
        for at, value in zip(where, values):
            side = "left" if value >= 1 else "right"
            beyond = value * (1.03 if value >= 1 else 0.97)
            ax.text(beyond, at, f"{value:#.2g}", ha=side, va="center", fontsize=7)
    ax.axvline(1, color="black", linewidth=1)
    ax.set(xscale="log", xlabel="time of one epoch ÷ time of nn_core (one core)")
    ax.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
    ax.set_xticks([], minor=True)
    ax.set_yticks(range(len(every)), [cell.name for cell in results], fontsize=8)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    figure.savefig(file, dpi=150, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--cells", default="", help="only the cells whose name contains this")
    parser.add_argument("--write", default="results", help="the table's file, without .md; or ''")
    options = parser.parse_args()
    data, results = some_data(), {}
    for cell in (c for c in CELLS if options.cells in c.name):
        results[cell] = measure(cell, data, options.rounds)
        ratio = ratios(results[cell])
        shown = ", ".join(f"{name} {value:.2f}" for name, value in ratio.items())
        print(f"{cell.name}: {shown}", flush=True)
    text = table(results, options.rounds, data.source)
    print(text)
    if options.write and not options.cells:
        (HERE / f"{options.write}.md").write_text(text, encoding="utf-8")
        if options.write == "results":
            chart(results, HERE.parent / "figures" / "benchmark.png")


if __name__ == "__main__":
    main()
