"""What must hold for every network, not only for the ones that somebody thought of."""

import copy
import pickle

import numpy as np
import plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn_core as nn

settings.register_profile("steady", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("steady")

ACTIVATIONS = st.sampled_from(list(nn.ACTIVATIONS))
SIZES = st.lists(st.integers(1, 7), min_size=2, max_size=6)
SEEDS = st.integers(0, 2**32)
L2 = st.sampled_from([0.0, 0.01, 3.0])
DTYPES = st.sampled_from([np.float32, np.float64])
OPTIMIZERS = st.sampled_from(
    [nn.GradientDescent(0.1), nn.Momentum(0.1, 0.5), nn.RMSprop(0.01), nn.Adam(0.01)]
)


def case(sizes, activation, seed, m=9, dtype=np.float64):
    rng = np.random.default_rng(seed)
    net = plain.lively_network(sizes, activation, seed, dtype)
    x = rng.normal(size=(m, sizes[0])).astype(dtype)
    y = rng.integers(0, 2, (m, sizes[-1])).astype(dtype)
    return net, x, y


def dataset(sizes, seed, m):
    _, x, y = case(sizes, "tanh", seed, m)
    return nn.Dataset(x, y, x[:3], y[:3], "made up")


def near(a, b, dtype):
    tolerance = 1e-9 if dtype == np.float64 else 2e-3
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * 1e-2)


@given(SIZES, ACTIVATIONS, SEEDS, L2, st.integers(1, 12), st.none() | st.integers(1, 99), DTYPES)
def test_loss_is_its_formula(sizes, activation, seed, l2, m, penalty_m, dtype):
    net, x, y = case(sizes, activation, seed, m, dtype)
    expected = plain.loss(net.weights, net.biases, x, y, activation, l2, penalty_m)
    assert isinstance(net.loss(x, y), float)
    near(net.loss(x, y, l2, penalty_m), expected, dtype)
    assert net.loss_and_gradient(x, y, l2, penalty_m) == net.loss(x, y, l2, penalty_m)


@settings(max_examples=40)
@given(SIZES, ACTIVATIONS, SEEDS, L2, st.integers(1, 6))
def test_gradient_is_the_slope_of_the_loss(sizes, activation, seed, l2, m):
    """Along a random direction; where a kink lies within the step, one side's slope is enough."""
    net, x, y = case(sizes, activation, seed, m)
    net.loss_and_gradient(x, y, l2)
    direction = np.random.default_rng(seed).normal(size=net.theta.size)
    slope, start, h = net.grad @ direction, net.theta.copy(), 1e-6

    def loss(step):
        net.theta[...] = start + step * direction
        return net.loss(x, y, l2)

    below, here, above = loss(-h), loss(0.0), loss(h)
    slopes = [(above - below) / (2 * h), (above - here) / h, (here - below) / h]
    kinked = abs(slopes[1] - slopes[2]) > 1e-3
    errors = [abs(s - slope) for s in slopes]
    assert min(errors) < 1e-2 if kinked else errors[0] < 1e-6 * max(1, abs(slope))


@given(SIZES, ACTIVATIONS, SEEDS, L2, DTYPES)
def test_the_order_of_the_samples_does_not_matter_to_the_whole_sets_gradient(
    sizes, activation, seed, l2, dtype
):
    net, x, y = case(sizes, activation, seed, 11, dtype)
    loss, grad = net.loss_and_gradient(x, y, l2), net.grad.copy()
    order = np.random.default_rng(seed).permutation(11)
    near(net.loss_and_gradient(x[order], y[order], l2), loss, dtype)
    np.testing.assert_allclose(net.grad, grad, rtol=2e-4, atol=1e-5 * max(1, abs(grad).max()))


@given(SIZES, ACTIVATIONS, SEEDS, L2, st.integers(1, 10))
def test_the_batches_gradients_average_to_the_whole_sets(sizes, activation, seed, l2, batch):
    """Weighted by their sizes, the last and smaller one too; the penalty's m stays the set's."""
    net, x, y = case(sizes, activation, seed, 10)
    mean = np.zeros_like(net.grad)
    for begin in range(0, 10, batch):
        rows = slice(begin, begin + batch)
        net.loss_and_gradient(x[rows], y[rows], l2, 10)
        mean += net.grad * len(x[rows]) / 10
    net.loss_and_gradient(x, y, l2)
    np.testing.assert_allclose(mean, net.grad, rtol=1e-9, atol=1e-13)


@given(SIZES, ACTIVATIONS, SEEDS, DTYPES, st.integers(1, 20), st.integers(1, 20))
def test_results_are_kept_and_inputs_left_alone(sizes, activation, seed, dtype, m, other_m):
    net, x, y = case(sizes, activation, seed, m, dtype)
    _, other, _ = case(sizes, activation, seed + 1, other_m, dtype)
    x_was, y_was, theta = x.copy(), y.copy(), net.theta.copy()
    h, layers = net.forward(x), net.activations(x)
    kept = [h.copy(), *(a.copy() for a in layers)]
    net.forward(other)
    net.loss_and_gradient(x, y, 0.1)
    net.accuracy(x, y)
    for now, was in zip([x, y, net.theta, h, *layers], [x_was, y_was, theta, *kept]):
        np.testing.assert_array_equal(now, was)
    assert h.shape == (m, sizes[-1]) and h.dtype == dtype and ((h >= 0) & (h <= 1)).all()


