"""A tenth of the report's trainings, by one sweep of nn_core and one after another in PyTorch.

    python benchmarks/studies.py [ROUNDS]

Each study of the four notebooks gives some of its runs, with one seed of its five. PyTorch is
eager, with its default optimizers, on all cores; it does what a run of ours does: trains, and
after each epoch takes the cost and the accuracy on both sets and the gradient's norm by layer.
Both start from prepared data in memory; a sweep's processes are started within its time. Rounds
alternate, and the first one's turns are a warm-up. Writes studies.md.
"""

import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from growth import some_data  # noqa: E402

import nn_core as nn  # noqa: E402

FOUR = (784, 32, 32, 32, 1)
TEN = (784, *[32] * 9, 1)
GD = nn.GradientDescent
STUDIES = {
    **{
        f"{name}, {depth} layers": nn.Experiment(
            (784, *[32] * (depth - 1), 1), name, "xavier", GD(0.1), 5, 128
        )
        for name in nn.ACTIVATIONS
        for depth in (2, 3, 4, 5)
    },
    **{
        f"{name}, {init}, 3 layers": nn.Experiment((784, 32, 32, 1), name, init, GD(0.3), 5, 128)
        for name in ("tanh", "relu")
        for init in ("small", "he")
    },
    "10 layers, Xavier": nn.Experiment(TEN, "relu", "xavier", GD(0.1), 4, 128),
    "10 layers, He": nn.Experiment(TEN, "relu", "he", GD(0.1), 4, 128),
    "batch": nn.Experiment(FOUR, "relu", "he", GD(0.3), 24, None),
    "SGD": nn.Experiment(FOUR, "relu", "he", GD(0.01), 1, 1),
    "momentum": nn.Experiment(FOUR, "relu", "he", nn.Momentum(0.3), 10, 128),
    "RMSprop": nn.Experiment(FOUR, "relu", "he", nn.RMSprop(1e-3), 10, 128),
    "Adam": nn.Experiment(FOUR, "relu", "he", nn.Adam(1e-3), 10, 128),
    "Adam, L2": nn.Experiment(FOUR, "relu", "he", nn.Adam(1e-3), 20, 128, l2=1.0),
}
ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
}


def ours(data):
    return {name: run.test_accuracy[0, -1] for name, run in nn.sweep(STUDIES, data, [0]).items()}


def theirs(data):
    tensors = [torch.tensor(array) for array in data[:4]]
    return {name: torch_run(e, *tensors) for name, e in STUDIES.items()}


def torch_run(e, x, y, x_test, y_test):
    """Train one experiment's network from our initial weights; the last test accuracy."""
    layers = [m for n in pairwise(e.sizes) for m in (torch.nn.Linear(*n), None)]
    layers[1::2] = [ACTIVATIONS[e.activation]() for _ in layers[3::2]] + [torch.nn.Sigmoid()]
    net, start = torch.nn.Sequential(*layers), e.network(0)
    with torch.no_grad():
        for layer, W, b in zip(net[::2], start.weights, start.biases):
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
    optimizer, rows = torch_optimizer(e, net, len(x)), []
    for epoch in range(e.epochs + 1):
        batches = torch.randperm(len(x)).split(e.batch_size or len(x)) if epoch else ()
        for batch in batches:
            optimizer.zero_grad()
            cost(net(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            outputs = [(net(images), labels) for images, labels in ((x, y), (x_test, y_test))]
            row = [cost(*pair).item() for pair in outputs]
            row += [((h >= 0.5) == labels).float().mean().item() for h, labels in outputs]
        optimizer.zero_grad()
        cost(net(x[::12]), y[::12]).backward()
        rows.append([*row, *(layer.weight.grad.norm().item() for layer in net[::2])])
    return rows[-1][3]


def cost(h, y):
    return (h - y).square().sum() / (2 * len(y))


def torch_optimizer(e, net, m):
    """PyTorch's optimizer of the same rule; weight_decay is γ/m."""
    o, options = e.optimizer, {"weight_decay": e.l2 / m}
    groups = [
        {"params": [layer.weight for layer in net[::2]], **options},
        {"params": [layer.bias for layer in net[::2]], "weight_decay": 0.0},
    ]
    if isinstance(o, nn.Adam):
        return torch.optim.Adam(groups, lr=o.lr)
    if isinstance(o, nn.RMSprop):
        return torch.optim.RMSprop(groups, lr=o.lr, alpha=o.beta)
    if isinstance(o, nn.Momentum):
        return torch.optim.SGD(groups, lr=o.lr * (1 - o.beta), momentum=o.beta)
    return torch.optim.SGD(groups, lr=o.lr)


def main():
    rounds, data, seconds = int((sys.argv[1:] or [2])[0]), some_data(), []
    for _ in range(rounds + 1):
        turn = []
        for side in (ours, theirs):
            begin = time.perf_counter()
            right = np.median(list(side(data).values()))
            turn.append(time.perf_counter() - begin)
            print(
                f"{side.__name__}: {turn[-1]:.1f} s, median test accuracy {right:.3f}", flush=True
            )
        seconds.append(turn)
    ratio = statistics.median(b / a for a, b in seconds[1:])
    pairs = ", ".join(f"{b:.0f} s against {a:.0f} s" for a, b in seconds[1:])
    epochs, cores = sum(e.epochs for e in STUDIES.values()), torch.get_num_threads()
    text = (
        "<!-- written by studies.py -->\n"
        f"{len(STUDIES)} runs of the report's studies, {epochs} epochs in all: one after another in"
        f" PyTorch {torch.__version__} eager, on {cores} cores, they take **{ratio:.1f} times** as"
        " long as in one sweep of `nn_core` on the same cores (the median of"
        f" {rounds} rounds: {pairs}).\n"
    )
    print(text)
    (HERE / "studies.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
