"""sweep: the same numbers however the runs are spread, and clear errors when one fails."""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import plain
import pytest

import nn_core as nn

DATA = plain.small_data(m=300)
NUMBERS = [
    "train_loss",
    "test_loss",
    "train_accuracy",
    "test_accuracy",
    "penalty",
    "gradient_norm",
    "step_loss",
    "theta",
]


def norm(net, x):
    return {"norm": np.linalg.norm(net.theta)}


def study(**changes):
    values = {
        "sizes": (6, 12, 5, 1),
        "activation": "relu",
        "init": "he",
        "optimizer": nn.Adam(0.01),
        "epochs": 2,
        "batch_size": 16,
        "l2": 0.1,
        "probe": norm,
    }
    values |= changes
    return {
        "ReLU": nn.Experiment(**values),
        "tanh, SGD": nn.Experiment(
            **values | {"activation": "tanh", "optimizer": nn.GradientDescent(0.1)}
        ),
    }


@pytest.fixture(scope="module")
def alone():
    """The runs one after another, in this process."""
    return {
        name: nn.History.stack([e.run(DATA, seed) for seed in (0, 3)])
        for name, e in study().items()
    }


def assert_same_numbers(ours, expected):
    assert list(ours) == list(expected)
    for name, history in ours.items():
        for field in NUMBERS:
            np.testing.assert_array_equal(getattr(history, field), getattr(expected[name], field))
        np.testing.assert_array_equal(history.probes["norm"], expected[name].probes["norm"])
        assert history.diverged_at == expected[name].diverged_at


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_gives_the_same_numbers(alone, workers):
    assert_same_numbers(nn.sweep(study(), DATA, seeds=[0, 3], workers=workers), alone)


def test_the_environment_may_set_the_number_of_workers(alone, monkeypatch):
    monkeypatch.setenv("SWEEP_WORKERS", "3")
    assert_same_numbers(nn.sweep(study(), DATA, seeds=[0, 3]), alone)
    for wrong in ("many", "-1", "0", "1.5"):
        monkeypatch.setenv("SWEEP_WORKERS", wrong)
        with pytest.raises(ValueError, match=f"{wrong}.*allowed: a whole number, 1 or more"):
            nn.sweep(study(), DATA, seeds=[0])


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_every_start_method_gives_the_same_numbers(alone, method):
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        assert_same_numbers(nn.sweep(study(), DATA, seeds=[0, 3], workers=2), alone)
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_threads_as_executor(alone):
    with concurrent.futures.ThreadPoolExecutor(3) as executor:
        assert_same_numbers(nn.sweep(study(), DATA, [0, 3], executor), alone)


def test_processes_from_outside_as_executor(alone):
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        assert_same_numbers(nn.sweep(study(), DATA, [0, 3], executor=executor), alone)


def test_the_longest_runs_begin_first():
    class Listener(concurrent.futures.ThreadPoolExecutor):
        def submit(self, function, experiment, *rest):
            begun.append(experiment)
            return super().submit(function, experiment, *rest)

    begun = []
    one = study()["ReLU"]
    experiments = {
        "short": one,
        "whole set": dataclasses.replace(one, batch_size=None),
        "stochastic": dataclasses.replace(one, batch_size=1),
        "wide": dataclasses.replace(one, sizes=(6, 900, 100, 1)),
        "many epochs": dataclasses.replace(one, epochs=7),
    }
    with Listener(2) as executor:
        runs = nn.sweep(experiments, DATA, [0, 1], executor)
    names = ["stochastic", "wide", "many epochs", "short", "whole set"]
    assert begun == [experiments[name] for name in names for _ in range(2)]
    assert list(runs) == list(experiments)


def test_the_seed_axis_leads_and_five_seeds_are_the_default():
    runs = nn.sweep({"one": study(epochs=1)["ReLU"]}, DATA)
    assert runs["one"].train_loss.shape == (5, 2)
    assert runs["one"].theta.shape == (5, 6 * 12 + 12 * 5 + 5 + 12 + 5 + 1)
    assert runs["one"].diverged_at == (None,) * 5
    np.testing.assert_array_equal(runs["one"].theta[3], study(epochs=1)["ReLU"].run(DATA, 3).theta)