@given(SIZES, ACTIVATIONS, SEEDS, DTYPES, st.sampled_from(["copy", "deepcopy", "pickle"]))
def test_views_stay_views(sizes, activation, seed, dtype, how):
    net, x, y = case(sizes, activation, seed, 5, dtype)
    duplicate = {
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
        "pickle": lambda n: pickle.loads(pickle.dumps(n)),
    }[how]
    twin = duplicate(net)
    assert twin.loss_and_gradient(x, y) == net.loss_and_gradient(x, y)
    np.testing.assert_array_equal(twin.grad, net.grad)
    twin.theta[...] = np.arange(twin.theta.size)
    twin.grad[...] = 0
    flat = np.concatenate([a.ravel() for a in twin.weights + twin.biases])
    np.testing.assert_array_equal(flat, twin.theta)
    assert not any(g.any() for g in twin.weight_grads + twin.bias_grads)


@settings(max_examples=40)
@given(SIZES, ACTIVATIONS, SEEDS, OPTIMIZERS, st.integers(1, 12) | st.none(), L2)
def test_train_is_the_plain_loop_whatever_the_batch(sizes, activation, seed, optimizer, batch, l2):
    data = dataset(sizes, seed, m=11)
    ours, theirs = (nn.MLP(sizes, activation, seed=seed, dtype=np.float64) for _ in "ab")
    history = nn.train(ours, data, optimizer, 2, batch, l2, seed)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(2)[1])
    step, costs = optimizer.start(theirs.theta), []
    for _ in range(2):
        order = rng.permutation(11) if (batch or 11) < 11 else np.arange(11)
        for rows in np.split(order, range(batch or 11, 11, batch or 11)):
            x, y = data.x_train[rows], data.y_train[rows]
            costs.append(theirs.loss_and_gradient(x, y, l2, 11))
            step(theirs.grad)
    assert history.step_loss.shape == (len(costs),) and history.diverged_at is None
    np.testing.assert_allclose(history.step_loss, costs, rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(history.theta, ours.theta)
    np.testing.assert_allclose(ours.theta, theirs.theta, rtol=1e-7, atol=1e-9)


@settings(max_examples=25)
@given(SIZES, ACTIVATIONS, SEEDS, OPTIMIZERS, st.integers(1, 12), DTYPES)
def test_a_run_repeats_bit_for_bit(sizes, activation, seed, optimizer, batch, dtype):
    data = dataset(sizes, seed, m=11)

    def run():
        net = nn.MLP(sizes, activation, seed=seed, dtype=dtype)
        return nn.train(net, data, optimizer, 2, batch, 0.1, seed)

    assert run() == run()


@pytest.mark.parametrize(
    "formula, optimizer",
    [
        (plain.gradient_descent, nn.GradientDescent),
        (plain.momentum, nn.Momentum),
        (plain.rmsprop, nn.RMSprop),
        (plain.adam, nn.Adam),
    ],
)
@given(st.data())
def test_an_optimizer_is_its_formula_for_any_hyperparameters(formula, optimizer, data):
    rates = {"lr": st.floats(1e-4, 10), "eps": st.floats(1e-8, 1), "decay": st.floats(0, 2)}
    betas = st.floats(0, 0.9999)
    names = optimizer.__dataclass_fields__
    values = {name: data.draw(rates.get(name, betas), name) for name in names}
    shape = data.draw(st.sampled_from([(), (3,), (2, 3)]))
    rng = np.random.default_rng(data.draw(SEEDS))
    theta, grads = rng.normal(size=shape), rng.normal(size=(8, *shape))
    expected = formula(theta, grads, **values)
    theta = np.array(theta)
    step = optimizer(**values).start(theta)
    for grad in grads:
        step(np.array(grad))
    np.testing.assert_allclose(theta, expected, rtol=1e-8, atol=1e-9)


@given(st.floats(-1e4, 1e4), ACTIVATIONS, DTYPES)
def test_activations_are_finite_and_bounded_everywhere(z, name, dtype):
    with np.errstate(over="ignore"):  # the sigmoid's e^(−z)
        a = nn.ACTIVATIONS[name].apply(np.array([z], dtype))
    low, high = {"sigmoid": (0, 1), "tanh": (-1, 1)}.get(name, (-1e4, 1e4))
    assert low <= a[0] <= high
    delta = np.ones(1, dtype)
    nn.ACTIVATIONS[name].backward(delta, a)
    assert 0 <= delta[0] <= (0.25 if name == "sigmoid" else 1)
