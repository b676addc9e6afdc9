"""Cells that are folded or left out: the tags of Jupyter Book and what JupyterLab has collapsed.

A page folds them into `<details>`. A PDF, in which nothing opens, leaves folded code out and shows
folded outputs, text and sections.
"""

import re

HEADING = re.compile(r"\s*(?:<div[^<>]*>\s*)?(?:#{1,6}\s|<h[1-6]\b)")


def fold(cells: list, printed: bool) -> list:
    """Return the cells that are shown; the template folds what `fa_fold` in their metadata names.

    It is "input", "output" or "cell". A heading under which JupyterLab has collapsed its section
    gets the tag `fa-collapsed`.
    """
    shown = []
    for cell in cells:
        tags, collapsed = _tags(cell), cell.metadata.get("jupyter")
        collapsed = collapsed if isinstance(collapsed, dict) else {}
        if "remove-cell" in tags:
            continue
        if "remove-output" in tags and "outputs" in cell:
            cell.outputs = []
        source = "hide-input" in tags or bool(collapsed.get("source_hidden"))
        output = "hide-output" in tags or bool(collapsed.get("outputs_hidden"))
        whole = "hide-cell" in tags or (source and output)
        is_code = cell.cell_type == "code"
        source, output = source or whole, (output or whole) and bool(cell.get("outputs"))
        if "remove-input" in tags or (printed and is_code and source):
            cell.metadata["transient"] = {"remove_source": True}
            source = False
            if is_code and not cell.outputs:
                continue
        if not printed and (source or output):
            both = source and output
            cell.metadata["fa_fold"] = "cell" if both else "input" if source else "output"
        if not printed and cell.metadata.get("jp-MarkdownHeadingCollapsed"):
            if cell.cell_type == "markdown" and HEADING.match(cell.source):
                cell.metadata["tags"] = [*tags, "fa-collapsed"]
        shown.append(cell)
    return shown


def _tags(cell) -> set[str]:
    """Return the tags of a cell; Jupyter Book once wrote them with underscores."""
    tags = cell.metadata.get("tags")
    tags = tags if isinstance(tags, list) else []
    return {str(tag).replace("_", "-") for tag in tags}
