"""The oracle of the tests: every formula once more, as plainly as it can be written, in float64.

Nothing here is shared with ``nn_core``: no flat vector, no buffers, no in-place arithmetic.
"""

import math

import numpy as np

import nn_core as nn

ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
    "relu": lambda z: np.where(z > 0, z, 0.0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
}


def layers(weights, biases, x, activation):
    """Every layer's z and output: [(z, a), …]."""
    result, a = [], x
    for layer, (W, b) in enumerate(zip(weights, biases), start=1):
        z = a @ W + b
        a = ACTIVATIONS["sigmoid" if layer == len(weights) else activation](z)
        result.append((z, a))
    return result


def loss(weights, biases, x, y, activation, l2=0.0, m=None):
    """1/(2 len(x)) Σ (h − y)² + γ/(2m) Σ θ² over the weights."""
    h = layers(weights, biases, x, activation)[-1][1]
    penalty = l2 / (2 * (m or len(x))) * sum((W**2).sum() for W in weights)
    return ((h - y) ** 2).sum() / (2 * len(x)) + penalty


def central_differences(f, theta, h=1e-5):
    """∂f/∂theta, one parameter at a time; theta is left as it was."""
    slope = np.empty_like(theta)
    for i, value in enumerate(theta.copy()):
        theta[i] = value + h
        above = f()
        theta[i] = value - h
        below = f()
        theta[i] = value
        slope[i] = (above - below) / (2 * h)
    return slope


def gradient_descent(theta, grads, lr, decay=0.0):
    for t, g in enumerate(grads):
        theta = theta - lr / (1 + decay * t) * g
    return theta


def momentum(theta, grads, lr, beta=0.9):
    V = 0
    for g in grads:
        V = beta * V + (1 - beta) * g
        theta = theta - lr * V
    return theta


def rmsprop(theta, grads, lr, beta=0.9, eps=1e-8):
    S = 0
    for g in grads:
        S = beta * S + (1 - beta) * g**2
        theta = theta - lr * g / np.sqrt(S + eps)
    return theta


def adam(theta, grads, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    V = S = 0
    for t, g in enumerate(grads, start=1):
        V = beta1 * V + (1 - beta1) * g
        S = beta2 * S + (1 - beta2) * g**2
        V_hat, S_hat = V / (1 - beta1**t), S / (1 - beta2**t)
        theta = theta - lr * V_hat / np.sqrt(S_hat + eps)
    return theta


def small_data(m=50, n_in=6, m_test=20, seed=3, dtype=np.float32):
    """A Dataset of two overlapping clouds, both labels in each part."""
    rng = np.random.default_rng(seed)

    def part(n):
        y = (np.arange(n) % 2).reshape(-1, 1).astype(dtype)
        return (rng.normal(size=(n, n_in)) * 0.5 + y).astype(dtype), y

    return nn.Dataset(*part(m), *part(m_test), "made up")


def lively_network(sizes, activation, seed=0, dtype=np.float64):
    """A network with non-zero biases and weights of order 1, so that no gradient vanishes."""
    net = nn.MLP(sizes, activation, dtype=dtype)
    rng = np.random.default_rng(seed)
    for W, b in zip(net.weights, net.biases):
        W[...] = rng.normal(size=W.shape) * 1.5 / math.sqrt(W.shape[0])
        b[...] = rng.normal(size=b.shape) * 0.3
    return net
