"""Write the measured numbers of README.md: ``python notebooks/readme.py``.

A number stands in the README as ``<!--name:.1f-->50.0<!---->``; its value is the finding ``name``
that a committed notebook's claims table carries in its metadata (``Claims.close``).
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SLOT = re.compile(r"<!--(\w+):([^>]*?)-->[^<]*<!---->")


def findings():
    """{name: value} over the committed notebooks."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                found |= output.get("metadata", {}).get("claims", {}).get("findings", {})
    return found


def written(text, found):
    """The README's text with every slot filled."""
    return SLOT.sub(lambda s: f"<!--{s[1]}:{s[2]}-->{found[s[1]]:{s[2]}}<!---->", text)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = written(readme.read_text(encoding="utf-8"), findings())
    readme.write_text(text, encoding="utf-8")
