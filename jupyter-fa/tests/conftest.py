"""The sample notebook, exported once with the commands that people type."""

import os
import subprocess
import sys

import pytest
import sample


def nbconvert(*arguments, cwd, check=True, **environment):
    """Run `jupyter nbconvert` with the configuration that the installed package brings."""
    fresh = {"JUPYTER_CONFIG_DIR": str(cwd / "config"), "JUPYTER_DATA_DIR": str(cwd / "data")}
    return subprocess.run(
        [sys.executable, "-m", "jupyter", "nbconvert", *arguments],
        cwd=cwd,
        env={**os.environ, "JUPYTER_FA_FONT": "", **fresh, **environment},
        check=check,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with the sample notebook and its HTML."""
    path = tmp_path_factory.mktemp("exports")
    sample.write(path / "sample.ipynb")
    nbconvert("--to", "html", "sample.ipynb", cwd=path)
    return path


@pytest.fixture(scope="session")
def page(folder):
    """The exported page."""
    return (folder / "sample.html").read_text(encoding="utf-8")
