"""What is measured inside a network, against plain formulas."""

from dataclasses import replace

import numpy as np
import plain
import pytest

import nn_core as nn
import probes

EXPERIMENT = nn.Experiment((6, 8, 5, 1), "tanh", "xavier", nn.GradientDescent(0.3), 3, 16)


@pytest.fixture(scope="module")
def data():
    return plain.small_data(m=60)


@pytest.fixture(scope="module")
def history(data):
    return nn.sweep({"a": EXPERIMENT}, data, [3, 4])["a"]


def test_trained_gives_back_what_the_sweep_left(history, data):
    nets = probes.trained(EXPERIMENT, history)
    assert [net.theta.tolist() for net in nets] == history.theta.tolist()
    costs, wrong = probes.measure(EXPERIMENT, history, data.x_test, data.y_test)
    assert costs == pytest.approx(history.test_loss[:, -1], rel=1e-5)
    assert wrong.tolist() == np.rint((1 - history.test_accuracy[:, -1]) * len(data.x_test)).tolist()


def test_auc():
    assert probes.auc([0.49, 0.51, 0.505, 0.52], [0, 1, 0, 1]) == 1
    assert probes.auc([0.3, 0.2], [0, 1]) == 0
    assert probes.auc(np.full((4, 1), 0.5), np.array([[0], [1], [0], [1]])) == 0.5
    assert probes.auc([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1]) == pytest.approx(3.5 / 4)


def test_xor_and_the_best_line():
    tight = probes.xor(each=3, noise=0.01)
    corners = np.hstack([np.rint(tight.x_test), tight.y_test])
    four = [[-1, -1, 0], [-1, 1, 1], [1, -1, 1], [1, 1, 0]]
    np.testing.assert_array_equal(np.unique(corners, axis=0), four)
    assert probes.best_line(tight.x_test, tight.y_test) == 0.75
    noisy = probes.xor(each=100, noise=0.3)
    assert not np.array_equal(noisy.x_train, noisy.x_test) and len(noisy.y_test) == 400
    x = noisy.x_test
    assert probes.best_line(x, (x[:, :1] < 0.2).astype(np.float32)) == 1
    assert probes.best_line(x, np.ones((400, 1), np.float32)) == 1
    assert probes.best_line(x, np.zeros((400, 1), np.float32)) == 1


def test_sensitivity_is_the_gradient_in_x(data):
    net = nn.MLP((6, 8, 5, 1), "tanh", "xavier", seed=1, dtype=np.float64)
    x = data.x_train[:3].astype(float)
    found = probes.sensitivity(net, x)
    for i in range(3):
        slope = probes.central_differences(lambda i=i: net.forward(x)[i, 0], x[i])
        assert found[i] == pytest.approx(np.linalg.norm(slope), rel=1e-6)


def test_central_differences_leave_theta_as_it_was():
    theta = np.array([1.0, -2.0, 3.0])
    slopes = probes.central_differences(lambda: float((theta**3).sum()), theta, [2, 0], 1e-5)
    assert slopes == pytest.approx([27, 3]) and theta.tolist() == [1, -2, 3]


def test_health_and_dead_units(data):
    net = nn.MLP((6, 8, 5, 1), "relu", "he", seed=1)
    net.biases[0][:4] = -100
    assert probes.layer_health(net, data.x_train)["dead"][0] >= 0.5
    assert probes.dead_units(net, data.x_train)[0] >= 0.5
    net = nn.MLP((6, 8, 1), "sigmoid", "xavier", seed=1)
    assert probes.dead_units(net, data.x_train) == [0]
    net.weights[0][...] *= 1000
    assert probes.layer_health(net, data.x_train)["saturated"][0] > 0.9


def test_weight_norms_tell_dark_rows_apart():
    net, x = nn.MLP((6, 8, 1), seed=1), np.ones((5, 6), np.float32)
    x[:, 2] = 0
    found = probes.weight_norms(net, x)
    assert found["dark"] == pytest.approx(np.linalg.norm(net.weights[0][2]))
    assert found["norm"] == pytest.approx([np.linalg.norm(W) for W in net.weights])


def test_first_layer():
    net = nn.MLP((9, 4, 1), seed=1)
    views = probes.first_layer(net)
    assert views.shape == (4, 3, 3) and views[1].ravel().tolist() == net.weights[0][:, 1].tolist()


def test_update_ratios_are_those_of_the_training_itself(data):
    ratios = probes.update_ratios(EXPERIMENT, data, 3, 4)
    assert ratios.shape == (4, 3)
    one = replace(EXPERIMENT, epochs=1, batch_size=None)
    start, end = one.network(3), nn.MLP(one.sizes)
    end.theta[...] = one.run(data, 3).theta
    norm = np.linalg.norm
    expected = [norm(W - W0) / norm(W0) for W, W0 in zip(end.weights, start.weights)]
    assert probes.update_ratios(one, data, 3, 1)[0] == pytest.approx(expected, rel=1e-5)


def test_path():
    points = probes.path(nn.GradientDescent(0.1), lambda p: 2 * p, (1.0, -1.0), 3)
    assert points[:, 0] == pytest.approx(0.8 ** np.arange(4)) and points.shape == (4, 2)


def test_join_seeds(history):
    both = probes.join_seeds([history, history])
    assert both.theta.shape[0] == 4 and len(both.diverged_at) == 4


def test_a_sigmoid_variant_is_what_its_numbers_say():
    f = probes.sigmoid_variant(gain=4.0, scale=2.0, shift=-1.0)
    z = np.linspace(-2, 2, 9)
    a = f.apply(z.copy())
    assert a == pytest.approx(2 / (1 + np.exp(-4 * z)) - 1)
    net = nn.MLP([6, 5, 4, 1], f, "xavier", seed=0, dtype=np.float64)
    x, y = plain.small_data(m=60).x_train.astype(float), plain.small_data(m=60).y_train
    net.loss_and_gradient(x, y)
    numeric = probes.central_differences(lambda: net.loss(x, y), net.theta)
    assert net.grad == pytest.approx(numeric, abs=1e-8)
    slope, doubled = np.ones_like(a), np.ones_like(a)
    f.backward(slope, a)
    probes.sigmoid_variant(4.0, 2.0, -1.0, backward=2.0).backward(doubled, a)
    assert doubled == pytest.approx(2 * slope)


def test_scaled_begins_from_scaled_weights_and_keeps_trained_ones(history):
    scaled = probes.Scaled(**vars(EXPERIMENT), scale=0.1)
    assert scaled.network(3).theta == pytest.approx(0.1 * EXPERIMENT.network(3).theta)
    assert scaled.network(3, history.theta[0]).theta.tolist() == history.theta[0].tolist()


def test_cross_entropy_learns_by_its_own_gradient_and_reports_the_squared_cost(data):
    net = probes.ByCrossEntropy(**vars(EXPERIMENT)).network(1)
    plain_net = EXPERIMENT.network(1)
    y, m = data.y_train, len(data.y_train)

    def entropy():
        h = plain_net.forward(data.x_train).astype(float)
        return -float(np.log(np.where(y == 1, h, 1 - h)).sum()) / m

    assert net.loss_and_gradient(data.x_train, y) == plain_net.loss(data.x_train, y)
    where = [0, 40, -1]
    slopes = probes.central_differences(entropy, plain_net.theta, where, eps=1e-2)
    assert net.grad[where] == pytest.approx(slopes, rel=0.02, abs=1e-4)
