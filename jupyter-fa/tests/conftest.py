"""The sample notebook, exported once with the commands that people type."""

import pytest
import sample
from exports import nbconvert


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
