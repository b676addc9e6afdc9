"""Exports as people make them, and the fonts of a page."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from nbconvert import HTMLExporter
from traitlets.config import Config


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


def installed():
    """The configuration that the installed package brings."""
    file = Path(sys.prefix, "etc", "jupyter", "jupyter_config.json")
    return Config(json.loads(file.read_text("utf-8")))


def exported(notebook, folder=None, exporter=HTMLExporter, **traits):
    """What an exporter with the installed configuration makes of a notebook in a folder."""
    resources = {"metadata": {"name": "notebook"} | ({"path": str(folder)} if folder else {})}
    made = exporter(config=installed(), **traits)
    return made.from_notebook_node(notebook, resources)[0]


def embedded(css):
    """{family and weight: the font} of the rules in a style sheet or a page."""
    rules = re.findall(r"family: (\S+); font-weight: ([\d ]+);.*?base64,([^\"]+)", css)
    return {
        (family, weight): TTFont(io.BytesIO(base64.b64decode(data)))
        for family, weight, data in rules
    }


def letters_without_a_glyph(page):
    """The letters, digits, marks and signs of a page, formulas apart, that its text fonts lack."""
    soup = BeautifulSoup(page, "html.parser")
    for element in soup.find_all(["math", "style"]):
        element.extract()
    letters = {letter for letter in soup.text if unicodedata.category(letter)[0] in "LMNPS"}
    assert len(letters) > 20
    text = [font for (family, _), font in embedded(page).items() if family == "fa-text"]
    assert text
    return {letter for letter in letters for font in text if ord(letter) not in font.getBestCmap()}
