"""``python notebooks/build.py`` in a copy of the project with four small notebooks.

It is stopped, killed, started twice, given a full disk. Every process that it starts carries the
name of the copy in its environment, so none is missed.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import build

NOTEBOOKS = Path(build.__file__).parent
QUICK = """
import os, pathlib
figures = pathlib.Path(os.environ["FIGURES_DIR"])
figures.mkdir(exist_ok=True)
(figures / "LEADING.png").write_bytes(b"\\x89PNG\\r\\n\\x1a\\n...IEND\\xaeB`\\x82")
"""
LONG = """
import sys, time
sys.path.insert(0, "..")
from nn_support.parallel import Workers
with Workers(2) as pool:
    list(map(pool.submit, [time.sleep] * 2, [600] * 2))
"""


class Project:
    """A copy of what build.py needs, with notebooks of one cell each."""

    def __init__(self, folder):
        self.folder, self.build = folder, folder / "build"
        (folder / "notebooks").mkdir()
        for file in NOTEBOOKS.glob("*.py"):
            shutil.copy(file, folder / "notebooks")
        for name in ("nn_core.py", "nn_support", "data"):
            (folder / name).symlink_to(NOTEBOOKS.parent / name)

    def write(self, cell):
        for name, figure in build.NOTEBOOKS.items():
            code = new_code_cell(cell.replace("LEADING", figure))
            file = self.folder / "notebooks" / f"{name}.ipynb"
            nbformat.write(new_notebook(cells=[code], metadata={"title": name}), file)

    def start(self, cell, largest=resource.RLIM_INFINITY):
        """Start the build where no browser is found, in a session of its own."""
        self.write(cell)
        (self.folder / "tmp").mkdir(exist_ok=True)
        ours = {"PATH": str(self.folder), "PLAYWRIGHT_BROWSERS_PATH": str(self.folder)}
        ours |= {"TMPDIR": str(self.folder / "tmp"), "PROJECT": str(self.folder)}
        environment = {k: v for k, v in os.environ.items() if k != "FIGURES_DIR"} | ours
        return subprocess.Popen(
            [sys.executable, str(self.folder / "notebooks" / "build.py")],
            **{"env": environment, "start_new_session": True, "text": True},
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)),
        )

    def run(self, cell, **options):
        """(exit code, what it prints, what it prints of errors) of a build that ends by itself."""
        process = self.start(cell, **options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def processes(self):
        """The processes of this project's builds that are alive."""
        return [int(process.name) for process in Path("/proc").glob("[0-9]*") if self.has(process)]

    def has(self, process):
        try:
            return f"PROJECT={self.folder}\0" in (process / "environ").read_text(errors="replace")
        except OSError:  # another user's, or it has just ended
            return False

    def files(self):
        """{name: content} of all that was built."""
        there = [file for file in self.build.rglob("*") if file.is_file() and file.name != ".lock"]
        return {str(file.relative_to(self.build)): file.read_bytes() for file in there}


def eventually(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    yield project
    for process in project.processes():
        os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="module")
def first_build(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("first"))
    assert project.run(QUICK)[0] == 0
    assert {"index.html", "01_activations.html"} <= project.files().keys()
    return project.build


@pytest.fixture
def built(project, first_build):
    """A project that was built before."""
    shutil.copytree(first_build, project.build)
    return project


def at_work(project):
    """The build's process, when two notebooks have two workers each."""
    process = project.start(LONG)
    # The build, two processes that export with the one that counts their locks, two kernels, four.
    assert eventually(lambda: len(project.processes()) >= 8), project.processes()
    return process


@pytest.mark.parametrize(
    "name, send, times",
    # Ctrl-C in a terminal is for all; some people are impatient.
    [("SIGINT", os.kill, 1), ("SIGINT", os.killpg, 3), ("SIGTERM", os.kill, 2)],
)
def test_a_build_that_is_stopped_is_one_line_and_nothing_remains(built, name, send, times):
    before = built.files()
    process = at_work(built)
    for _ in range(times):
        send(process.pid, getattr(signal, name))
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name)
    assert err == "build.py: interrupted; run it again\n"
    assert eventually(lambda: not built.processes(), 5)
    assert built.files() == before
    assert not list((built.folder / "tmp").iterdir()) and not (built.build / ".new").exists()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGHUP"])
def test_all_processes_of_a_killed_build_end_and_the_next_clears_up(built, name):
    before = built.files()
    with at_work(built) as process:
        process.send_signal(getattr(signal, name))
        assert eventually(lambda: not built.processes()), built.processes()
    assert {k: v for k, v in built.files().items() if ".new" not in k} == before
    assert built.run(QUICK)[0] == 0
    assert built.files().keys() == before.keys()


def test_an_interrupt_at_any_moment_is_one_line(project):
    for moment in (0.1, 0.8, 1.5, 2, 3):
        process = project.start(QUICK)
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        if process.returncode == 0:
            break  # it was faster
        assert (process.returncode, err) == (130, "build.py: interrupted; run it again\n")
        assert eventually(lambda: not project.processes(), 5)
        assert not project.files()


def test_two_builds_at_once_take_turns(project):
    first = project.start(QUICK)
    assert eventually((project.build / ".new").exists)
    code, out, err = project.run(QUICK)
    assert (code, err) == (0, "") and f"Waiting for another build in {project.build}" in out
    out, err = first.communicate(timeout=60)
    assert (first.returncode, err) == (0, "") and "Waiting" not in out
    assert len(list((project.build / "figures").iterdir())) == 4


# A page of these notebooks has 110 kB, because fonts are in it, and the index 150.
@pytest.mark.parametrize("largest", [0, 50_000, 130_000])
def test_a_disk_without_room_leaves_the_good_pages(built, largest):
    before = built.files()
    code, _, err = built.run(QUICK, largest=largest)
    assert code == 1
    assert err.splitlines()[-1].startswith("build.py: ") and "Traceback" not in err
    assert built.files() == before


def test_a_figure_not_drawn_is_not_shown_from_last_time(built):
    assert built.run("1 + 1")[0] == 0
    assert "<img" not in built.files()["index.html"].decode()
