"""Every public argument refuses what it can't use: its name, the value and what is allowed."""

import re
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import plain
import pytest

import nn_core as nn

DATA = plain.small_data()
X, Y = DATA.x_train, DATA.y_train
NAN = float("nan")
NARROW = np.uint8(200), np.uint8(5)
ADAM = nn.Adam(0.1)
RNG = np.random.default_rng(0)
EXPERIMENT = nn.Experiment((6, 3, 1), "tanh", "xavier", nn.Momentum(0.1), 1, 8)


def net():
    return nn.MLP([6, 3, 1])


def mlp(**bad):
    return lambda: nn.MLP(**{"sizes": [6, 3, 1], **bad})


def train(**bad):
    arguments = {"net": net(), "data": DATA, "optimizer": nn.Momentum(0.1), "epochs": 1, **bad}
    return lambda: nn.train(**arguments)


def data(**bad):
    return train(data=DATA._replace(**bad))


def experiment(**bad):
    values = vars(EXPERIMENT) | bad
    return lambda: nn.Experiment(**values)


def sweep(**bad):
    arguments = {"experiments": {"one": EXPERIMENT}, "data": DATA, "seeds": [0], **bad}
    return lambda: nn.sweep(**arguments)


def start(theta, optimizer=ADAM):
    return lambda: optimizer.start(theta)


def step(optimizer, grad):
    return lambda: optimizer.start(np.zeros(3))(grad)


def spoiled(array, value):
    array = array.copy()
    array[4, 0] = value
    return array


def narrow(z):
    return np.tanh(z).astype(np.float32)


def buffered(z, memory={}):  # noqa: B006, the fault itself
    return np.tanh(z, out=memory.setdefault(z.dtype, np.empty_like(z)))


