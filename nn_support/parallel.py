"""Many independent runs at once: in worker processes, or in any executor; one BLAS thread each.

``threadpoolctl`` and ``tqdm`` are imported where they are used: the core needs NumPy alone.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import pairwise

from nn_support import checks as check
from nn_support.data import require_dataset
from nn_support.history import History


def sweep(experiments, data, seeds=range(5), executor=None, workers=None):
    """Run every experiment with every seed, in parallel: {name: History with a seed axis}.

    experiments : {name: Experiment}
    seeds : the integers to run; runs that share one share its random draws
    executor : any concurrent.futures.Executor, or None for ``workers`` processes (default: one
        per core). ``data`` travels with every task of an executor from outside; Dask's users can
        pass ``client.scatter(data, broadcast=True)`` in its place.

    Every run has one BLAS thread, so the numbers do not depend on the number of workers. The
    longest runs begin first, lest one of them begin when all others have ended. A run that
    raises stops the sweep with a RuntimeError that names the experiment and the seed. In a
    notebook, the progress bar takes with it what its cell has displayed before.
    With the start methods "spawn" and "forkserver" a script must call this under
    ``if __name__ == "__main__":``.
    """
    check.that(isinstance(experiments, Mapping), "experiments", experiments, "{name: Experiment}")
    check.that(experiments, "experiments", experiments, "at least one experiment")
    for name, e in experiments.items():
        check.that(hasattr(e, "run"), f"experiments[{name!r}]", e, "an Experiment")
    seeds = check.sequence("seeds", seeds, "whole numbers")
    check.that(seeds, "seeds", seeds, "at least one seed")
    seeds = [check.count("every seed", seed, 0) for seed in seeds]
    check.that(len(set(seeds)) == len(seeds), "seeds", seeds, "every seed once")
    if executor is None:  # else it may stand for data that are on their way
        require_dataset(data)
    label = "experiment {!r}, seed {}".format
    longest_first = sorted(experiments.items(), key=lambda item: -_work(item[1]))
    tasks = {label(name, seed): (e, seed) for name, e in longest_first for seed in seeds}
    runs = run_all(_run_one, tasks, data, executor, workers)
    return {name: History.stack([runs[label(name, s)] for s in seeds]) for name in experiments}


def _work(experiment):
    """About how long a run takes, in multiplications per sample; an update's calls cost 400,000."""
    weights = sum(n_in * n_out for n_in, n_out in pairwise(experiment.sizes))
    updates = 1 / experiment.batch_size if experiment.batch_size else 0
    return experiment.epochs * (weights + 400_000 * updates)


def _run_one(experiment, seed, data):
    return experiment.run(data, seed)


def run_all(function, tasks, shared, executor=None, workers=None):
    """{label: function(*arguments, shared)} for tasks {label: arguments}, with a progress bar.

    executor : any concurrent.futures.Executor, with which ``shared`` travels with every task;
        None for ``workers`` processes (default: $SWEEP_WORKERS, or one per core), each of which
        gets it once

    Raises RuntimeError, which starts with the label, for the first task that raises.
    """
    from threadpoolctl import threadpool_limits

    if executor is not None:
        check.that(callable(getattr(executor, "submit", None)), "executor", executor, "an Executor")
        with threadpool_limits(1):  # here too, for its workers may be threads of this process
            return _collect(
                {executor.submit(_run, function, a, shared): k for k, a in tasks.items()}
            )
    if workers is None:
        setting = os.environ.get("SWEEP_WORKERS") or str(cores())
        check.that(setting.isdecimal(), "SWEEP_WORKERS", setting, "a whole number, 1 or more")
        workers = int(setting)
    check.count("workers", workers)
    most = 61 if sys.platform == "win32" else workers  # what Windows can wait for at once
    workers, context = min(workers, len(tasks), most), multiprocessing.get_context()
    pool = ProcessPoolExecutor(workers, context, initializer=_share, initargs=(shared,))
    try:
        return _collect({pool.submit(_run, function, a): k for k, a in tasks.items()})
    finally:
        pool.shutdown(cancel_futures=True)


def _collect(labels):
    """The results of {future: label} under their labels."""
    results = {}
    try:
        with _progress(len(labels)) as bar:
            for future in as_completed(labels):
                label = labels[future]
                try:
                    results[label] = future.result()
                except BrokenProcessPool as error:
                    raise RuntimeError(
                        f"{label}, or another: a worker process died; a probe must be importable, "
                        'and a script must call sweep under if __name__ == "__main__":'
                    ) from error
                except Exception as error:
                    raise RuntimeError(f"{label}: {error}") from error
                bar.update()
    finally:  # after an error or an interrupt, nothing more begins
        for future in labels:
            future.cancel()
    return results


_shared = None  # in a worker process: what all its tasks share


def _share(shared):
    global _shared
    _shared = shared


def _run(function, arguments, shared=None):
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # for good: a thread that gave it back would change its neighbours
    return function(*arguments, _shared if shared is None else shared)


def cores():
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@contextmanager
def _progress(total):
    """A tqdm bar, in a terminal or under a notebook's cell, of which nothing stays behind."""
    from tqdm import tqdm

    ipython = sys.modules.get("IPython")
    notebook = ipython and hasattr(ipython.get_ipython(), "kernel")
    silent = not (notebook or sys.stderr.isatty())
    try:
        with tqdm(total=total, leave=False, disable=silent, unit="run", mininterval=0.5) as bar:
            yield bar
    finally:
        if notebook:
            ipython.display.clear_output()
