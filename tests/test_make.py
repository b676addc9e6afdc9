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


TOOLS = ("make", "npm", "pdftotext", "python3", "git", "chromium", "firefox-esr")
WRITES_DOWN = '#!/bin/sh\necho "$(basename $0) $*" >> "$ASKED"\n'


@pytest.fixture
def gate(tmp_path):
    """A function that runs the gate with scripts for tools; it returns what they were asked."""
    folder, tools = tmp_path / "copy", tmp_path / "tools"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")

    def script(file, text=WRITES_DOWN):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def gate(present=TOOLS, user="0"):
        shutil.rmtree(tools, ignore_errors=True)
        for name in (*present, "apt-get"):
            script(tools / name)
        script(tools / "git", "#!/bin/sh\n")  # the tree is as it was
        script(tools / "id", f"#!/bin/sh\necho {user}\n")
        script(tools / "sudo", '#!/bin/sh\necho "sudo" >> "$ASKED"\nexec "$@"\n')
        script(folder / ".venv" / "bin" / "python", f'{WRITES_DOWN}echo "$FASHION_MNIST_DIR"\n')
        for name in ("bash", "sh", "dirname", "basename", "realpath"):
            (tools / name).symlink_to(shutil.which(name))
        environment = {"PATH": str(tools), "ASKED": str(tmp_path / "asked")}
        (tmp_path / "asked").write_text("")
        done = subprocess.run(
            [folder / ".ci" / "run"], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        gate.data = done.stdout.strip()
        return (tmp_path / "asked").read_text().splitlines()

    return gate


def test_the_gate_runs_the_readmes_commands(gate):
    asked = [line for line in gate() if not line.startswith("python3")]
    assert asked[:3] == ["make .venv/ready", "python data/prepare.py --require-real", "make report"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"make report", "make words"} <= set(asked) and "make report" in readme


@pytest.mark.parametrize("user, sudo", [("0", []), ("1000", ["sudo"])])
def test_the_gate_installs_what_is_missing_and_nothing_else(gate, user, sudo):
    asked = gate({"make", "python3", "google-chrome", "npm"}, user)
    update = asked.index("apt-get update -qq")
    assert asked[update - len(sudo) : update] == sudo
    assert "apt-get install -y -qq firefox-esr poppler-utils" in asked
    assert not any("apt-get" in line for line in gate())


def test_the_gate_takes_archives_beside_it_or_lets_them_be_downloaded(gate, tmp_path):
    gate()
    assert gate.data == ""
    (tmp_path / "shared" / "fashion-mnist").mkdir(parents=True)
    gate()
    assert gate.data == str(tmp_path / "shared" / "fashion-mnist")