def blas_threads(net, x):
    from threadpoolctl import threadpool_info

    pools = [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]
    return {"threads": max(pools)}


@pytest.mark.parametrize("executor", [None, concurrent.futures.ThreadPoolExecutor])
def test_one_blas_thread_each_and_the_callers_are_given_back(executor):
    from threadpoolctl import threadpool_limits

    experiments = study(probe=blas_threads)
    with threadpool_limits(2):
        if executor is None:
            runs = nn.sweep(experiments, DATA, seeds=[0, 1], workers=2)
        else:
            with executor(4) as threads:
                runs = nn.sweep(experiments, DATA, seeds=range(4), executor=threads)
        assert blas_threads(None, None)["threads"] == min(2, os.cpu_count())
    for history in runs.values():
        assert (history.probes["threads"] == 1).all()


def test_sweeps_at_once_in_threads_give_blas_its_threads_back():
    from threadpoolctl import threadpool_limits

    second_is_running, first_is_over = threading.Event(), threading.Event()

    def until_the_second_runs(net, x):
        assert second_is_running.wait(30)
        return blas_threads(net, x)

    def until_the_first_is_over(net, x):
        second_is_running.set()
        assert first_is_over.wait(30)
        return blas_threads(net, x)

    def run(probe, executor):
        return nn.sweep({"one": study(probe=probe)["ReLU"]}, DATA, [0], executor)["one"]

    threads = concurrent.futures.ThreadPoolExecutor
    with threadpool_limits(2), threads(2) as callers, threads(1) as some, threads(1) as others:
        first = callers.submit(run, until_the_second_runs, some)
        time.sleep(0.2)
        second = callers.submit(run, until_the_first_is_over, others)
        histories = [first.result(60)]
        first_is_over.set()
        histories.append(second.result(60))
        assert blas_threads(None, None)["threads"] == min(2, os.cpu_count())
    for history in histories:
        assert (history.probes["threads"] == 1).all()


class Alike(str):
    def __repr__(self):
        return "alike"


def test_names_that_look_alike_keep_their_own_runs():
    names, experiments = [Alike("one"), Alike("two")], study().values()
    runs = nn.sweep(dict(zip(names, experiments)), DATA, seeds=[0, 3], workers=2)
    for name, experiment in zip(names, experiments):
        np.testing.assert_array_equal(runs[name].theta[1], experiment.run(DATA, 3).theta)


def test_a_diverging_run_is_a_result():
    runs = nn.sweep(study(optimizer=nn.GradientDescent(1e30)), DATA, seeds=[0, 1], workers=2)
    assert all(at is not None for at in runs["ReLU"].diverged_at)
    assert runs["tanh, SGD"].diverged_at == (None, None)


class BreaksSeedThree:
    def start(self, theta):
        broken = theta[0] == nn.MLP((6, 12, 5, 1), seed=3).theta[0]
        return nn.GradientDescent(1e30 if broken else 0.01).start(theta)


@pytest.mark.parametrize("seeds", [(3, 1), (1, 3)])
def test_a_run_that_diverges_before_its_rows_leaves_the_others_theirs(seeds):
    some = study(optimizer=BreaksSeedThree(), epochs=4, late=1)
    run = nn.sweep({"ReLU": some["ReLU"]}, DATA, seeds, workers=2)["ReLU"]
    diverged = [at is not None for at in run.diverged_at]
    assert diverged == [seed == 3 for seed in seeds]
    np.testing.assert_array_equal(np.isnan(run.probes["norm"][:, -1]), diverged)


# when something goes wrong ----------------------------------------------------------------------


def fail_on_two(net, x):
    if net.theta[0] == nn.MLP(net.sizes, seed=2).theta[0]:
        raise ArithmeticError("the probe is unwell")
    return {}


def die(net, x):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("executor", [None, concurrent.futures.ThreadPoolExecutor])
def test_an_error_names_experiment_and_seed(executor):
    experiments = {"well": study()["ReLU"], "unwell": study(probe=fail_on_two)["ReLU"]}
    made = executor(2) if executor else None
    with pytest.raises(RuntimeError, match=r"'unwell', seed 2: .*the probe is unwell") as caught:
        nn.sweep(experiments, DATA, seeds=[1, 2, 3], executor=made)
    assert isinstance(caught.value.__cause__, ArithmeticError)
    if made:
        made.shutdown()


