"""Many independent runs at once: in worker processes, or in any executor; one BLAS thread each."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from threadpoolctl import threadpool_limits
from tqdm import tqdm

import nn_checks as check


def run_all(function, tasks, shared, executor=None, workers=None):
    """{label: function(*arguments, shared)} for tasks {label: arguments}, with a progress bar.

    executor : any concurrent.futures.Executor, with which ``shared`` travels with every task;
        None for ``workers`` processes (default: $SWEEP_WORKERS, or one per core), each of which
        gets it once

    Raises RuntimeError, which starts with the label, for the first task that raises.
    """
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
    threadpool_limits(1)  # for good: a thread that gave it back would change its neighbours
    return function(*arguments, _shared if shared is None else shared)


def cores():
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@contextmanager
def _progress(total):
    """A tqdm bar, in a terminal or under a notebook's cell, of which nothing stays behind."""
    ipython = sys.modules.get("IPython")
    notebook = ipython and hasattr(ipython.get_ipython(), "kernel")
    silent = not (notebook or sys.stderr.isatty())
    try:
        with tqdm(total=total, leave=False, disable=silent, unit="run", mininterval=0.5) as bar:
            yield bar
    finally:
        if notebook:
            ipython.display.clear_output()
