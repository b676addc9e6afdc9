"""How the cost of a sweep grows with samples, epochs and seeds, and its memory; writes growth.md.

    python benchmarks/growth.py [ROUNDS]

Apart from bench.py, for it starts worker processes, which JAX's threads would be in the way of.
"""

import resource
import statistics
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import nn_core as nn  # noqa: E402

LR = 1e-3
BASE = {"samples": 12_000, "epochs": 2, "seeds": 2}
LARGER = {"samples": (3_000, 6_000, 60_000), "epochs": (1, 4, 8), "seeds": (1, 4, 8)}


def seconds_of(data, samples, epochs, seeds):
    """Processor seconds of one worker's sweep over ``seeds`` seeds, evaluation and all."""
    rows = np.arange(samples) % len(data.x_train)
    data = data._replace(x_train=data.x_train[rows], y_train=data.y_train[rows])
    cell = nn.Experiment((784, 64, 32, 16, 1), "relu", "he", nn.Adam(LR), epochs, 64)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    nn.sweep({"one": cell}, data, seeds=range(seeds), workers=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def growth(data, rounds):
    """{(what, how many): median seconds per unit ÷ the base run's}: 1 is linear growth."""
    runs = [BASE] + [BASE | {what: n} for what, values in LARGER.items() for n in values]
    times = [[seconds_of(data, **run) for run in runs] for _ in range(rounds)]
    labels = [(what, n) for what, values in LARGER.items() for n in values]
    return {
        (what, n): statistics.median(t[i] / t[0] / (n / BASE[what]) for t in times)
        for i, (what, n) in enumerate(labels, start=1)
    }


def growth_table(data, rounds):
    lines = [
        "<!-- written by growth.py -->",
        "Processor time per sample, per epoch and per seed as a multiple of the run with "
        "12,000 samples, 2 epochs and 2 seeds (1: linear growth); a whole sweep in "
        "one worker, its start and its evaluation (the test set's too) included.",
        "",
        "| what | how many | cost per unit |",
        "|---|--:|--:|",
    ]
    for (what, n), ratio in growth(data, rounds).items():
        lines.append(f"| {what} | {n:,} | {ratio:.2f} |")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    lines += ["", f"The largest worker process took {memory:.2f} GiB, with 60,000 images."]
    return "\n".join(lines) + "\n"


def some_data():
    try:
        return nn.load_data()
    except (FileNotFoundError, ValueError):
        rng = np.random.default_rng(0)
        x = rng.random((14_000, 784), dtype=np.float32) * (rng.random(784) < 0.8)
        y = rng.integers(0, 2, (14_000, 1))
        x, y = x.astype(np.float32), y.astype(np.float32)
        return nn.Dataset(x[:12_000], y[:12_000], x[12_000:], y[12_000:], "random pixels")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    text = growth_table(some_data(), rounds)
    print(text)
    (HERE / "growth.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