# (what is called, what the message must contain, in this order)
REFUSED = [
    (mlp(sizes=[6]), "sizes", "(6,)", "at least an input and an output"),
    (mlp(sizes=[]), "sizes", "()", "at least"),
    (mlp(sizes=5), "sizes", "5", "a sequence"),
    (mlp(sizes="64"), "sizes", "'64'", "a sequence"),
    (mlp(sizes=None), "sizes", "None", "a sequence"),
    (mlp(sizes={6, 3, 1}), "sizes", "{", "a sequence"),
    (mlp(sizes=frozenset({6, 1})), "sizes", "frozenset", "a sequence"),
    (mlp(sizes={6: 3, 3: 1}), "sizes", "{6: 3, 3: 1}", "a sequence"),
    (mlp(sizes=b"abc"), "sizes", "b'abc'", "a sequence"),
    (mlp(sizes=bytearray(b"abc")), "sizes", "bytearray", "a sequence"),
    (mlp(sizes=[6, 0, 1]), "every entry of sizes", "0", "1 or more"),
    (mlp(sizes=[6, -3, 1]), "every entry of sizes", "-3", "1 or more"),
    (mlp(sizes=[6, 2.5, 1]), "every entry of sizes", "2.5", "a whole number"),
    (mlp(sizes=[6, "3", 1]), "every entry of sizes", "'3'", "a whole number"),
    (mlp(sizes=[6, True, 1]), "every entry of sizes", "True", "a whole number"),
    (mlp(activation="swish"), "activation", "'swish'", "identity, sigmoid, tanh, relu, leaky_relu"),
    (mlp(activation=None), "activation", "None", "identity, sigmoid", "or an Activation"),
    (mlp(activation=np.tanh), "activation", "tanh", "or an Activation"),
    (mlp(activation=["relu"]), "activation", "['relu']", "identity, sigmoid"),
    (mlp(init="glorot"), "init", "'glorot'", "zeros, small, large, xavier, he"),
    (mlp(init=0), "init", "0", "zeros, small"),
    (mlp(distribution="cauchy"), "distribution", "'cauchy'", "normal, uniform"),
    (mlp(init="zeros", distribution="cauchy"), "distribution", "'cauchy'", "normal, uniform"),
    (mlp(dtype=np.int32), "dtype", "int32", "float32", "float64"),
    (mlp(dtype=np.float16), "dtype", "float16", "float32", "float64"),
    (mlp(dtype="double precision"), "dtype", "'double precision'", "float32", "float64"),
    (mlp(dtype=None), "dtype", "None", "float32", "float64"),
    (mlp(seed=-1), "seed", "-1", "0 or more"),
    (mlp(seed=1.5), "seed", "1.5", "whole number"),
    (mlp(seed=None), "seed", "None", "whole number", "Generator"),
    (mlp(seed=True), "seed", "True", "whole number"),
    (lambda: nn.INITIALIZERS["he"](2, 3, RNG, "Normal"), "distribution", "'Normal'", "normal"),
    (lambda: nn.INITIALIZERS["he"](2, 3, RNG, None), "distribution", "None", "normal"),
    (lambda: net().forward(X[0]), "x.shape", "(6,)", "(m, 6)"),
    (lambda: net().forward(X[:, :5]), "x.shape", "(50, 5)", "(m, 6)"),
    (lambda: net().forward(X[:0]), "x.shape", "(0, 6)", "non-empty"),
    (lambda: net().forward(X[None]), "x.shape", "(1, 50, 6)", "(m, 6)"),
    (lambda: net().forward(spoiled(X, NAN)), "x is", "NaN", "finite"),
    (lambda: net().forward(spoiled(X, np.inf)), "x is", "infinite", "finite"),
    (lambda: net().forward(spoiled(X.astype(float), 1e300)), "x is", "infinite", "finite"),
    (lambda: net().forward("images"), "x is", "numbers"),
    (lambda: net().forward([[1, 2], [3]]), "x is", "numbers"),
    (lambda: net().forward(None), "x", "()", "(m, 6)"),
    (lambda: net().forward({"a": 1}), "x is", "numbers"),
    (lambda: net().forward(X + 1j), "x is", "complex", "(m, 6)", "real numbers"),
    (lambda: net().forward(X.astype("<U9")), "x is", "<U", "real numbers"),
    (lambda: net().forward(X.astype("M8[s]")), "x is", "datetime64", "real numbers"),
    (lambda: net().forward(X.astype(object)), "x is", "object", "real numbers"),
    (lambda: net().forward(np.ma.masked_less(X, 0)), "x is", "masked", "without a mask"),
    (lambda: net().loss(X, np.ma.masked_equal(Y, 0)), "y is", "masked", "without a mask"),
    (lambda: net().activations(X[:, :5]), "x.shape", "(50, 5)", "(m, 6)"),
    (lambda: net().loss(X[:, :5], Y), "x.shape", "(50, 5)", "(m, 6)"),
    (lambda: net().loss(X, Y.ravel()), "y.shape", "(50,)", "(50, 1)", "y.reshape(-1, 1)"),
    (data(y_test=DATA.y_test.ravel()), "data.y_test.shape", "data.y_test.reshape(-1, 1)"),
    (lambda: net().loss(X, Y[:9]), "y.shape", "(9, 1)", "(50, 1)"),
    (lambda: net().loss(X, spoiled(Y, 2)), "y is", "2.0", "0 and 1"),
    (lambda: net().loss(X, spoiled(Y, 0.5)), "y is", "0.5", "0 and 1"),
    (lambda: net().loss(X, spoiled(Y, NAN)), "y is", "nan", "0 and 1"),
    (lambda: net().loss(X, "labels"), "y is", "numbers"),
    (lambda: net().loss(X, Y, l2=-1), "l2", "-1", "[0, inf)"),
    (lambda: net().loss(X, Y, l2=NAN), "l2", "nan", "a number"),
    (lambda: net().loss(X, Y, l2=np.inf), "l2", "inf", "a number"),
    (lambda: net().loss(X, Y, l2="0.1"), "l2", "'0.1'", "a number"),
    (lambda: net().loss(X, Y, l2=True), "l2", "True", "a number"),
    (lambda: net().loss(X, Y, m=0), "m is", "0", "1 or more"),
    (lambda: net().loss(X, Y, m=2.0), "m is", "2.0", "a whole number"),
    (lambda: net().loss_and_gradient(X, Y, m=-4), "m is", "-4", "1 or more"),
    (lambda: net().loss_and_gradient(X, Y[:3]), "y.shape", "(3, 1)", "(50, 1)"),
    (lambda: net().accuracy(X, spoiled(Y, -1)), "y is", "-1.0", "0 and 1"),
    (lambda: net().loss(X, Y, l2=10**400), "l2", "10", "a number in [0, inf)"),
    (lambda: nn.GradientDescent(Fraction(1, 10**400)), "lr", "Fraction", "(0, inf)"),
    (lambda: nn.GradientDescent(Decimal("1e-400")), "lr", "Decimal", "(0, inf)"),
    (lambda: nn.GradientDescent(Decimal("sNaN")), "lr", "Decimal", "(0, inf)"),
    (lambda: nn.GradientDescent(10**400), "lr", "1000", "(0, inf)"),
    (lambda: nn.GradientDescent(np.longdouble("1e-4000")), "lr", "longdouble", "(0, inf)"),
    (lambda: nn.Momentum(0.1, Fraction(10**30 - 1, 10**30)), "beta", "Fraction", "[0, 1)"),
    (lambda: nn.Momentum(0.1, np.longdouble(1) - np.longdouble("1e-18")), "beta", "[0, 1)"),
    (start(np.zeros(3, np.float32), nn.RMSprop(0.1, eps=1e-50)), "eps", "1e-50", "float32"),
    (start(np.zeros(3, np.float32), nn.Adam(0.1, eps=1e-26)), "eps", "1e-26", "float32", "(1.17"),
    (start(np.zeros(3, np.float32), nn.Adam(1e-60)), "lr", "1e-60", "float32", "(0, inf)"),
    (start(np.zeros(3, np.float32), nn.Adam(1e60)), "lr", "1e+60", "float32", "(0, inf)"),
    (start(np.zeros(3, np.float32), nn.Momentum(0.1, 1 - 1e-9)), "beta", "float32", "[0, 1)"),
    (train(optimizer=nn.Adam(0.1, eps=1e-50)), "eps", "1e-50", "float32"),
    (lambda: nn.GradientDescent(0), "lr", "0", "(0, inf)"),
    (lambda: nn.GradientDescent(-0.1), "lr", "-0.1", "(0, inf)"),
    (lambda: nn.GradientDescent(NAN), "lr", "nan", "a number"),
    (lambda: nn.GradientDescent(np.inf), "lr", "inf", "a number"),
    (lambda: nn.GradientDescent("0.1"), "lr", "'0.1'", "a number"),
    (lambda: nn.GradientDescent(None), "lr", "None", "a number"),
    (lambda: nn.GradientDescent(True), "lr", "True", "a number"),
    (lambda: nn.GradientDescent(0.1, decay=-1), "decay", "-1", "[0, inf)"),
    (lambda: nn.Momentum(0), "lr", "0", "(0, inf)"),
    (lambda: nn.Momentum(0.1, beta=1), "beta", "1", "[0, 1)"),
    (lambda: nn.Momentum(0.1, beta=-0.1), "beta", "-0.1", "[0, 1)"),
    (lambda: nn.RMSprop(0.1, beta=1.5), "beta", "1.5", "[0, 1)"),
    (lambda: nn.RMSprop(0.1, eps=0), "eps", "0", "(0, inf)"),
    (lambda: nn.RMSprop(-1), "lr", "-1", "(0, inf)"),
    (lambda: nn.Adam(0.1, beta1=1), "beta1", "1", "[0, 1)"),
    (lambda: nn.Adam(0.1, beta2=1), "beta2", "1", "[0, 1)"),
    (lambda: nn.Adam(0.1, beta2=NAN), "beta2", "nan", "[0, 1)"),
    (lambda: nn.Adam(0.1, eps=-1e-8), "eps", "-1e-08", "(0, inf)"),
    (start([1.0, 2.0]), "theta", "[1.0", "a NumPy array of float32 or float64"),
    (start(np.arange(3)), "theta", "int64", "a NumPy array of float32 or float64"),
    (start(np.zeros(3, np.float16)), "theta", "float16", "float32 or float64"),
    (start(np.ma.zeros(3)), "theta", "(3,)", "without a mask"),
    (start(np.broadcast_to(0.0, 3)), "theta", "(3,)", "writable"),
    (step(nn.Adam(0.1), np.ones(3, np.int8)), "grad", "int8", "floats"),
    (step(nn.RMSprop(0.1), np.ones(3, object)), "grad", "object", "floats"),
    (step(nn.Momentum(0.1), np.ones(3, complex)), "grad", "complex", "floats"),
    (step(nn.GradientDescent(0.1), np.ma.ones(3)), "grad", "(3,)", "without a mask"),
    (mlp(sizes=np.array(5)), "sizes", "5", "a sequence"),
    (mlp(sizes=(6, 2**63, 1)), "every entry of sizes", "9223", "less than"),
    (mlp(dtype=np.zeros(3)), "dtype", "(3,)", "np.float32"),
    (mlp(seed=-(10**5000)), "seed", "type int", "0 or more"),
    (mlp(activation=nn.Activation(None, None)), "activation", "None", "two functions"),
    (mlp(activation=nn.Activation(print, print)), "activation.apply(z)", "None", "f(z)"),
    (mlp(activation=nn.Activation(np.float64, print)), "activation.apply(z)", "float64", "dtype"),
    (mlp(activation=nn.Activation(np.abs, np.multiply)), "activation.backward", "(2, 3)", "None"),
    (mlp(activation=nn.Activation(narrow, print)), "activation.apply(z)", "float32", "float64"),
    (mlp(activation=nn.Activation(buffered, print)), "activation.apply(z)", "no other call"),
    (mlp(sizes=[2**30, 2**30]), "sizes", "weights"),
    (train(epochs=2**62), "epochs", "a whole number, less than"),
    (data(y_train=Y + 1e-9), "data.y_train", "labels 0 and 1"),
    (lambda: net().forward(deque(np.ma.masked_greater(X, 0.5))), "x", "partly masked"),
    (lambda: nn.load_data(5), "folder", "5", "a path"),
    (lambda: nn.load_data(b"data"), "folder", "b'data'", "a path"),
    (lambda: nn.History.stack([]), "runs", "[]", "one History"),
    (sweep(executor=ThreadPoolExecutor), "executor", "ThreadPoolExecutor", "an Executor"),
    (lambda: net().forward([np.ma.masked_less(x, 0) for x in X]), "x is", "masked", "mask"),
    (lambda: net().loss(X, Y, l2=1e300), "l2", "1e+300", "float32", "[0, inf)"),
    (lambda: net().loss(X, Y, m=10**400), "m is", "1000", "less than"),
    (train(l2=1e39), "l2", "1e+39", "float32", "[0, inf)"),
    (train(epochs=2**63), "epochs", "9223", "less than"),
    (sweep(seeds=np.array(3)), "seeds", "3", "whole numbers"),
    (sweep(experiments={"one": nn.Experiment}), "experiments['one']", "Experiment"),
    (sweep(experiments={"one": SimpleNamespace(run=print)}), "experiments['one']", "run="),
    (start(None), "theta", "None", "a NumPy array of float32 or float64"),
    (step(nn.GradientDescent(0.1), np.zeros(4)), "grad", "(4,)", "(3,)"),
    (step(nn.Momentum(0.1), 1.0), "grad", "1.0", "(3,)"),
    (step(nn.RMSprop(0.1), np.zeros((3, 1))), "grad", "(3, 1)", "(3,)"),
    (step(nn.Adam(0.1), np.zeros(1)), "grad", "(1,)", "(3,)"),
    (train(net="a network"), "net", "str", "MLP"),
    (train(data=None), "data", "NoneType", "x_train, y_train, x_test, y_test"),
    (train(data=(X, Y, X, Y)), "data", "tuple", "x_train"),
    (train(optimizer="adam"), "optimizer", "'adam'", "Adam"),
    (train(optimizer=nn.Adam), "optimizer", "Adam", "start(theta)"),
    (train(epochs=-1), "epochs", "-1", "0 or more"),
    (train(epochs=2.0), "epochs", "2.0", "a whole number"),
    (train(epochs=None), "epochs", "None", "a whole number"),
    (train(late=0), "late", "0", "1 or more"),
    (train(late=2.5), "late", "2.5", "a whole number"),
    (train(batch_size=0), "batch_size", "0", "1 or more"),
    (train(batch_size=-64), "batch_size", "-64", "1 or more"),
    (train(batch_size=64.0), "batch_size", "64.0", "a whole number"),
    (train(batch_size=True), "batch_size", "True", "a whole number"),
    (train(l2=-0.5), "l2", "-0.5", "[0, inf)"),
    (train(seed="five"), "seed", "'five'", "whole number"),
    (train(probe="norm"), "probe", "'norm'", "function"),
    (data(x_train=X[:0], y_train=Y[:0]), "data.x_train.shape", "(0, 6)", "non-empty"),
    (data(x_train=X[:, :3]), "data.x_train.shape", "(50, 3)", "(m, 6)"),
    (data(x_train=spoiled(X, NAN)), "data.x_train", "NaN", "finite"),
    (data(y_train=Y[:-1]), "data.y_train.shape", "(49, 1)", "(50, 1)"),
    (data(y_train=spoiled(Y, 7)), "data.y_train", "7.0", "0 and 1"),
    (data(x_test=X[:0], y_test=Y[:0]), "data.x_test.shape", "(0, 6)", "non-empty"),
    (data(x_test=spoiled(DATA.x_test, -np.inf)), "data.x_test", "infinite", "finite"),
    (data(y_test=spoiled(DATA.y_test, 0.1)), "data.y_test", "0.1", "0 and 1"),
    (experiment(sizes=(6,)), "sizes", "(6,)", "at least"),
    (experiment(activation="gelu"), "activation", "'gelu'", "relu"),
    (experiment(init="ones"), "init", "'ones'", "zeros"),
    (experiment(distribution=1), "distribution", "1", "normal"),
    (experiment(optimizer=0.1), "optimizer", "0.1", "start(theta)"),
    (experiment(epochs="20"), "epochs", "'20'", "a whole number"),
    (experiment(late=-1), "late", "-1", "1 or more"),
    (experiment(batch_size=0), "batch_size", "0", "1 or more"),
    (experiment(l2=NAN), "l2", "nan", "a number"),
    (experiment(probe=3), "probe", "3", "function"),
    (sweep(experiments={}), "experiments", "{}", "at least one"),
    (sweep(experiments=[EXPERIMENT]), "experiments", "[Experiment(", "{name: Experiment}"),
    (sweep(experiments={"one": nn.Adam(0.1)}), "experiments['one']", "Adam", "an Experiment"),
    (sweep(seeds=[]), "seeds", "()", "at least one"),
    (sweep(seeds=3), "seeds", "3", "whole numbers"),
    (sweep(seeds="12"), "seeds", "'12'", "whole numbers"),
    (sweep(seeds=[0, -1]), "every seed", "-1", "0 or more"),
    (sweep(seeds=[0, 2, np.int8(0)]), "seeds", "[0, 2, 0]", "every seed once"),
    (step(nn.Adam(0.1), [0.0, 0.0, 0.0]), "grad", "[0.0", "a NumPy array"),
    (sweep(seeds=[RNG]), "every seed", "Generator", "a whole number"),
    (sweep(data=None), "data", "NoneType", "x_train"),
    (sweep(executor="threads"), "executor", "'threads'", "Executor"),
    (sweep(workers=0), "workers", "0", "1 or more"),
    (sweep(workers=1.5), "workers", "1.5", "a whole number"),
]