def test_data_that_do_not_fit_name_experiment_and_seed():
    experiments = {"too wide": study(sizes=(7, 3, 1))["ReLU"]}
    with pytest.raises(
        RuntimeError, match=r"'too wide', seed 4: data\.x_train\.shape is \(300, 6\).*7"
    ):
        nn.sweep(experiments, DATA, seeds=[4])


def test_a_killed_worker_is_a_clear_error_and_no_hang():
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"'ReLU', seed.*worker process died"):
        nn.sweep({"ReLU": study(probe=die)["ReLU"]}, DATA, seeds=range(6), workers=2)
    assert time.monotonic() - start < 60
    assert not multiprocessing.active_children()


def test_after_an_error_no_worker_is_left():
    with pytest.raises(RuntimeError):
        nn.sweep(study(probe=fail_on_two), DATA, seeds=range(2, 10), workers=2)
    assert not multiprocessing.active_children()


def test_after_an_interrupt_no_further_run_begins_in_an_executor():
    begun = []

    def interrupt(net, x):
        if not begun:
            os.kill(os.getpid(), signal.SIGINT)
        begun.append(net)
        time.sleep(0.1)
        return {}

    experiments = {"one": study(epochs=1, probe=interrupt)["ReLU"]}
    with concurrent.futures.ThreadPoolExecutor(1) as executor, pytest.raises(KeyboardInterrupt):
        nn.sweep(experiments, DATA, range(20), executor)
    assert len(begun) < 20


class Strange(Exception):
    """Can be sent, but not received."""

    def __init__(self, what, where):
        super().__init__(f"{what} in {where}")


class Bound(Exception):
    """Can't be sent."""

    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


FAILURES = {  # what a probe raises: what the message says
    "bare assert": (AssertionError(), "AssertionError"),
    "no memory": (MemoryError(), "MemoryError"),
    "key": (KeyError("weights"), "KeyError: 'weights'"),
    "no words": (ValueError(), "ValueError"),
    "refusal": (ValueError("lr is -1; allowed: 0 or more"), "lr is -1; allowed: 0 or more"),
    "strange": (Strange("a mouse", "the machine"), "Strange: a mouse in the machine"),
    "bound": (Bound("a lock is in it"), "Bound: a lock is in it"),
    "exit": (SystemExit(3), "SystemExit: 3"),
}


class Fail:
    def __init__(self, name):
        self.name = name

    def __call__(self, net, x):
        raise FAILURES[self.name][0]


@pytest.mark.parametrize("executor", [None, "ThreadPoolExecutor", "ProcessPoolExecutor"])
@pytest.mark.parametrize("name", FAILURES)
def test_any_error_says_what_it_is(name, executor):
    experiments = {"unwell": study(probe=Fail(name))["ReLU"]}
    made = getattr(concurrent.futures, executor)(1) if executor else None
    with pytest.raises(RuntimeError) as caught:
        nn.sweep(experiments, DATA, [4], made, workers=1)
    if made:
        made.shutdown()
    error, said = FAILURES[name]
    told = str(caught.value)
    assert told.startswith("experiment 'unwell', seed 4: ") and told.endswith(said)
    assert "process died" not in told
    travels = name not in ("strange", "bound")
    assert isinstance(caught.value.__cause__, type(error) if travels else RuntimeError)


class Returns:
    def __init__(self, *values):
        self.values = values

    def __call__(self, net, x):
        self.values = *self.values[1:], self.values[0]
        return self.values[-1]


@pytest.mark.parametrize(
    "values, said",
    [
        ((None,), "what the probe returns is None; allowed: {name: …}"),
        (({"a": 1}, 5), "what the probe returns is 5; allowed: {name: …}"),
        (
            ({"a": "text"},),
            "the probe's 'a' is 'an array of <U4 and shape ()'; allowed: an array of",
        ),
        (({"a": [1, 2]}, {"a": [1, 2, 3]}), "the probe's 'a' is an array of shape (3,) and dtype"),
    ],
)
def test_a_probe_that_returns_no_numbers_is_told_what_to_return(values, said):
    experiments = {"unwell": study(probe=Returns(*values))["ReLU"]}
    with pytest.raises(RuntimeError) as caught:
        nn.sweep(experiments, DATA, [4], workers=1)
    assert str(caught.value).startswith(f"experiment 'unwell', seed 4: {said}")


