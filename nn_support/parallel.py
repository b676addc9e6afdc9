"""Many independent runs at once: in worker processes, or in any executor; one BLAS thread each.

``threadpoolctl`` and ``tqdm`` are imported where they are used: the core needs NumPy alone.
"""

import multiprocessing
import numbers
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import CancelledError, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from multiprocessing.connection import wait

from nn_support import checks as check
from nn_support.history import History


def sweep(experiments, data, seeds=range(5), executor=None, workers=None):
    """Run every experiment with every seed, in parallel: {name: History with a seed axis}.

    experiments : {name: Experiment}
    seeds : the integers to run; runs that share one share its random draws
    executor : any concurrent.futures.Executor, or None for ``workers`` processes (default:
        $SWEEP_WORKERS, or one per core). ``data`` travels with every task of an executor from
        outside; Dask's users can pass ``client.scatter(data, broadcast=True)`` in its place.

    Every run has one BLAS thread, so the numbers do not depend on the number of workers. The
    longest runs begin first, so that none of them begins last and runs alone. A run that raises
    stops the sweep with a RuntimeError that names the experiment and the seed. That error, or an
    interrupt, has the finished runs in its attribute ``runs``: {(name, seed): History}. In a
    notebook, the progress bar, when it goes, clears what its cell has displayed before.
    With the start methods "spawn" and "forkserver" a script must call this under
    ``if __name__ == "__main__":``.
    """
    check.that(isinstance(experiments, Mapping), "experiments", experiments, "{name: Experiment}")
    check.that(experiments, "experiments", experiments, "at least one experiment")
    for name, e in experiments.items():
        ok = hasattr(e, "run") and hasattr(e, "sizes") and not isinstance(e, type)
        check.that(ok, f"experiments[{name!r}]", e, "an Experiment")
    some = seeds if isinstance(seeds, numbers.Integral) and seeds > 0 else 5
    seeds = check.sequence("seeds", seeds, f"whole numbers, as in range({some})")
    check.that(seeds, "seeds", seeds, "at least one seed")
    seeds = [check.seed("every seed", seed) for seed in seeds]
    check.that(len(set(seeds)) == len(seeds), "seeds", seeds, "every seed once")
    if executor is None:  # else it may stand for data that are on their way
        check.has_four_arrays(data)
    longest_first = sorted(experiments.items(), key=lambda item: -_work(item[1]))
    tasks = {(name, seed): (e, seed) for name, e in longest_first for seed in seeds}
    runs = _run_all(tasks, data, executor, workers)
    return {name: History.stack([runs[name, seed] for seed in seeds]) for name in experiments}


def _work(experiment):
    """About how long a run takes, in multiplications per sample; an update's calls cost 400,000."""
    weights = sum(n_in * n_out for n_in, n_out in pairwise(experiment.sizes))
    updates = 1 / experiment.batch_size if experiment.batch_size else 0
    return experiment.epochs * (weights + 400_000 * updates)


def _run_all(tasks, data, executor, workers):
    """{(name, seed): History} for tasks {(name, seed): (experiment, seed)}."""
    if executor is not None:
        ok = callable(getattr(executor, "submit", None)) and not isinstance(executor, type)
        check.that(ok, "executor", executor, "an Executor")
        futures = {}
        try:
            with one_blas_thread:  # here too, so that threads need not take turns at setting it
                return _collect(futures, tasks, lambda *task: executor.submit(_run, *task, data))
        finally:  # after an error or an interrupt, nothing more begins
            for future in futures:
                future.cancel()
    if workers is None:
        setting = os.environ.get("SWEEP_WORKERS") or str(cores())
        check.that(setting.isdecimal(), "SWEEP_WORKERS", setting, "a whole number, 1 or more")
        workers = int(setting)
    with Workers(min(check.count("workers", workers), len(tasks)), shared=data) as pool:
        return _collect({}, tasks, lambda *task: pool.submit(_run, *task))


def _collect(futures, tasks, submit):
    """Submit all tasks, into ``futures``; their results, or a RuntimeError at the first failure."""
    runs, first = {}, {}
    try:
        for key, task in tasks.items():
            futures[submit(*task)] = key
        with _progress(len(tasks)) as bar:
            for future in as_completed(futures):
                name, seed = key = futures[future]
                label = f"experiment {name!r}, seed {check.shown(seed)}"
                runs[key] = _result(future, label)
                if runs[key].probes or not runs[key].diverged_at:  # else it has no row
                    _refuse_another_shape(label, name, runs[key], first)
                bar.update()
    except BaseException as error:
        error.runs = {
            key: future.result()
            for future, key in futures.items()
            if future.done() and not future.cancelled() and not future.exception()
        }
        raise
    return runs


def _result(future, label):
    try:
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    if isinstance(error, BrokenProcessPool):
        raise RuntimeError(
            f"{label}, or another: a worker process died; a probe must be importable, "
            'and a script must call sweep under if __name__ == "__main__":'
        ) from error
    if error is not None:
        raise RuntimeError(f"{label}: {_told(error)}") from error
    return future.result()