@pytest.mark.parametrize("call, words", [(call, words) for call, *words in REFUSED])
def test_refused_with_name_value_and_what_is_allowed(call, words):
    with pytest.raises(ValueError, match="^" + ".*".join(map(re.escape, words))):
        call()


ACCEPTED = [
    mlp(sizes=(6, 1)),
    mlp(sizes=np.array([6, 3, 1])),
    mlp(sizes=range(6, 0, -1)),
    lambda: nn.MLP(iter([6, 1])),
    mlp(dtype="float32"),
    mlp(dtype="float64"),
    mlp(dtype=np.dtype(np.float32)),
    mlp(seed=np.int64(3)),
    mlp(seed=10**5000),
    mlp(seed=np.random.SeedSequence(3)),
    mlp(activation=nn.ACTIVATIONS["tanh"]),
    lambda: nn.Adam(Decimal("0.1")),
    lambda: nn.Adam(0.1, eps=1e-50).start(np.zeros(3)),
    step(nn.Adam(0.1), np.zeros(3, np.float32)),
    lambda: net().forward(np.ma.masked_array(X, mask=False)),
    lambda: net().loss(X, Y, l2=np.float32(0.1), m=np.int64(3)),
    lambda: net().loss(X, Y.astype(bool)),
    lambda: nn.GradientDescent(1, decay=0),
    lambda: nn.Momentum(1e-300, beta=0),
    lambda: nn.Adam(np.float32(0.1), beta1=0, beta2=0),
    train(data=SimpleNamespace(**{name: getattr(DATA, name) for name in DATA._fields[:4]})),
    train(epochs=0),
    train(batch_size=None),
    train(batch_size=10**9),
    train(batch_size=np.int64(8)),
    experiment(sizes=[6, 3, 1]),
    lambda: sweep(seeds=iter([np.int64(0)]), workers=100)(),
    sweep(seeds=[10**5000]),
]


