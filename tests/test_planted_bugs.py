"""The mistakes students make, planted one at a time in what nn_core does: the tests must go red."""

import numpy as np
import pytest
import test_nn_core as tests
import test_properties as properties

import nn_core as nn

GRADIENT = [lambda: tests.test_gradient_equals_central_differences("relu", 3, 0.4, 60)]
OPTIMIZERS = [
    lambda case=case: tests.test_optimizer_equals_the_plain_formula_over_25_steps(
        *case, np.float64, 1e-11, 1e-14, 40
    )
    for case in tests.OPTIMIZERS
]
ORDER = [tests.test_every_sample_once_an_epoch_in_an_order_of_the_seeds_own]
LOOP = [properties.test_train_is_the_plain_loop_whatever_the_batch]


def gradient(spoil):
    """A bug in ``loss_and_gradient``: ``spoil(net, right, x, y, l2, m)`` returns the loss."""
    right = nn.MLP.loss_and_gradient

    def wrong(net, x, y, l2=0.0, m=None):
        return spoil(net, lambda l2: right(net, x, y, l2, m), x, y, l2)

    return lambda patch: patch.setattr(nn.MLP, "loss_and_gradient", wrong)


def no_mean(net, right, x, y, l2):
    loss = right(l2)
    net.grad[...] *= len(x)
    return loss


def cross_entropy(net, right, x, y, l2):
    """δ_L = (h − y) / m: the output's slope h (1 − h) forgotten, in the last layer."""
    loss, (*_, a, h) = right(l2), net.activations(x)
    net.weight_grads[-1][...] = a.T @ (h - y) / len(x)
    return loss


def penalized_biases(net, right, x, y, l2):
    loss = right(l2)
    for b, db in zip(net.biases, net.bias_grads):
        db += l2 / len(x) * b
    return loss


def accumulated(net, right, x, y, l2):
    before = net.grad.copy() + 1
    loss = right(l2)
    net.grad[...] += before
    return loss


def optimizer(kind, wrong):
    """A bug in an optimizer: ``wrong(self)`` is the one that it behaves like."""
    right = kind.start
    return lambda patch: patch.setattr(kind, "start", lambda self, theta: right(wrong(self), theta))


def uncorrected(adam, theta):
    V, S = np.zeros_like(theta), np.zeros_like(theta)

    def step(grad):
        V[...] = adam.beta1 * V + (1 - adam.beta1) * grad
        S[...] = adam.beta2 * S + (1 - adam.beta2) * grad**2
        theta[...] -= adam.lr * V / np.sqrt(S + adam.eps)

    return step


def activation(name, backward):
    wrong = nn.ACTIVATIONS[name]._replace(backward=backward)
    return lambda patch: patch.setitem(nn.ACTIVATIONS, name, wrong)


def training(**wrong):
    right = nn.train
    return lambda patch: patch.setattr(nn, "train", lambda *a, **kw: right(*a, **(kw | wrong)))


def negative_slope(delta, a):
    delta *= -1.0 * (a > 0)


def last_batch_dropped(patch):
    right = nn.train

    def wrong(net, data, optimizer, epochs, batch_size, *rest):
        size = batch_size or len(data.x_train)
        whole = len(data.x_train) // size * size or len(data.x_train)
        data = data._replace(x_train=data.x_train[:whole], y_train=data.y_train[:whole])
        return right(net, data, optimizer, epochs, batch_size, *rest)

    patch.setattr(nn, "train", wrong)


BUGS = {
    "momentum ignores beta": (optimizer(nn.Momentum, lambda o: nn.Momentum(o.lr, 0)), OPTIMIZERS),
    "RMSprop without its rate": (
        optimizer(nn.RMSprop, lambda o: nn.RMSprop(1.0, o.beta, o.eps)),
        OPTIMIZERS,
    ),
    "Adam without bias correction": (
        lambda patch: patch.setattr(nn.Adam, "start", uncorrected),
        OPTIMIZERS,
    ),
    "He with 1/n": (
        lambda patch: patch.setitem(nn.INITIALIZERS, "he", nn.xavier),
        [lambda: tests.test_initializer_has_its_variance("he", "normal")],
    ),
    "ReLU' of the wrong sign": (activation("relu", negative_slope), GRADIENT),
    "ReLU' left out": (activation("relu", lambda delta, a: None), GRADIENT),
    "L2 left out of the gradient": (gradient(lambda n, right, x, y, l2: right(0.0)), GRADIENT),
    "L2 twice": (gradient(lambda n, right, x, y, l2: right(2 * l2)), GRADIENT),
    "L2's m the batch's": (
        gradient(lambda n, right, x, y, l2: right(l2 * 60 / len(x))),
        GRADIENT,
    ),
    "L2 on the biases": (gradient(penalized_biases), GRADIENT),
    "the mean's 1/m missing": (gradient(no_mean), GRADIENT),
    "the output's slope missing": (gradient(cross_entropy), GRADIENT),
    "the gradient added to the last": (gradient(accumulated), GRADIENT),
    "one order for every seed": (training(seed=0), ORDER),
    "the last, smaller batch dropped": (last_batch_dropped, LOOP),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_tests_catch(bug, monkeypatch):
    plant, tests_of_it = BUGS[bug]
    for test in tests_of_it:
        test()  # green without the bug
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        for test in tests_of_it:
            test()
