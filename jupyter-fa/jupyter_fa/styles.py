"""JupyterLab's style sheet without what a page does not use.

The filter `fa_used`. A rule stays unless each of its selectors asks for a class that no element
has; no script gives one later. A variable stays if something that stays names it.
"""

import re

import tinycss2

SHEET = re.compile(r"(<style[^>]*>)(.*?)(</style>)", re.DOTALL)
CLASSES = re.compile(r"""\bclass=(?:"([^"]*)"|'([^']*)')""")
CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
VARIABLE = re.compile(r"--[A-Za-z][\w-]*")
GROUPS = {"media", "supports"}


def used(sheets: str, page: str) -> str:
    """Return `<style>` elements with the rules and variables that a page uses.

    page : its HTML and its other style sheets
    """
    names = {name for pair in CLASSES.findall(page) for name in " ".join(pair).split()}
    parts = SHEET.split(sheets)  # text, tag, style sheet, tag, text, …
    rules = [list(_rules(tinycss2.parse_stylesheet(css, True, True), names)) for css in parts[2::4]]
    values, named = {}, set(VARIABLE.findall(page))
    for sheet in rules:
        for *_, declarations in sheet:
            for name, value in declarations:
                if name.startswith("--"):
                    values.setdefault(name, []).append(value)
                else:
                    named.update(VARIABLE.findall(value))
    more = named
    while (
        more := {v for n in more for text in values.get(n, ()) for v in VARIABLE.findall(text)}
        - named
    ):
        named |= more
    parts[2::4] = ["".join(_css(sheet, named)) for sheet in rules]
    return "".join(parts)


def _rules(rules: list, names: set[str]):
    """Yield (what comes before, selectors, [(property, value)]) of the rules that stay."""
    for rule in rules:
        if rule.type == "at-rule" and rule.at_keyword in GROUPS:
            group = f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}"
            for _, selectors, declarations in _rules(
                tinycss2.parse_rule_list(rule.content, True, True), names
            ):
                yield group, selectors, declarations
        elif rule.type == "qualified-rule":
            selectors = [
                selector
                for selector in _selectors(rule.prelude)
                if names.issuperset(CLASS.findall(_outside(selector)))
            ]
            declared = tinycss2.parse_blocks_contents(rule.content, True, True)
            pairs = [
                (d.name, tinycss2.serialize(d.value).strip() + " !important" * d.important)
                for d in declared
                if d.type == "declaration"
            ]
            if selectors and pairs:
                yield "", ",".join(selectors), pairs
        elif rule.type == "at-rule":
            block = "" if rule.content is None else tinycss2.serialize(rule.content)
            yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}", "", [("", block)]


def _selectors(prelude: list) -> list[str]:
    """Return the selectors of a list; commas in brackets do not part them."""
    lists = [[]]
    for token in prelude:
        if token == ",":
            lists.append([])
        else:
            lists[-1].append(token)
    return [tinycss2.serialize(tokens).strip() for tokens in lists]


def _outside(selector: str) -> str:
    """Return a selector without what stands in brackets, such as that of `:not()`."""
    while (shorter := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", selector)) != selector:
        selector = shorter
    return selector


def _css(rules: list, named: set[str]):
    """Yield the text of rules without the variables that nothing names."""
    for before, selectors, pairs in rules:
        kept = [pair for pair in pairs if not pair[0].startswith("--") or pair[0] in named]
        if not selectors:
            yield f"{before}{{{pairs[0][1]}}}\n"
        elif kept:
            rule = f"{selectors}{{{';'.join(f'{name}:{value}' for name, value in kept)}}}"
            yield f"{before}{{{rule}}}\n" if before else f"{rule}\n"