@pytest.mark.parametrize("call", ACCEPTED)
def test_the_edges_of_what_is_allowed_are_accepted(call):
    call()


def rebound(delta, a):
    delta = delta * (1 - a * a)


def test_a_backward_that_leaves_delta_alone_is_told_of_it():
    with pytest.warns(UserWarning, match="must multiply delta in place"):
        mlp(activation=nn.Activation(np.tanh, rebound))()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mlp(activation=nn.Activation(lambda z: z + 3, lambda delta, a: None))()


def test_x_and_y_in_place_of_a_dataset_are_told_of_it_without_the_numbers():
    with pytest.raises(ValueError, match=r"^data is .ndarray.; allowed: a Dataset") as refused:
        nn.train(net(), X, Y)
    assert len(str(refused.value)) < 120


@pytest.mark.parametrize("value", [X, [X, X], list(range(9999)), "a" * 9999])
def test_a_message_prints_no_array(value):
    for call in (mlp(activation=value), mlp(seed=value), train(optimizer=value)):
        with pytest.raises(ValueError) as refused:
            call()
        assert len(str(refused.value)) < 400


def test_nothing_is_changed_by_a_refused_call():
    network = net()
    theta, grad = network.theta.copy(), network.grad.copy()
    for bad in ({"x_test": X[:0]}, {"y_train": spoiled(Y, 3)}):
        with pytest.raises(ValueError):
            nn.train(network, DATA._replace(**bad), nn.Momentum(0.1), 1)
    with pytest.raises(ValueError):
        network.loss_and_gradient(X, spoiled(Y, NAN))
    np.testing.assert_array_equal(network.theta, theta)
    np.testing.assert_array_equal(network.grad, grad)


