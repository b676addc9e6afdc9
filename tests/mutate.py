"""Mutation testing of nn_core.py: change it in hundreds of small ways; the unit tests must notice.

    python tests/mutate.py [FOLDER]

Copies the core and its unit tests to FOLDER (default: build/mutation) and runs mutmut there, so
the tree stays as it is. A second run goes on from where the first was stopped. The survivors are
discussed in MUTANTS.md. Fails if fewer than 96 % are caught.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ["plain.py", "test_nn_core.py", "test_arguments.py", "test_properties.py", "test_sweep.py"]
GOAL = 0.96
SETTINGS = """\
[tool.pytest.ini_options]
pythonpath = ["."]
filterwarnings = ["error"]

[tool.mutmut]
source_paths = ["nn_core.py"]
pytest_add_cli_args_test_selection = ["tests/"]
also_copy = ["nn_support"]
"""


def undecorated(core):
    """The same module, its public functions decorated at its end; mutmut leaves others alone."""
    decorated = re.compile(r"^( *)@_quiet\n(?= *def (?!_)(\w+))", re.MULTILINE)
    names = [("MLP." if indent else "") + name for indent, name in decorated.findall(core)]
    return decorated.sub("", core) + "".join(f"{name} = _quiet({name})\n" for name in names)


def prepare(folder):
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    core = (ROOT / "nn_core.py").read_text(encoding="utf-8")
    (folder / "nn_core.py").write_text(undecorated(core), encoding="utf-8")
    shutil.copytree(ROOT / "nn_support", folder / "nn_support", dirs_exist_ok=True)
    for name in TESTS:
        shutil.copy2(ROOT / "tests" / name, folder / "tests" / name)
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def mutmut(*arguments, folder):
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [Path(sys.executable).with_name("mutmut"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=os.environ | one_thread, text=True, stdout=subprocess.PIPE
    ).stdout


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "mutation").resolve()
    prepare(folder)
    said = mutmut("run", "--max-children", str(os.cpu_count()), folder=folder)
    lines = mutmut("results", "--all", "true", folder=folder).splitlines()
    states = dict(line.strip().split(": ") for line in lines if ": " in line)
    if not states or "not checked" in states.values():
        sys.exit(f"{said[-5000:]}\nmutmut stopped before the end; run it again")
    print("\n".join(f"{name}: {state}" for name, state in states.items() if state != "killed"))
    caught = sum(state in ("killed", "timeout") for state in states.values())
    print(f"{caught} of {len(states)} mutants caught: {caught / len(states):.1%}")
    sys.exit(caught < GOAL * len(states))


if __name__ == "__main__":
    main()
