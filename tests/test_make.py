"""The Makefile's environment: made, kept, brought up to date, made again when it is broken.

Python and pip are scripts that write down what they are asked for.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = """#!/bin/sh
echo "python $*" >> asked
case "$*" in *" venv "*)
  case "$*" in *--clear*) rm -rf .venv ;; esac
  mkdir -p .venv/bin
  printf '#!/bin/sh\\nexit 0\\n' > .venv/bin/python
  printf '#!/bin/sh\\necho pip >> asked\\n' > .venv/bin/pip
  chmod +x .venv/bin/*
esac
"""
MADE, KEPT = ["python -m venv --clear .venv", "pip"], []


@pytest.fixture
def make(tmp_path):
    """A function that runs make for the environment; it returns what Python and pip were asked."""
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "jupyter-fa").mkdir()
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)

    def make():
        (tmp_path / "asked").write_text("")
        command = ["make", f"PYTHON={python}", ".venv/ready"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        asked = (tmp_path / "asked").read_text().splitlines()
        return [line for line in asked if " -c " not in line]

    return make


def test_an_environment_is_made_once(make):
    assert make() == MADE
    assert make() == KEPT


def test_other_requirements_bring_it_up_to_date(make, tmp_path):
    make()
    os.utime(tmp_path / "requirements.txt", (2**32, 2**32))
    assert make() == ["pip"]


def remove_python(bin):
    (bin / "python").unlink()
    (bin / "python").symlink_to("/usr/bin/python-of-last-year")


def remove_pip(bin):
    (bin / "python").write_text("#!/bin/sh\nexit 1  # can't import it\n")


@pytest.mark.parametrize("break_it", [remove_python, remove_pip])
def test_a_broken_environment_is_made_again(make, tmp_path, break_it):
    make()
    (tmp_path / ".venv" / "of the old one").touch()
    break_it(tmp_path / ".venv" / "bin")
    assert make() == MADE
    assert make() == KEPT and not (tmp_path / ".venv" / "of the old one").exists()