def test_experiments_refuse_their_arguments_too():
    for bad in ({"epochs": -1}, {"activation": "swish"}, {"sizes": {6, 1}}, {"l2": 10**400}):
        with pytest.raises(ValueError):
            experiment(**bad)()
    with pytest.raises(ValueError, match=r"theta\.shape is \(3,\); allowed: \(25,\)"):
        EXPERIMENT.network(0, np.zeros(3))


def test_narrow_and_exact_numbers_mean_what_they_say():
    network = net()
    expected = network.loss(X, Y, 0.25, 200)
    assert network.loss(X, Y, Fraction(1, 4), np.uint8(200)) == expected  # 2 · 200 > 255
    runs = []
    for lr, epochs, batch, l2 in ((0.5, 200, 5, 0.25), (Fraction(1, 2), *NARROW, Fraction(1, 4))):
        runs.append(nn.train(net(), DATA, nn.Adam(lr), epochs, batch, l2))
    np.testing.assert_array_equal(*(run.theta for run in runs))
    assert runs[1].train_loss.shape == (201,)


def test_an_experiments_sizes_are_a_tuple_so_that_it_can_be_compared_and_hashed():
    one, two = experiment(sizes=[6, 3, 1])(), experiment(sizes=(6, 3, 1))()
    assert one == two and hash(one) == hash(two)
