"""nn_core against the plain formulas of ``plain.py`` and against hand-made cases."""

import copy
import math
import os
import pickle
import subprocess
import sys
import time
import tracemalloc
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import plain
import pytest

import nn_core as nn

ACTIVATIONS = list(plain.ACTIVATIONS)
SIZES = {k: [*[5, 6, 4, 5, 3][:k], 2] for k in range(1, 6)}  # k layers
KINK = 1e-3  # no |z| of a checked ReLU network is below it


def through_pickle(thing):
    return pickle.loads(pickle.dumps(thing))


# activations ------------------------------------------------------------------------------------


def test_the_names_are_the_promised_ones():
    assert list(nn.ACTIVATIONS) == ["identity", "sigmoid", "tanh", "relu", "leaky_relu"]
    assert list(nn.INITIALIZERS) == ["zeros", "small", "large", "xavier", "he"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_equals_the_plain_one(name, dtype):
    z = np.linspace(-9, 9, 41).astype(dtype).reshape(1, -1)
    expected = plain.ACTIVATIONS[name](z.astype(np.float64))
    a = nn.ACTIVATIONS[name].apply(z)
    assert a.shape == z.shape and a.dtype == dtype
    tolerance = 1e-14 if dtype == np.float64 else 5e-7
    np.testing.assert_allclose(a, expected, rtol=4 * tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_backward_multiplies_delta_by_the_slope(name, dtype):
    z = np.linspace(-3, 3, 40).astype(dtype)  # 0 is not among them
    delta = np.linspace(1, 2, 40).astype(dtype)
    f, h = plain.ACTIVATIONS[name], 1e-6
    slope = (f(z.astype(np.float64) + h) - f(z.astype(np.float64) - h)) / (2 * h)
    expected = delta * slope
    a = nn.ACTIVATIONS[name].apply(z)
    before = a.copy()
    nn.ACTIVATIONS[name].backward(delta, a)
    assert delta.dtype == dtype
    np.testing.assert_allclose(delta, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(a, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_far_out_is_0_and_1(dtype):
    z = np.array([-1e4, -800, -100, -90, 0, 90, 100, 800, 1e4], dtype)
    with np.errstate(over="ignore"):  # e^(−z) is infinite
        a = nn.ACTIVATIONS["sigmoid"].apply(z)
    np.testing.assert_allclose(a, [0, 0, 0, 0, 0.5, 1, 1, 1, 1], atol=1e-37)


@pytest.mark.parametrize(
    "ask", ["forward", "activations", "loss", "loss_and_gradient", "accuracy", "train"]
)
def test_an_output_far_out_gives_no_warning(ask):
    net = nn.MLP([2, 3, 1], "identity")
    net.theta[...] = -1e3
    x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    net.biases[-1][...] = -1e7
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if ask == "train":
            nn.train(net, nn.Dataset(x, y, x, y, "four samples"), nn.GradientDescent(0.1), 1)
        else:
            getattr(net, ask)(*[x, y][: 1 if ask in ("forward", "activations") else 2])
    assert net.loss(x, y) == 0.0


def test_tanh_is_a_sigmoid_stretched():
    z = np.linspace(-5, 5, 21)
    sigmoid = nn.ACTIVATIONS["sigmoid"].apply(2 * z)
    np.testing.assert_allclose(nn.ACTIVATIONS["tanh"].apply(z), 2 * sigmoid - 1, atol=1e-15)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_the_slope_at_0_is_the_left_one(name):
    delta = np.ones(1)
    nn.ACTIVATIONS[name].backward(delta, np.zeros(1))
    assert delta == {"relu": 0, "leaky_relu": 0.01}[name]


# initializers -----------------------------------------------------------------------------------

VARIANCE = {
    "zeros": lambda n: 0,
    "small": lambda n: 1e-4,
    "large": lambda n: 1,
    "xavier": lambda n: 1 / n,
    "he": lambda n: 2 / n,
}


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("name", nn.INITIALIZERS)
def test_initializer_has_its_variance(name, distribution):
    W = nn.INITIALIZERS[name](200, 500, np.random.default_rng(0), distribution)
    variance = VARIANCE[name](200)
    assert W.shape == (200, 500)
    assert abs(W.mean()) <= 0.01 * math.sqrt(variance)  # 3 standard errors
    assert W.var() == pytest.approx(variance, rel=0.02)
    if distribution == "uniform":
        assert abs(W).max() <= math.sqrt(3 * variance)
    elif name != "zeros":  # a normal one goes on: 3 σ once in 370
        assert 0.002 < np.mean(abs(W) > 3 * W.std()) < 0.004


def test_normal_is_the_default_distribution():
    for init in nn.INITIALIZERS.values():
        ours, named = (init(3, 4, np.random.default_rng(5), *d) for d in ((), ("normal",)))
        np.testing.assert_array_equal(ours, named)
    np.testing.assert_array_equal(
        nn.MLP([3, 2], seed=1).theta, nn.MLP([3, 2], seed=1, distribution="normal").theta
    )


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_one_seed_means_the_same_draws_only_scaled(distribution):
    def weights(init, dtype=np.float64):
        return nn.MLP([8, 6, 1], init=init, seed=4, dtype=dtype, distribution=distribution).weights

    for he, small, large, xavier in zip(*map(weights, ["he", "small", "large", "xavier"])):
        np.testing.assert_allclose(small, 0.01 * large, rtol=1e-14)
        np.testing.assert_allclose(he, math.sqrt(2) * xavier, rtol=1e-14)
        np.testing.assert_allclose(xavier, large / math.sqrt(len(large)), rtol=1e-14)
    for ours, wide in zip(weights("he", np.float32), weights("he")):
        np.testing.assert_array_equal(ours, wide.astype(np.float32))


def test_a_network_has_the_distribution_asked_for():
    normal, uniform = (
        nn.MLP([40, 50], init="large", distribution=d).weights[0] for d in ("normal", "uniform")
    )
    assert abs(uniform).max() <= math.sqrt(3) < abs(normal).max()


def test_seeds_differ_and_a_generator_is_a_seed_too():
    same, again, other = (nn.MLP([5, 4, 1], seed=s).theta for s in (1, 1, 2))
    np.testing.assert_array_equal(same, again)
    assert not np.array_equal(same, other)
    rng = np.random.default_rng(7)
    first, second = (nn.MLP([5, 4, 1], seed=rng).theta for _ in "12")
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, nn.MLP([5, 4, 1], seed=np.random.default_rng(7)).theta)


def test_weights_and_sample_order_are_two_streams():
    weights, order = np.random.SeedSequence(6).spawn(2)
    net = nn.MLP([3, 2], init="large", seed=6, dtype=np.float64)
    expected = np.random.default_rng(weights).standard_normal((3, 2))
    np.testing.assert_array_equal(net.weights[0], expected)
    assert order.spawn_key == (1,)  # what replay() draws the batches from


# the network ------------------------------------------------------------------------------------


def test_theta_is_every_weight_then_every_bias():
    net = nn.MLP([4, 3, 2], seed=1)
    flat = [*(W.ravel() for W in net.weights), *net.biases]
    np.testing.assert_array_equal(net.theta, np.concatenate(flat))
    assert [W.shape for W in net.weights] == [(4, 3), (3, 2)]
    assert [b.shape for b in net.biases] == [(3,), (2,)]
    assert net.theta.dtype == net.grad.dtype == np.float32
    assert net.grad.shape == net.theta.shape == (4 * 3 + 3 * 2 + 3 + 2,)
    assert net.theta.ctypes.data % 64 == net.grad.ctypes.data % 64 == 0  # a cache line starts
    assert isinstance(net.weights, tuple) and isinstance(net.biases, tuple)
    assert all(not b.any() for b in net.biases)


def assert_views(net):
    net.theta[...] = np.arange(net.theta.size)
    net.grad[...] = -np.arange(net.theta.size)
    for vector, W, b in (
        (net.theta, net.weights, net.biases),
        (net.grad, net.weight_grads, net.bias_grads),
    ):
        np.testing.assert_array_equal(np.concatenate([a.ravel() for a in W + b]), vector)
    net.weights[0][0, 0] = 77
    assert net.theta[0] == 77


def test_a_shallow_copy_shares_theta():
    net = nn.MLP([3, 2, 1])
    twin = copy.copy(net)
    twin.theta[...] = 5
    assert net.weights[0][0, 0] == 5
    assert_views(twin)


def test_a_pickled_network_trains_on_as_if_nothing_had_happened():
    data = plain.small_data()
    net = nn.MLP([6, 4, 1], seed=3)
    nn.train(net, data, nn.Adam(0.01), epochs=1, batch_size=7)
    twin = pickle.loads(pickle.dumps(net))
    for n in (net, twin):
        nn.train(n, data, nn.Adam(0.01), epochs=1, batch_size=9)
    np.testing.assert_array_equal(net.theta, twin.theta)


@pytest.mark.parametrize("layers", SIZES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_and_activations_equal_the_plain_ones(activation, layers):
    net = plain.lively_network(SIZES[layers], activation)
    x = np.random.default_rng(1).normal(size=(7, 5))
    expected = plain.layers(net.weights, net.biases, x, activation)
    ours = net.activations(x)
    assert len(ours) == layers
    for a, (_, plain_a) in zip(ours, expected):
        np.testing.assert_allclose(a, plain_a, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(net.forward(x), ours[-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_output_has_the_networks_dtype_whatever_the_inputs_is(dtype):
    net, x = nn.MLP([3, 4, 1], dtype=dtype), np.ones((5, 3), np.float64)
    assert {a.dtype for a in [net.forward(x), *net.activations(x)]} == {np.dtype(dtype)}


def test_relu_is_the_default_hidden_activation_and_he_the_default_init():
    named = nn.MLP([3, 4, 1], activation="relu", init="he", seed=0, dtype=np.float32)
    default = nn.MLP([3, 4, 1])
    assert default.activation == "relu"
    np.testing.assert_array_equal(default.theta, named.theta)


def test_a_deep_identity_network_is_one_matrix_product():
    net = plain.lively_network([6, 5, 4, 3, 1], "identity")
    x = np.random.default_rng(0).normal(size=(9, 6))
    W, b = np.eye(6), np.zeros(6)
    for next_W, next_b in zip(net.weights, net.biases):
        W, b = W @ next_W, b @ next_W + next_b
    np.testing.assert_allclose(net.forward(x), plain.ACTIVATIONS["sigmoid"](x @ W + b), rtol=1e-12)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_inputs_are_never_modified(dtype, order):
    x = np.array(np.random.default_rng(0).integers(-3, 4, (9, 6)), dtype, order=order)
    y = np.array(np.arange(9).reshape(9, 1) % 2, dtype)
    for array in (x, y):
        array.flags.writeable = False
    net = nn.MLP([6, 4, 1], "tanh")
    results = [net.forward(x), net.loss(x, y), net.accuracy(x, y), net.loss_and_gradient(x, y)]
    results += net.activations(x)
    data = nn.Dataset(x, y, x, y, "read-only")
    nn.train(net, data, nn.Adam(0.1), epochs=2, batch_size=4)
    nn.train(net, data, nn.GradientDescent(0.1), epochs=2, batch_size=None)
    assert all(np.isfinite(r).all() for r in results)


def test_lists_and_row_strided_arrays_are_inputs_too():
    net = nn.MLP([2, 3, 1])
    x = np.arange(12.0).reshape(6, 2)
    np.testing.assert_array_equal(net.forward(x[::2]), net.forward([[0, 1], [4, 5], [8, 9]]))


@pytest.mark.parametrize("lay", [np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2]])
def test_training_gives_the_same_numbers_however_the_rows_lie(lay):
    data = plain.small_data()
    other = data._replace(x_train=lay(data.x_train))
    assert not other.x_train.flags.c_contiguous
    thetas = [nn.train(nn.MLP([6, 4, 1]), d, nn.Adam(0.1), 1, 8).theta for d in (data, other)]
    np.testing.assert_array_equal(*thetas)


def test_changing_numbers_of_rows_do_not_disturb_each_other():
    net = plain.lively_network([5, 4, 2], "tanh")
    x = np.random.default_rng(0).normal(size=(12, 5))
    y = np.ones((12, 2))
    for m in (3, 12, 1, 7, 3, 12):
        expected = plain.layers(net.weights, net.biases, x[:m], "tanh")[-1][1]
        np.testing.assert_allclose(net.forward(x[:m]), expected, rtol=1e-12)
        expected = plain.loss(net.weights, net.biases, x[:m], y[:m], "tanh")
        assert net.loss_and_gradient(x[:m], y[:m]) == pytest.approx(expected, rel=1e-12)
        gradient = net.grad.copy()
        copy.deepcopy(net).loss_and_gradient(x[:m], y[:m])
        net.forward(x)
        net.loss_and_gradient(x[:m], y[:m])
        np.testing.assert_array_equal(net.grad, gradient)


def test_accuracy_counts_one_half_as_trouser():
    net = nn.MLP([1, 1], init="zeros")
    net.weights[0][...] = 1
    x, y = [[-2], [-1], [0], [1]], [[0], [1], [1], [0]]
    assert net.accuracy(x, y) == 0.5
    assert isinstance(net.accuracy(x, y), float)
    assert net.accuracy([[0.0]], [[1]]) == 1.0
    assert net.accuracy([[0.0]], [[0]]) == 0.0


# the cost and its gradient ----------------------------------------------------------------------


def penalty(net, l2, m):
    return l2 / (2 * m) * sum((W**2).sum() for W in net.weights)


def checked_case(activation, layers):
    """A network and data for a gradient check: no ReLU near its kink."""
    for seed in range(1000):
        net = plain.lively_network(SIZES[layers], activation, seed)
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(7, 5)), rng.integers(0, 2, (7, 2)).astype(float)
        z = [z for z, _ in plain.layers(net.weights, net.biases, x, activation)[:-1]]
        if "relu" not in activation or all(abs(a).min() > KINK for a in z):
            return net, x, y
    raise AssertionError("no seed keeps clear of the kinks")


def worst_relative_error(net, gradient, expected):
    """The largest ‖g − ĝ‖ / ‖ĝ‖ of the network's matrices and bias vectors."""
    shapes = [a.size for a in net.weights + net.biases]
    ends = np.cumsum(shapes)[:-1]
    errors = []
    for ours, right in zip(np.split(gradient, ends), np.split(expected, ends)):
        assert np.linalg.norm(right) > 1e-4, "a vanished gradient proves nothing"
        errors.append(np.linalg.norm(ours - right) / np.linalg.norm(right))
    return max(errors)


@pytest.mark.parametrize("l2, m", [(0.0, None), (0.1, None), (0.4, 60)])
@pytest.mark.parametrize("layers", SIZES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_equals_central_differences(activation, layers, l2, m):
    net, x, y = checked_case(activation, layers)
    net.loss_and_gradient(x, y, l2, m)

    def plain_loss():
        return plain.loss(net.weights, net.biases, x, y, activation, l2, m)

    expected = plain.central_differences(plain_loss, net.theta)
    assert worst_relative_error(net, net.grad, expected) < 1e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_takes_the_same_path(activation):
    net, x, y = checked_case(activation, 4)
    single = nn.MLP(net.sizes, activation)
    single.theta[...] = net.theta
    loss = net.loss_and_gradient(x, y, 0.1)
    assert single.loss_and_gradient(x, y, 0.1) == pytest.approx(loss, rel=1e-5)
    assert single.grad.dtype == np.float32
    assert worst_relative_error(net, single.grad.astype(np.float64), net.grad) < 1e-4


def test_gradient_is_overwritten_not_added_to():
    net, x, y = checked_case("tanh", 3)
    net.loss_and_gradient(x, y, 0.2)
    first = net.grad.copy()
    net.loss_and_gradient(x, y, 0.2)
    np.testing.assert_array_equal(net.grad, first)
    net.grad[...] = np.nan
    net.loss_and_gradient(x, y, 0.2)
    np.testing.assert_array_equal(net.grad, first)


def test_forward_and_loss_leave_the_gradient_alone():
    net, x, y = checked_case("tanh", 3)
    net.loss_and_gradient(x, y)
    grad, theta = net.grad.copy(), net.theta.copy()
    net.forward(x), net.loss(x, y, 0.1), net.accuracy(x, y), net.activations(x)
    np.testing.assert_array_equal(net.grad, grad)
    np.testing.assert_array_equal(net.theta, theta)


def test_no_penalty_of_weights_too_large_to_square():
    net = nn.MLP([6, 4, 1], "tanh")
    net.theta[...] = 1e20
    data = plain.small_data()
    assert np.isfinite(net.loss(data.x_train, data.y_train))
    np.testing.assert_array_equal(nn.train(net, data, nn.Adam(0.1), 1, 8).penalty, 0.0)


def test_the_penalty_pulls_weights_and_never_biases():
    net, x, y = checked_case("tanh", 3)
    net.loss_and_gradient(x, y)
    without = net.grad.copy()
    net.loss_and_gradient(x, y, l2=0.5, m=25)
    n_weights = sum(W.size for W in net.weights)
    np.testing.assert_array_equal(net.grad[n_weights:], without[n_weights:])
    pull = (net.grad - without)[:n_weights]
    np.testing.assert_allclose(pull, 0.5 / 25 * net.theta[:n_weights], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("layers", SIZES)
def test_zeros_with_tanh_never_leaves_its_place(layers):
    data = plain.small_data()
    net = nn.MLP([*[6, 5, 4, 5, 3][:layers], 1], "tanh", "zeros")
    if layers > 1:
        assert net.loss_and_gradient(data.x_train, data.y_train) == 0.125
        assert all(not g.any() for g in net.weight_grads)
        history = nn.train(net, data, nn.GradientDescent(1.0), epochs=3, batch_size=None)
        assert not history.gradient_norm.any()
        np.testing.assert_array_equal(history.train_loss, 0.125)
    else:  # one layer has no symmetry to break
        net.loss_and_gradient(data.x_train, data.y_train)
        assert net.weight_grads[0].any()


# optimizers -------------------------------------------------------------------------------------

OPTIMIZERS = [
    (nn.GradientDescent, plain.gradient_descent, {"lr": 0.3}),
    (nn.GradientDescent, plain.gradient_descent, {"lr": 0.3, "decay": 0.5}),
    (nn.Momentum, plain.momentum, {"lr": 0.3}),
    (nn.Momentum, plain.momentum, {"lr": 0.3, "beta": 0.0}),
    (nn.Momentum, plain.momentum, {"lr": 0.1, "beta": 0.5}),
    (nn.RMSprop, plain.rmsprop, {"lr": 0.01}),
    (nn.RMSprop, plain.rmsprop, {"lr": 0.01, "beta": 0.0, "eps": 0.1}),
    (nn.RMSprop, plain.rmsprop, {"lr": 0.01, "beta": 0.99, "eps": 1e-4}),
    (nn.Adam, plain.adam, {"lr": 0.01}),
    (nn.Adam, plain.adam, {"lr": 0.01, "beta1": 0.0, "beta2": 0.0, "eps": 0.01}),
    (nn.Adam, plain.adam, {"lr": 0.01, "beta1": 0.5, "beta2": 0.9, "eps": 1e-3}),
]


@pytest.mark.parametrize("size", [1, 40, 1 << 17])  # one, few, and several blocks
@pytest.mark.parametrize(
    "dtype, rtol, atol", [(np.float64, 1e-11, 1e-14), (np.float32, 2e-4, 2e-6)]
)
@pytest.mark.parametrize("optimizer, formula, values", OPTIMIZERS)
def test_optimizer_equals_the_plain_formula_over_25_steps(
    optimizer, formula, values, dtype, rtol, atol, size
):
    rng = np.random.default_rng(8)
    theta = rng.normal(size=size).astype(dtype)
    grads = (rng.normal(size=(25, size)) * 10.0 ** rng.integers(-6, 1, size)).astype(dtype)
    grads[:, 2::3] = 0  # a dead pixel: no 0/0
    if size > 1:
        grads[5:, 1] = 0  # and one that dies
    expected = formula(theta.astype(np.float64), grads.astype(np.float64), **values)
    start, step = theta.copy(), optimizer(**values).start(theta)
    for grad in grads:
        before = grad.copy()
        assert step(grad) is None
        np.testing.assert_array_equal(grad, before)
    assert theta.dtype == dtype
    np.testing.assert_allclose(theta - start, expected - start, rtol=rtol, atol=atol)


@pytest.mark.parametrize("optimizer, formula, values", OPTIMIZERS)
def test_the_first_steps_by_hand(optimizer, formula, values):
    """One step with gradient 2 from 1, every formula's numbers typed out."""
    theta = np.array([1.0])
    step = optimizer(**values).start(theta)
    step(np.array([2.0]))
    first = 1 - theta[0]
    by_hand = {
        plain.gradient_descent: values["lr"] * 2,
        plain.momentum: values["lr"] * (1 - values.get("beta", 0.9)) * 2,
        plain.rmsprop: values["lr"]
        * 2
        / math.sqrt((1 - values.get("beta", 0.9)) * 4 + values.get("eps", 1e-8)),
        plain.adam: values["lr"] * 2 / math.sqrt(4 + values.get("eps", 1e-8)),
    }
    assert first == pytest.approx(by_hand[formula], rel=1e-12)


def test_the_defaults_are_the_assignments():
    assert nn.Momentum(0.1) == nn.Momentum(0.1, beta=0.9)
    assert nn.RMSprop(0.1) == nn.RMSprop(0.1, beta=0.9, eps=1e-8)
    assert nn.Adam(0.1) == nn.Adam(0.1, beta1=0.9, beta2=0.999, eps=1e-8)
    assert nn.GradientDescent(0.1) == nn.GradientDescent(0.1, decay=0)


@pytest.mark.parametrize("optimizer, formula, values", OPTIMIZERS)
def test_optimizer_is_frozen_hashable_picklable(optimizer, formula, values):
    made = optimizer(**values)
    with pytest.raises(AttributeError):
        made.lr = 1
    assert pickle.loads(pickle.dumps(made)) == made and hash(made) == hash(optimizer(**values))


@pytest.mark.parametrize("optimizer, formula, values", OPTIMIZERS)
def test_each_start_owns_its_moments(optimizer, formula, values):
    made, grads = optimizer(**values), np.ones((3, 4))
    thetas = [np.zeros(4), np.zeros(4)]
    steps = [made.start(theta) for theta in thetas]
    for step in steps:
        for grad in grads:
            step(grad)
    np.testing.assert_array_equal(*thetas)


def parabola(theta):
    return np.array([1.0, 20.0]) * theta


def rosenbrock(theta):
    x, y = theta
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


MINIMA = [
    (parabola, [-3.0, 2.0], [0, 0], nn.GradientDescent(0.05), 400, 1e-6),
    (parabola, [-3.0, 2.0], [0, 0], nn.Momentum(0.05), 600, 1e-6),
    (parabola, [-3.0, 2.0], [0, 0], nn.RMSprop(0.01, eps=1e-3), 1000, 1e-2),
    (parabola, [-3.0, 2.0], [0, 0], nn.Adam(0.05), 1000, 1e-4),
    (rosenbrock, [-1.2, 1.0], [1, 1], nn.GradientDescent(0.001), 20_000, 2e-3),
    (rosenbrock, [-1.2, 1.0], [1, 1], nn.Momentum(0.002), 20_000, 1e-4),
    (rosenbrock, [-1.2, 1.0], [1, 1], nn.RMSprop(0.001, eps=1e-2), 20_000, 2e-2),
    (rosenbrock, [-1.2, 1.0], [1, 1], nn.Adam(0.02), 5_000, 1e-3),
]


@pytest.mark.parametrize("slope, start, minimum, optimizer, steps, distance", MINIMA)
def test_optimizer_finds_the_minimum(slope, start, minimum, optimizer, steps, distance):
    theta = np.array(start)
    step = optimizer.start(theta)
    for _ in range(steps):
        step(slope(theta))
    assert np.linalg.norm(theta - minimum) < distance


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [nn.Momentum(0.1), nn.Momentum(0.1, 0.5), nn.Adam(0.1)])
def test_moments_of_a_dead_pixel_do_not_become_denormal(optimizer, dtype, monkeypatch):
    kind, seen = type(optimizer), []
    update = kind.update
    monkeypatch.setattr(
        kind, "update", lambda *a: seen.append(a[5:]) or update(*a)
    )  # self, t, W, dW, u and then the moments
    step = optimizer.start(np.ones(3, dtype))
    step(np.array([1, 1e-30, 0], dtype))
    for _ in range(9000 if dtype == np.float64 else 1500):
        step(np.zeros(3, dtype))
    moments, tiny = seen[-1], np.finfo(dtype).tiny
    assert moments and all(((abs(a) >= tiny) | (a == 0)).all() for a in moments)


@pytest.mark.parametrize("optimizer", [nn.RMSprop(0.01), nn.Adam(0.01)])
def test_squares_too_small_for_float32_leave_no_denormal_behind(optimizer, monkeypatch):
    """A gradient of 1e-20, as confident outputs give it, has a square below 1e-38."""
    kind, seen = type(optimizer), []
    update = kind.update
    monkeypatch.setattr(kind, "update", lambda *a: seen.append(a[-1]) or update(*a))
    step = optimizer.start(np.ones(4, np.float32))
    for _ in range(300):
        step(np.array([1e-20, 1e-22, -1e-19, 0], np.float32))
        assert (seen[-1] >= np.finfo(np.float32).tiny).all()


# training ---------------------------------------------------------------------------------------


def test_history_holds_what_the_network_says_of_itself():
    data, net = plain.small_data(), nn.MLP([6, 5, 1], "tanh", seed=2, dtype=np.float64)
    before = copy.deepcopy(net)
    history = nn.train(net, data, nn.Adam(0.05), epochs=4, batch_size=16, l2=0.5)
    for row, n in ((0, before), (4, net)):
        for split in ("train", "test"):
            x, y = getattr(data, f"x_{split}"), getattr(data, f"y_{split}")
            assert getattr(history, f"{split}_loss")[row] == pytest.approx(n.loss(x, y))
            assert getattr(history, f"{split}_accuracy")[row] == n.accuracy(x, y)
        assert history.penalty[row] == pytest.approx(penalty(n, 0.5, 50))
        n.loss_and_gradient(data.x_train, data.y_train)  # without the penalty
        norms = [np.linalg.norm(g) for g in n.weight_grads]
        np.testing.assert_allclose(history.gradient_norm[row], norms, rtol=1e-10)
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "penalty"):
        values = getattr(history, name)
        assert values.shape == (5,) and values.dtype == np.float64 and np.isfinite(values).all()
    assert history.gradient_norm.shape == (5, 2)
    assert history.step_loss.shape == (4 * 4,)
    assert np.isfinite(history.step_loss).all()


@pytest.mark.parametrize("late", [1, 2, 5])
def test_late_fills_the_last_rows_as_all_do_and_changes_no_training(late):
    whole = nn.Experiment((6, 5, 1), "tanh", "he", nn.Adam(0.05), 4, 16, 0.5, probe=network_norm)
    full = whole.run(plain.small_data(), 3)
    part = replace(whole, late=late).run(plain.small_data(), 3)
    rows = min(late, 4)  # row 0 is before training and no epoch
    for name in ("test_loss", "test_accuracy", "penalty", "gradient_norm"):
        values, expected = getattr(part, name), getattr(full, name)
        np.testing.assert_array_equal(values[-rows:], expected[-rows:])
        assert len(values) == 5 and np.isnan(values[:-rows]).all()
    assert np.isnan(part.train_loss).all() and np.isnan(part.train_accuracy).all()
    np.testing.assert_array_equal(part.probes["norm"][-rows:], full.probes["norm"][-rows:])
    np.testing.assert_array_equal(part.theta, full.theta)
    np.testing.assert_array_equal(part.step_loss, full.step_loss)


def test_late_with_no_epochs_or_a_run_that_diverges_is_an_empty_history():
    data, net = plain.small_data(), nn.MLP([6, 20, 20, 1], "identity", "large")
    assert np.isnan(nn.train(net, data, nn.Adam(0.1), epochs=0, late=3).test_loss).all()
    history = nn.train(net, data, nn.GradientDescent(1e30), epochs=9, l2=1e20, late=2)
    assert history.diverged_at and np.isnan(history.test_loss).all()


def test_sets_of_several_thousands_are_evaluated_whole():
    data = plain.small_data(m=4500, m_test=2001)
    net = nn.MLP([6, 5, 1])
    history = nn.train(net, data, nn.GradientDescent(0.1), epochs=1, batch_size=500)
    for split in ("train", "test"):
        part = getattr(data, f"x_{split}"), getattr(data, f"y_{split}")
        loss, accuracy = getattr(history, f"{split}_loss"), getattr(history, f"{split}_accuracy")
        assert loss[-1] == pytest.approx(net.loss(*part), rel=1e-5)
        assert accuracy[-1] == net.accuracy(*part)


def test_history_counts_one_half_as_trouser_too():
    data = plain.small_data()
    data = data._replace(y_train=np.ones_like(data.y_train), y_test=np.zeros_like(data.y_test))
    history = nn.train(nn.MLP([6, 3, 1], "tanh", "zeros"), data, nn.Adam(0.1), epochs=0)
    assert history.train_accuracy == [1.0] and history.test_accuracy == [0.0]


def test_train_learns_and_its_defaults_are_the_promised_ones():
    data = plain.small_data(m=200)
    nets = [nn.MLP([6, 8, 1], seed=1) for _ in "ab"]
    default = nn.train(nets[0], data, nn.Adam(0.01))
    named = nn.train(
        nets[1], data, nn.Adam(0.01), epochs=20, batch_size=64, l2=0.0, seed=0, probe=None
    )
    np.testing.assert_array_equal(default.theta, named.theta)
    assert default.step_loss.shape == (20 * 4,)
    assert default.train_loss[-1] < 0.7 * default.train_loss[0]
    assert default.probes == {} and not default.penalty.any()


def test_a_batch_larger_than_the_set_is_the_set():
    data = plain.small_data()
    runs = [
        nn.train(nn.MLP([6, 3, 1]), data, nn.Momentum(0.1), 3, batch_size)
        for batch_size in (None, 50, 51, 10_000)
    ]
    for run in runs:
        assert run.step_loss.shape == (3,)
        np.testing.assert_array_equal(run.theta, runs[0].theta)


def test_every_sample_once_an_epoch_in_an_order_of_the_seeds_own():
    class Recorder:
        def start(self, theta):
            return lambda grad: seen.append(grad.copy())

    # One weight, one sample a step, everything still: the gradient tells the sample.
    x = np.arange(1, 31, dtype=np.float64).reshape(-1, 1)
    data = nn.Dataset(x, x % 2, x, x % 2, "made up")
    orders = {}
    for seed in (1, 1, 2):
        seen = []
        nn.train(nn.MLP([1, 1], init="zeros"), data, Recorder(), 2, 1, seed=seed)
        epochs = np.array(seen)[:, 0].reshape(2, 30)
        weights_of_all = np.sort(epochs, axis=1)
        np.testing.assert_array_equal(weights_of_all[0], weights_of_all[1])
        assert len(np.unique(epochs[0])) == 30
        assert not np.array_equal(epochs[0], epochs[1])
        np.testing.assert_array_equal(orders.setdefault(seed, epochs), epochs)
    assert not np.array_equal(orders[1], orders[2])


def test_a_generator_as_seed():
    data = plain.small_data()
    a, b = (
        nn.train(nn.MLP([6, 3, 1]), data, nn.Momentum(0.1), 2, 8, seed=np.random.default_rng(5))
        for _ in "ab"
    )
    np.testing.assert_array_equal(a.theta, b.theta)


def test_zero_epochs_leave_the_network_alone():
    net = nn.MLP([6, 3, 1])
    theta = net.theta.copy()
    history = nn.train(net, plain.small_data(), nn.Adam(0.1), epochs=0)
    np.testing.assert_array_equal(net.theta, theta)
    assert history.train_loss.shape == (1,) and history.step_loss.shape == (0,)


def test_seconds_are_cumulative_and_leave_the_evaluation_out():
    def slow_probe(net, x):
        time.sleep(0.05)
        return {}

    data = plain.small_data()
    history = nn.train(nn.MLP([6, 3, 1]), data, nn.Adam(0.1), 3, 8, probe=slow_probe)
    assert history.seconds.shape == (4,) and history.seconds[0] == 0
    assert (np.diff(history.seconds) > 0).all()

    clock = iter([0.0, 1.0, 10.0, 13.0, 50.0, 50.5])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "perf_counter", lambda: next(clock))
        history = nn.train(nn.MLP([6, 3, 1]), data, nn.Adam(0.1), 3, 8)
    np.testing.assert_array_equal(history.seconds, [0, 1, 4, 4.5])


def test_probes_are_stacked_row_by_row():
    data = plain.small_data()
    asked = []

    def probe(net, x):
        asked.append(x.copy())
        return {"norm": np.linalg.norm(net.theta), "first": net.weights[0].copy()}

    net = nn.MLP([6, 3, 1])
    first = net.weights[0].copy()
    history = nn.train(net, data, nn.Adam(0.1), 3, 8, probe=probe)
    assert history.probes["norm"].shape == (4,)
    assert history.probes["first"].shape == (4, 6, 3)
    np.testing.assert_array_equal(history.probes["first"][0], first)
    np.testing.assert_array_equal(history.probes["first"][3], net.weights[0])
    assert history.probes["norm"][3] == pytest.approx(np.linalg.norm(net.theta))
    assert len(asked) == 4
    for x in asked:
        np.testing.assert_array_equal(x, data.x_train)


def test_a_probe_and_the_gradient_norm_see_every_kth_sample_of_a_large_set():
    data = plain.small_data(m=2000)
    asked = []
    net = nn.MLP([6, 3, 1], dtype=np.float64)
    history = nn.train(
        net, data, nn.Adam(0.1), epochs=0, probe=lambda n, x: asked.append(x.copy()) or {}
    )
    np.testing.assert_array_equal(asked[0], data.x_train[::2])
    net.loss_and_gradient(data.x_train[::2], data.y_train[::2])
    norms = [np.linalg.norm(g) for g in net.weight_grads]
    np.testing.assert_allclose(history.gradient_norm[0], norms, rtol=1e-10)


class Explode:
    """Steps of its own: harmless until update ``at``, then infinite."""

    def __init__(self, at, value=np.inf):
        self.at, self.value = at, value

    def start(self, theta):
        updates = iter(range(1, 1000))

        def step(grad):
            if next(updates) == self.at:
                theta[...] = self.value

        return step


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize(
    "at, expected",
    [
        (1, (1, 2)),  # update 1 spoils theta, batch 2 shows it
        (6, (1, 7)),
        (7, (1, 7)),  # the last update of an epoch: no later batch to show it
        (8, (2, 2)),
        (14, (2, 7)),
        (15, (3, 2)),
    ],
)
def test_diverged_at_tells_epoch_and_step(at, expected, value):
    data = plain.small_data()  # 50 samples, batches of 8: 7 updates an epoch
    history = nn.train(
        nn.MLP([6, 3, 1], "tanh"),
        data,
        Explode(at, value),
        epochs=4,
        batch_size=8,
        probe=lambda net, x: {"one": 1.0},
    )
    assert history.diverged_at == expected
    kept = expected[0]
    for values in (history.train_loss, history.test_accuracy, history.probes["one"]):
        assert np.isfinite(values[:kept]).all() and np.isnan(values[kept:]).all()
    assert np.isfinite(history.gradient_norm[:kept]).all()
    assert np.isnan(history.gradient_norm[kept:]).all()
    assert np.isfinite(history.seconds[: kept + 1]).all()
    assert np.isnan(history.step_loss[at + 1 :]).all()
    assert np.isfinite(history.step_loss[:at]).all()


# A finite theta of 6-3-1: ∞ after one layer, ∞ − ∞ after two.
OVERFLOWING = np.array([*[3e38] * 18, 1, -1, 1, *[0] * 4])


def test_a_cost_that_is_not_finite_stops_the_run_though_theta_is():
    net = nn.MLP([6, 3, 1], "identity")
    history = nn.train(net, plain.small_data(), Explode(3, OVERFLOWING), 2, batch_size=8)
    assert np.isfinite(history.theta).all() and history.diverged_at == (1, 4)


@pytest.mark.parametrize("theta, l2", [(1e30, 1.0), (np.r_[np.zeros(24), np.inf], 0.0)])
def test_a_penalty_or_a_theta_that_is_not_finite_ends_a_run_alone(theta, l2):
    net, data = nn.MLP([6, 3, 1], "tanh"), plain.small_data()  # whose outputs stay finite
    history = nn.train(net, data, Explode(6 if l2 else 7, theta), 2, batch_size=8, l2=l2, late=1)
    assert history.diverged_at == (1, 7) and np.isfinite(history.step_loss[:6]).all()
    assert np.isfinite(net.loss(data.x_test, data.y_test))


@pytest.mark.parametrize("late", [None, 1])
def test_what_the_last_update_broke_is_found_without_a_next_batch(late):
    net, data = nn.MLP([6, 3, 1], "identity"), plain.small_data()
    history = nn.train(net, data, Explode(7, OVERFLOWING), 1, batch_size=8, late=late)
    assert np.isfinite(history.theta).all() and history.diverged_at == (1, 7)
    assert np.isnan(history.test_loss[1]) and np.isnan(history.test_accuracy[1])
    assert np.isnan(history.gradient_norm[1]).all()


def test_a_run_that_diverges_by_itself_is_a_result_without_a_warning():
    data = plain.small_data()
    net = nn.MLP([6, 20, 20, 20, 1], "identity", "large")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = nn.train(net, data, nn.GradientDescent(1e30), epochs=20, batch_size=8, l2=1e20)
    epoch, step = history.diverged_at
    assert 1 <= epoch <= 20 and 1 <= step <= 7
    assert len(history.train_loss) == 21


def test_train_goes_on_from_where_the_network_stands():
    data = plain.small_data()
    net = nn.MLP([6, 3, 1])
    first = nn.train(net, data, nn.GradientDescent(0.1), epochs=2)
    second = nn.train(net, data, nn.GradientDescent(0.1), epochs=1)
    assert second.train_loss[0] == first.train_loss[-1]


# experiments ------------------------------------------------------------------------------------


def experiment(**changes):
    values = {
        "sizes": (6, 4, 1),
        "activation": "tanh",
        "init": "xavier",
        "optimizer": nn.Momentum(0.3),
        "epochs": 2,
        "batch_size": 8,
    }
    return nn.Experiment(**{**values, **changes})


def test_an_experiment_is_train_with_its_arguments():
    data, probe = plain.small_data(), network_norm
    made = experiment(l2=0.2, distribution="uniform", probe=probe)
    ours = made.run(data, seed=5)
    net = nn.MLP((6, 4, 1), "tanh", "xavier", 5, distribution="uniform")
    np.testing.assert_array_equal(made.network(5).theta, net.theta)
    expected = nn.train(net, data, nn.Momentum(0.3), 2, 8, 0.2, 5, probe)
    np.testing.assert_array_equal(ours.theta, expected.theta)
    np.testing.assert_array_equal(ours.penalty, expected.penalty)
    np.testing.assert_array_equal(ours.probes["norm"], expected.probes["norm"])


def network_norm(net, x):
    return {"norm": np.linalg.norm(net.theta)}


def test_an_experiment_is_frozen_and_picklable():
    made = experiment()
    with pytest.raises(AttributeError):
        made.epochs = 3
    assert pickle.loads(pickle.dumps(made)) == made
    assert (made.l2, made.distribution, made.probe) == (0.0, "normal", None)


def test_seeds_share_the_order_of_the_samples_between_methods():
    """Equal data order and weights: with a rate of nearly 0, every method sees the same costs."""
    data = plain.small_data()
    runs = [
        experiment(optimizer=o).run(data, 4).step_loss
        for o in (nn.GradientDescent(1e-12), nn.Momentum(1e-12), nn.Adam(1e-12))
    ]
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-6)
    np.testing.assert_allclose(runs[0], runs[2], rtol=1e-6)


def test_stack_puts_the_seeds_first():
    data = plain.small_data()
    runs = [experiment(probe=network_norm).run(data, s) for s in (3, 4, 5)]
    both = nn.History.stack(runs)
    assert both.train_loss.shape == (3, 3) and both.gradient_norm.shape == (3, 3, 2)
    assert both.diverged_at == (None, None, None)
    assert both.probes["norm"].shape == (3, 3)
    for i, run in enumerate(runs):
        for name in ("train_loss", "step_loss", "theta", "seconds"):
            np.testing.assert_array_equal(getattr(both, name)[i], getattr(run, name))
        np.testing.assert_array_equal(both.probes["norm"][i], run.probes["norm"])


def test_a_run_without_a_row_has_nan_for_probes_among_others():
    calm = experiment(probe=network_norm, late=1)
    wild = replace(calm, activation="identity", init="large", optimizer=nn.GradientDescent(1e30))
    runs = [wild.run(plain.small_data(), 0), calm.run(plain.small_data(), 0)]
    assert runs[0].diverged_at and not runs[0].probes and not runs[1].diverged_at
    for order in (runs, runs[::-1]):
        both = nn.History.stack(order)
        assert np.isnan(both.probes["norm"][order.index(runs[0])]).all()
        np.testing.assert_array_equal(
            both.probes["norm"][order.index(runs[1])], runs[1].probes["norm"]
        )


# what an attack found ---------------------------------------------------------------------------


def test_a_gradient_whose_square_float32_can_not_hold_has_a_norm():
    net, data = nn.MLP([6, *[4] * 12, 1], "sigmoid", "small"), plain.small_data()
    history = nn.train(net, data, nn.Adam(0.1), epochs=0)
    net.loss_and_gradient(data.x_train, data.y_train)
    expected = [np.linalg.norm(g.astype(np.float64)) for g in net.weight_grads]
    assert 1e-35 < min(expected) < 1e-23
    np.testing.assert_allclose(history.gradient_norm[0], expected, rtol=1e-4)


def memory(work):
    """(bytes left behind, peak in bytes) of calling ``work``."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def test_memory_goes_with_the_networks():
    """Nothing of the last batch stays behind in the module."""
    x, y = np.ones((20_000, 6), np.float32), np.ones((20_000, 1), np.float32)

    def work():
        for activation in nn.ACTIVATIONS:
            nn.MLP([6, 50, 50, 1], activation).loss_and_gradient(x, y)

    left, peak = memory(work)
    assert peak > 10e6 > 1e6 > left


@pytest.mark.parametrize("optimizer, formula, values", OPTIMIZERS)
def test_an_update_makes_no_array(optimizer, formula, values):
    """However long the vector is: what an update needs beyond its moments is there from start."""
    theta = np.ones(50_000, np.float32)
    step, grad = optimizer(**values).start(theta), np.ones_like(theta)
    _, peak = memory(lambda: step(grad))
    assert peak < theta.nbytes / 10


def test_a_pickle_holds_the_two_vectors_and_no_view():
    net = nn.MLP([1, 2000, 1])
    assert len(pickle.dumps(net)) < 1.1 * (net.theta.nbytes + net.grad.nbytes)


class Named(nn.MLP):
    """A subclass with state of its own."""

    def __init__(self, *arguments, name):
        super().__init__(*arguments)
        self.name = name


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_pickle])
def test_a_copy_keeps_attributes_and_a_subclass_its_state(duplicate):
    net = Named([3, 4, 1], "tanh", name="mine")
    net.note = {"epochs": [1, 2]}
    twin = duplicate(net)
    assert type(twin) is Named and twin.name == "mine" and twin.note == net.note
    assert (twin.note is net.note) == (duplicate is copy.copy)


def test_a_network_of_nan_is_right_nowhere():
    net = nn.MLP([6, 3, 1])
    net.theta[...] = np.nan
    data = plain.small_data()
    assert net.accuracy(data.x_train, data.y_train) == 0.0
    history = nn.train(net, data, nn.GradientDescent(0.1), epochs=0)
    assert np.isnan(history.train_accuracy) and np.isnan(history.test_accuracy)


def test_histories_are_equal_when_their_numbers_are():
    data = plain.small_data()

    def run(seed=1, **changes):
        made = {"optimizer": nn.Adam(0.01), "probe": network_norm} | changes
        return experiment(**made).run(data, seed)

    one = run()
    assert one == run()
    assert one != run(seed=2) and one != run(probe=None) and one != run(epochs=3)
    assert one != nn.History.stack([run()]) and one != "a history" and one is not None
    diverged = run(optimizer=nn.GradientDescent(1e30))
    assert diverged == run(optimizer=nn.GradientDescent(1e30)) != one


def test_a_probe_may_have_the_name_of_a_number_of_the_history():
    one, other = (experiment(probe=named_as_a_field).run(plain.small_data(), 1) for _ in "ab")
    one.label = "an attribute of one's own"
    assert one == other
    other.train_loss += 1
    assert one != other
    other.train_loss -= 1
    other.probes["seconds"] += 1
    assert one != other


def named_as_a_field(net, x):
    return {"train_loss": 1.0, "seconds": 2.0}


@pytest.mark.parametrize("value", [np.ma.masked, np.ma.array([1, 2], mask=[1, 0]), [[1], [2, 3]]])
def test_what_a_probe_measured_is_numbers_without_a_mask(value):
    net, probe = nn.MLP([6, 3, 1]), lambda net, x: {"own": value}
    with pytest.raises(ValueError, match=r"^the probe's 'own' is "):
        nn.train(net, plain.small_data(), nn.Adam(0.1), 1, probe=probe)


def test_backprop_takes_the_arguments_of_loss():
    net, data = nn.MLP([6, 3, 1], dtype=np.float64), plain.small_data()
    x, y = data.x_train.astype(float), data.y_train.astype(float)
    for arguments in ((), (1.0,), (1.0, 7)):
        assert net.backprop(x, y, *arguments) == pytest.approx(net.loss(x, y, *arguments))
        found = net.grad.copy()
        net.loss_and_gradient(x, y, *arguments)
        np.testing.assert_array_equal(found, net.grad)


@pytest.mark.parametrize("m", [50, 2500])
def test_a_probe_can_not_change_the_data(m):
    def vandal(net, x):
        with pytest.raises(ValueError, match="read-only"):
            x[0, 0] = 7
        return {}

    data = plain.small_data(m=m)
    before = data.x_train.copy()
    nn.train(nn.MLP([6, 3, 1]), data, nn.Adam(0.1), 1, probe=vandal)
    np.testing.assert_array_equal(data.x_train, before)
    data.x_train[0, 0] = 7  # the caller may still write


def half_sigmoid(z):
    return nn.ACTIVATIONS["sigmoid"].apply(z) - 0.5


def half_sigmoid_backward(delta, a):
    nn.ACTIVATIONS["sigmoid"].backward(delta, a + 0.5)


CENTRED = nn.Activation(half_sigmoid, half_sigmoid_backward)


def test_an_activation_of_ones_own():
    net, key = nn.MLP([5, 4, 3, 1], CENTRED, seed=3, dtype=np.float64), nn.MLP([5, 4, 3, 1])
    x = np.random.default_rng(0).normal(size=(9, 5))
    y = (x[:, :1] > 0).astype(float)
    net.loss_and_gradient(x, y, 0.1)
    expected = plain.central_differences(lambda: net.loss(x, y, 0.1), net.theta)
    np.testing.assert_allclose(net.grad, expected, rtol=1e-5, atol=1e-8)
    assert through_pickle(net).forward(x) == pytest.approx(net.forward(x))
    assert net.activation is CENTRED and key.activation == "relu"
    runs = nn.sweep({"own": experiment(activation=CENTRED)}, plain.small_data(), range(2))
    assert np.isfinite(runs["own"].train_loss).all()


def test_a_seed_sequence_is_a_seed_and_stays_as_it_was():
    sequence = np.random.SeedSequence(6)
    by_int, first, again = (nn.MLP([5, 4, 1], seed=s).theta for s in (6, sequence, sequence))
    np.testing.assert_array_equal(by_int, first)
    np.testing.assert_array_equal(first, again)
    assert sequence.n_children_spawned == 0
    children = [nn.MLP([5, 4, 1], seed=s).theta for s in sequence.spawn(2)]
    assert not np.array_equal(*children)
    data = plain.small_data()
    runs = [
        nn.train(nn.MLP([6, 3, 1]), data, nn.Momentum(0.1), 2, 8, seed=s) for s in (6, sequence)
    ]
    assert runs[0] == runs[1]


def test_an_experiment_gives_back_its_trained_network():
    data, made = plain.small_data(), experiment(optimizer=nn.Adam(0.01))
    history = made.run(data, 4)
    net = made.network(4, theta=history.theta)
    assert net.loss(data.x_test, data.y_test) == pytest.approx(history.test_loss[-1], rel=1e-6)
    np.testing.assert_array_equal(net.theta, history.theta)
    assert not np.shares_memory(net.theta, history.theta)
    assert not np.array_equal(made.network(4).theta, net.theta)


def test_an_experiment_holds_plain_numbers():
    narrow = experiment(epochs=np.int8(20), batch_size=np.uint8(8), l2=Fraction(1, 2))
    assert narrow == experiment(epochs=20, batch_size=8, l2=0.5)
    assert narrow.run(plain.small_data(), 0).train_loss.shape == (21,)


@pytest.mark.parametrize("scale", [255, 255.0, 128])
def test_pixels_that_nobody_divided_by_255_are_warned_of(scale):
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 6)).astype(np.float32) * scale, np.arange(40).reshape(-1, 1) % 2
    data = nn.Dataset(x, y, x, y, "made up")
    forgotten = data._replace(x_train=x / scale)
    with pytest.warns(UserWarning, match=r"data\.x_test goes up to .*divide them by 255"):
        nn.train(nn.MLP([6, 3, 1]), forgotten, nn.GradientDescent(0.1), 1)
    with pytest.warns(UserWarning, match=r"data\.x_train goes up to .*divide them by 255"):
        nn.train(nn.MLP([6, 3, 1]), data, nn.Adam(0.1), 1)


def test_the_warning_of_pixels_is_shown_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNSCALED, encoding="utf-8")
    paths = os.pathsep.join([str(Path(nn.__file__).parent), str(Path(__file__).parent)])
    result = subprocess.run(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.count("divide them by 255") == 1


UNSCALED = """
import numpy as np
import nn_core as nn

x, y = np.full((40, 6), 255.0), np.arange(40).reshape(-1, 1) % 2
for _ in range(3):
    nn.train(nn.MLP([6, 3, 1]), nn.Dataset(x, y, x, y, ""), nn.Adam(0.1), 1)
"""