def _refuse_another_shape(label, name, run, first):
    """Raise RuntimeError unless the probe returns what it did in the experiment's first run."""
    shapes = {probe: values.shape[1:] for probe, values in run.probes.items()}
    other, expected = first.setdefault(name, (label, shapes))
    if shapes != expected:
        raise RuntimeError(
            f"{label}: the probe's names and shapes are {shapes}, "
            f"in {other} {expected}; allowed: the same with every seed"
        )


def _told(error):
    """What is wrong in words; with the error's type, unless it is the plain one of a refusal."""
    text = "".join(traceback.format_exception_only(error)).strip()
    return text.removeprefix("ValueError: ").removeprefix("RuntimeError: ")


def _run(experiment, seed, data=None):
    try:
        with one_blas_thread:
            return experiment.run(_shared if data is None else data, seed)
    except BaseException as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it can't travel, but what it says can
            raise RuntimeError(_told(error)) from error
        raise


# ------------------------------------------------------------------ processes and threads

_shared = None  # in a worker: what all its tasks share
_idle = threading.Lock()  # in a worker: held, except during a task


class Workers(ProcessPoolExecutor):
    """Processes that end when this one does, and at once when an error leaves the ``with`` block.

    context : multiprocessing's, default: its own default
    shared : what every task of a sweep needs; each process gets it once

    Ctrl-C is for this process alone.
    """

    def __init__(self, count, context=None, shared=None):
        context = context or multiprocessing.get_context()
        self._hear_end, self._say_end = context.Pipe(duplex=False)
        most = 61 if sys.platform == "win32" else count  # what Windows can wait for at once
        beginning = {"initializer": _begin, "initargs": (self._hear_end, shared)}
        super().__init__(min(count, most), context, **beginning)
        inherited = context.get_start_method() in ("fork", "spawn")
        self._starting = _interrupts_blocked if inherited else nullcontext

    def submit(self, function, *arguments):
        with self._starting():  # a worker is deaf from its first moment
            return super().submit(_task, function, arguments)

    def __exit__(self, error, *_):
        if error:
            self._say_end.send(None)  # nobody reads it: all of them see it
        self.shutdown(cancel_futures=True)
        self._say_end.close()
        self._hear_end.close()


@contextmanager
def _interrupts_blocked():
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(end, shared):
    """In a new worker process: prepare for its tasks and its end."""
    global _shared
    _shared = shared
    _idle.acquire()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a handler inherited from the parent may not end
    one_blas_thread.__enter__()  # for good
    threading.Thread(target=_watch, args=(end,), daemon=True).start()


def _watch(end):
    """End this process when its parent has ended, or when the parent says so.

    A process that was forked at the same moment can keep the sentinel from being seen, so the
    parent's id counts too. What the parent says ends a task only: a result that is on its way
    arrives whole, because the parent would wait for the rest of it.
    """
    parent, above = multiprocessing.parent_process(), os.getppid()
    while parent.is_alive() and os.getppid() == above:
        told = end in wait([end, parent.sentinel], timeout=1)
        if told and _idle.acquire(timeout=0.1):
            break
    os._exit(1)


def _task(function, arguments):
    _idle.release()
    try:
        return function(*arguments)
    finally:
        _idle.acquire()


class _OneBlasThread:
    """While anybody is inside, BLAS has one thread; the last to leave gives back what it had."""

    def __init__(self):
        self.lock, self.inside = threading.Lock(), 0

    def __enter__(self):
        from threadpoolctl import ThreadpoolController

        with self.lock:
            if not self.inside:
                self.libraries = ThreadpoolController()
                self.free_control()
            limits = self.libraries.limit(limits=1)  # by all: OpenMP has a number for each thread
            if not self.inside:
                self.before = limits
            self.inside += 1

    def __exit__(self, *_):
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.free_control()
                self.before.restore_original_limits()
                self.free_control()

    def free_control(self):
        """threadpoolctl obeys one thread alone: after this, the next that asks."""
        for library in self.libraries.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


one_blas_thread = _OneBlasThread()
if hasattr(os, "register_at_fork"):  # the lock may be held by a thread that a child does not have
    os.register_at_fork(after_in_child=one_blas_thread.__init__)


def cores():
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@contextmanager
def _progress(total):
    """A tqdm bar, in a terminal or under a notebook's cell, of which nothing stays behind.

    TQDM_DISABLE=1 in the environment leaves it out.
    """
    from tqdm import tqdm

    ipython = sys.modules.get("IPython")
    notebook = ipython and hasattr(ipython.get_ipython(), "kernel")
    silent = {} if notebook or sys.stderr.isatty() else {"disable": True}
    bar = tqdm(total=total, leave=False, unit="run", mininterval=0.5, **silent)
    shown = not bar.disable
    try:
        with bar:
            yield bar
    finally:
        if notebook and shown:
            ipython.display.clear_output()
