"""PyTorch's autograd and optimizers as an independent oracle; run by ``make oracle``.

Plain pytest does not collect this file, so that nothing is skipped where PyTorch is absent.
"""

import numpy as np
import plain
import pytest
import torch

import nn_core as nn

SIZES = {k: [*[5, 6, 4, 5, 3][:k], 2] for k in range(1, 6)}
ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.01),
}


def torch_loss_and_gradient(net, x, y, l2, m):
    weights, biases = (
        [torch.tensor(a, requires_grad=True) for a in arrays]
        for arrays in (net.weights, net.biases)
    )
    a = torch.tensor(x)
    for W, b in zip(weights[:-1], biases[:-1]):
        a = ACTIVATIONS[net.activation](a @ W + b)
    h = torch.sigmoid(a @ weights[-1] + biases[-1])
    loss = ((h - torch.tensor(y)) ** 2).sum() / (2 * len(x))
    loss = loss + l2 / (2 * (m or len(x))) * sum((W**2).sum() for W in weights)
    loss.backward()
    return loss.item(), np.concatenate([p.grad.numpy().ravel() for p in weights + biases])


@pytest.mark.parametrize("l2, m", [(0.0, None), (0.3, None), (0.3, 60)])
@pytest.mark.parametrize("layers", SIZES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_loss_and_gradient_agree_with_autograd(activation, layers, l2, m):
    for seed in range(5):
        net = plain.lively_network(SIZES[layers], activation, seed)
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(33, 5)), rng.integers(0, 2, (33, 2)).astype(float)
        loss = net.loss_and_gradient(x, y, l2, m)
        expected, gradient = torch_loss_and_gradient(net, x, y, l2, m)
        assert loss == pytest.approx(expected, rel=1e-9)
        error = np.linalg.norm(net.grad - gradient) / np.linalg.norm(gradient)
        assert np.linalg.norm(gradient) > 1e-4 and error < 1e-9


def test_the_gradient_of_the_reports_network_on_images():
    rng = np.random.default_rng(0)
    x, y = rng.random((256, 784)), rng.integers(0, 2, (256, 1)).astype(float)
    for activation in ACTIVATIONS:
        net = nn.MLP([784, 64, 32, 16, 1], activation, "xavier", dtype=np.float64)
        loss = net.loss_and_gradient(x, y, 0.5, 12_000)
        expected, gradient = torch_loss_and_gradient(net, x, y, 0.5, 12_000)
        assert loss == pytest.approx(expected, rel=1e-9)
        np.testing.assert_allclose(net.grad, gradient, rtol=1e-9, atol=1e-13)


def paths(ours, theirs, steps=100, scale=1.0):
    """Both parameter vectors after the same gradients; ``theirs`` makes a torch optimizer."""
    rng = np.random.default_rng(1)
    start, grads = rng.normal(size=30), scale * rng.normal(size=(steps, 30))
    theta, parameter = start.copy(), torch.nn.Parameter(torch.tensor(start))
    step, optimizer = ours.start(theta), theirs([parameter])
    for grad in grads:
        step(grad)
        parameter.grad = torch.tensor(grad)
        optimizer.step()
    return theta, parameter.detach().numpy()


def test_gradient_descent_is_torchs():
    ours, theirs = paths(nn.GradientDescent(0.1), lambda p: torch.optim.SGD(p, lr=0.1))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_momentum_is_torchs_when_the_rate_is_scaled(beta):
    """V ← βV + (1−β) dW here, V ← βV + dW there: their rate is ours times 1 − β."""
    ours, theirs = paths(
        nn.Momentum(0.1, beta),
        lambda p: torch.optim.SGD(p, lr=0.1 * (1 - beta), momentum=beta),
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-11)


PAIRS = {
    "RMSprop": (
        lambda eps: nn.RMSprop(0.01, 0.9, eps),
        lambda eps: lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, eps=eps),
    ),
    "Adam": (
        lambda eps: nn.Adam(0.01, 0.9, 0.999, eps),
        lambda eps: lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.9, 0.999), eps=eps),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_where_epsilon_stands_is_all_that_differs(name):
    """√(S + ε) here, √S + ε there: the same path while ε is nothing beside S."""
    ours, theirs = (make(1e-30) for make in PAIRS[name])
    np.testing.assert_allclose(*paths(ours, theirs), rtol=1e-10)


@pytest.mark.parametrize("name", PAIRS)
def test_epsilon_inside_the_root_is_felt_where_gradients_are_small(name):
    """With ε = 1e-8 and dW about 1e-5 (S about 1e-10) our steps are some ten times shorter."""
    ours, theirs = (make(1e-8) for make in PAIRS[name])
    start = np.random.default_rng(1).normal(size=30)
    a, b = paths(ours, theirs, steps=1, scale=1e-5)
    ratio = abs(b - start) / abs(a - start)
    assert (ratio > 3).all()
    a, b = paths(ours, theirs, scale=1.0)
    np.testing.assert_allclose(a, b, atol=1e-5)