class OtherWithSeedTwo:
    """Another name with seed 2, another shape with seed 3."""

    result = None

    def __call__(self, net, x):
        if self.result is None:  # the first row, when the weights are those of the seed
            seeds = [s for s in (2, 3) if net.theta[0] == nn.MLP(net.sizes, seed=s).theta[0]]
            self.result = {"other" if 2 in seeds else "one": np.zeros(2 if 3 in seeds else 1)}
        return self.result


@pytest.mark.parametrize("seed, said", [(2, "'other': (1,)"), (3, "'one': (2,)")])
def test_a_probe_that_differs_with_the_seed_is_found_and_nothing_is_lost(seed, said):
    experiments = {"unwell": study(epochs=1, probe=OtherWithSeedTwo())["ReLU"]}
    with pytest.raises(RuntimeError, match="experiment 'unwell', seed ") as caught:
        nn.sweep(experiments, DATA, [1, seed, 4], workers=1)
    assert f"seed {seed}" in str(caught.value) and "seed 1" in str(caught.value)
    assert said in str(caught.value) and "{'one': (1,)}" in str(caught.value)
    assert {("unwell", 1), ("unwell", seed)} <= set(caught.value.runs)
    expected = experiments["unwell"].run(DATA, 1)
    np.testing.assert_array_equal(caught.value.runs["unwell", 1].theta, expected.theta)


def test_a_probe_that_differs_is_found_before_all_have_ended():
    begun = []

    def differs(net, x):
        begun.append(net)
        time.sleep(0.02)
        return {"one": np.zeros(1 + (len(begun) > 2))}

    experiments = {"one": study(epochs=1, probe=differs)["ReLU"]}
    differing = pytest.raises(RuntimeError, match="the probe's names and shapes")
    with concurrent.futures.ThreadPoolExecutor(1) as executor, differing:
        nn.sweep(experiments, DATA, range(20), executor)
    assert len(begun) < 40


def test_what_had_ended_before_an_error_is_kept():
    experiments = {"unwell": study(probe=fail_on_two)["ReLU"]}
    with pytest.raises(RuntimeError) as caught:
        nn.sweep(experiments, DATA, seeds=[1, 2], workers=1)
    assert list(caught.value.runs) == [("unwell", 1)]


@pytest.mark.parametrize("seeds, said", [(3, "range(3)"), (np.int64(4), "range(4)"), (-1, "range")])
def test_a_number_of_seeds_is_told_what_to_write(seeds, said):
    with pytest.raises(ValueError, match=r"seeds is .*: whole numbers, as in") as caught:
        nn.sweep(study(), DATA, seeds)
    assert said in str(caught.value)


SCRIPT = """
    import multiprocessing, sys
    import numpy as np
    import nn_core as nn

    x = np.linspace(0, 1, 40).reshape(20, 2)
    y = (np.arange(20) % 2).reshape(20, 1)
    experiment = nn.Experiment((2, 3, 1), "tanh", "xavier", nn.Adam(0.1), 1, 8)

    def main():
        multiprocessing.set_start_method({method!r}, force=True)
        data = nn.Dataset(x, y, x, y, "made up")
        print(nn.sweep({{"one": experiment}}, data, range(2), workers=2)["one"].theta.sum())

    {call}
"""


def run_script(tmp_path, method, call):
    script = tmp_path / "study.py"
    script.write_text(textwrap.dedent(SCRIPT.format(method=method, call=call)), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(nn.__file__).parent)}
    return subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_script_works_with_fork_and_with_spawn(tmp_path):
    results = [
        run_script(tmp_path, method, 'if __name__ == "__main__": main()')
        for method in ("fork", "spawn")
    ]
    assert [r.stderr for r in results] == ["", ""]
    assert results[0].stdout == results[1].stdout != ""


def test_a_script_without_the_guard_is_told_of_it(tmp_path):
    result = run_script(tmp_path, "spawn", "main()")
    assert result.returncode != 0
    # Python's resource tracker may have its say about the dead workers afterwards.
    told = [line for line in result.stderr.splitlines() if line.startswith("RuntimeError: experim")]
    assert told and 'if __name__ == "__main__":' in told[-1]
