"""Runs end when they are told to: nothing outlives a script or a kernel, and Ctrl-C is heard once.

Every worker holds a lock on a file of its own while it lives, whoever its parent is by then.
"""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

import nn_core as nn

ROOT = Path(nn.__file__).parent
METHODS = ("fork", "spawn", "forkserver")

LONG_STUDY = """
    import fcntl, multiprocessing, os, threading, time
    import numpy as np
    import nn_core as nn

    def long(net, x):
        name = os.path.join(os.environ["ALIVE"], str(os.getpid()))
        long.file = open(name + ".new", "a")
        fcntl.flock(long.file, fcntl.LOCK_EX)
        os.rename(name + ".new", name)
        open(os.environ["BEGUN"], "a").write("run\\n")
        time.sleep(float(os.environ.get("SECONDS", "600")))
        return {}

    def study(seeds):
        x = np.linspace(0, 1, 40).reshape(20, 2)
        data = nn.Dataset(x, (np.arange(20) % 2).reshape(20, 1), x, np.ones((20, 1)), "made up")
        experiment = nn.Experiment((2, 3, 1), "tanh", "xavier", nn.Adam(0.1), 1, 8, probe=long)
        nn.sweep({"long": experiment}, data, range(seeds), workers=2)

    if __name__ == "__main__":
        multiprocessing.set_start_method(os.environ["METHOD"])
        if "LEAVE" in os.environ:
            left = multiprocessing.Process(target=time.sleep, args=(60,))
            threading.Timer(1, left.start).start()
        study(6)
"""


def eventually(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


class Workers:
    """The processes of LONG_STUDY, wherever it runs."""

    def __init__(self, folder):
        self.folder, self.begun = folder / "alive", folder / "begun"
        self.folder.mkdir()
        script = folder / "long_study.py"
        script.write_text(textwrap.dedent(LONG_STUDY), encoding="utf-8")
        self.script = [sys.executable, str(script)]
        path = os.pathsep.join([str(folder), str(ROOT)])
        ours = {"ALIVE": str(self.folder), "BEGUN": str(self.begun), "PYTHONPATH": path}
        self.environment = os.environ | ours

    def start(self, method, **more):
        """Start the study; return its process, once two workers are at work."""
        environment = self.environment | {"METHOD": method} | more
        script = subprocess.Popen(
            self.script, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.wait_for(2)
        return script

    def alive(self):
        return [int(file.name) for file in self.folder.glob("[0-9]*") if locked(file)]

    def wait_for(self, count=2):
        assert eventually(lambda: len(self.alive()) == count), f"{self.alive()} began"

    def end(self):
        for file in self.folder.glob("[0-9]*[0-9]"):
            if locked(file):
                os.kill(int(file.name), signal.SIGKILL)


def locked(file):
    with file.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.fixture
def workers(tmp_path):
    workers = Workers(tmp_path)
    yield workers
    workers.end()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGHUP"])
def test_workers_end_with_their_script(workers, method, name):
    with workers.start(method) as script:
        script.send_signal(getattr(signal, name))
        assert script.wait(30) == -getattr(signal, name)
        assert eventually(lambda: not workers.alive())
        assert "Traceback" not in script.stderr.read()


def test_workers_end_with_a_script_that_leaves_a_process_behind(workers):
    """It was forked after them, so it holds what they would see the script's end by."""
    with workers.start("fork", LEAVE="1") as script:
        time.sleep(1.5)
        script.kill()
        assert eventually(lambda: not workers.alive())
        os.killpg(script.pid, signal.SIGKILL)


@pytest.mark.parametrize("method", METHODS)
def test_one_interrupt_of_the_script_alone_is_enough(workers, method):
    with workers.start(method) as script:
        script.send_signal(signal.SIGINT)
        _, told = script.communicate(timeout=30)
    assert script.returncode == -signal.SIGINT
    assert told.count("Traceback") == 1
    assert not workers.alive()
    assert workers.begun.read_text() == "run\n" * 2


def in_a_terminal(command, environment):
    """Start a command in a terminal of its own; return its process id and our end of it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)
    return pid, terminal


def what_is_shown(terminal):
    """All that stands in the terminal once its last program has ended."""
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # how Linux says that nobody writes any more
            piece = b""
        if not piece:
            os.close(terminal)
            return shown.decode("utf-8")
        shown += piece


@pytest.mark.parametrize("method", METHODS)
def test_one_ctrl_c_in_a_terminal_is_enough(workers, method):
    pid, terminal = in_a_terminal(workers.script, workers.environment | {"METHOD": method})
    workers.wait_for(2)
    os.write(terminal, b"\x03")
    shown = what_is_shown(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert shown.count("Traceback") == shown.count("KeyboardInterrupt") == 1, shown
    assert not workers.alive()
    assert workers.begun.read_text() == "run\n" * 2


@pytest.fixture
def kernel(workers):
    manager, client = start_new_kernel(env=workers.environment)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_one_interrupt_of_a_notebook_is_enough(workers, kernel):
    manager, client = kernel
    request = client.execute("import long_study; long_study.study(6)")
    workers.wait_for(2)
    manager.interrupt_kernel()
    assert eventually(lambda: not workers.alive())
    while (reply := client.get_shell_msg(timeout=30))["parent_header"]["msg_id"] != request:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert workers.begun.read_text() == "run\n" * 2
    assert client.execute("1 + 1", reply=True, timeout=30)["content"]["status"] == "ok"


def test_workers_end_with_their_kernel(workers, kernel):
    manager, client = kernel
    client.execute("import os, long_study; pid = os.getpid(); long_study.study(6)")
    workers.wait_for(2)
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    assert eventually(lambda: not workers.alive())


@pytest.mark.parametrize("disable, kinds", [("", {"stream", "clear_output"}), ("1", set())])
def test_a_notebooks_bar_can_be_left_out(workers, disable, kinds):
    """For nbval, which would take it for output."""
    environment = workers.environment | {"TQDM_DISABLE": disable, "SECONDS": "0.6"}
    manager, client = start_new_kernel(env=environment)
    received = set()

    def hear(message):
        received.add(message["msg_type"])

    client.execute_interactive("import long_study; long_study.study(2)", output_hook=hear)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert received - {"status", "execute_input"} == kinds
