"""Finds, in a notebook's code, a result that the text states and no claim checks.

The convention, for ``import report as r``:

- a truth value that a sentence or caption words (``{ok:yes|no}``) is what ``claims.check``
  returned, or an outcome (``first_lower``, ``second_lower``, ``same``, ``undecided``) of a
  comparison; nothing is compared or computed inside a sentence;
- a figure's ``takeaway`` has a field with such a value or a comparison; a figure without a
  takeaway is only described, by ``data``;
- words are chosen by ``{ok:yes|no}`` alone, not by ``if``; templates are literal strings.
"""

import ast
import re
import string

SENTENCES = {"tell", "told", "show", "check", "fill", "say", "table", "close"}
OUTCOMES = {"first_lower", "second_lower", "same", "undecided"}
PERSIAN = re.compile("[\u0600-\u06ff]")
COMPUTED = (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.UnaryOp, ast.JoinedStr)


def faults(sources):
    """A message for everything in the code cells that breaks the convention."""
    trees = [ast.parse(source) for source in sources]
    notebook = ast.Module([statement for tree in trees for statement in tree.body], [])
    known = Known(notebook)
    found, claims = [], []
    for node in ast.walk(notebook):
        found += worded_by_hand(node, known)
        if isinstance(node, ast.Call) and called(node) in SENTENCES:
            found += sentence_faults(node, known)
        if isinstance(node, ast.Call) and called(node) == "check":
            claims.append(literal(node.args[0]) if node.args else None)
    found += [f"two claims say {text!r}" for text in set(claims) if claims.count(text) > 1]
    return found


class Known:
    """The names that hold truth values of claims, and those that hold comparisons."""

    def __init__(self, notebook):
        values = {}
        for node in ast.walk(notebook):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._note(values, target, node.value)
            elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For):
                self._note(values, node.target, None)
        self.claims = {n for n, vs in values.items() if all(made_by(v, {"check"}) for v in vs)}
        self.comparisons = {
            n for n, vs in values.items() if all(made_by(v, {"compare", "against"}) for v in vs)
        }

    def _note(self, values, target, value):
        several = isinstance(target, ast.Tuple | ast.List)
        each = value.elts if several and isinstance(value, ast.Tuple | ast.List) else None
        for i, name in enumerate(target.elts if several else [target]):
            if isinstance(name, ast.Name):
                own = each[i] if each and len(each) > i else None if several else value
                values.setdefault(name.id, []).append(own)

    def is_comparison(self, node):
        node = node.value if isinstance(node, ast.Subscript) else node
        return isinstance(node, ast.Name) and node.id in self.comparisons

    def is_checked(self, node):
        """Whether an expression is the truth value of a claim or the outcome of a comparison."""
        if isinstance(node, ast.Attribute):
            return node.attr in OUTCOMES and self.is_comparison(node.value)
        node = node.value if isinstance(node, ast.Subscript) else node
        return isinstance(node, ast.Name) and node.id in self.claims


def called(node):
    """The name of the function or method that a call calls."""
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def made_by(value, methods):
    """Whether a value is a call of one of ``methods``, or a collection of nothing else."""
    if isinstance(value, ast.DictComp):
        return made_by(value.value, methods)
    if isinstance(value, ast.ListComp):
        return made_by(value.elt, methods)
    if isinstance(value, ast.Dict):
        return bool(value.values) and all(made_by(v, methods) for v in value.values)
    return isinstance(value, ast.Call) and called(value) in methods


def literal(node):
    """The text of a literal string, else None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def fields(template):
    """[(name, format)] of a template, those within a format included."""
    found = []
    for _, name, spec, _ in string.Formatter().parse(template):
        if name is not None:
            found += [(name, spec), *fields(spec)]
    return found


def sentence_faults(call, known):
    """The faults of one call of ``tell``, ``told``, ``show``, ``check``, ``fill`` …"""
    kind, where = called(call), f"line {call.lineno}: {called(call)}"
    keywords = {k.arg: k.value for k in call.keywords if k.arg}
    if kind in ("say", "table", "close"):
        computed = [
            n for a in call.args for n in ast.walk(a) if isinstance(n, ast.Compare | ast.IfExp)
        ]
        return [f"{where} asks a condition of its own"] if computed else []
    if kind == "fill":
        told = [a for a in call.args if isinstance(a, ast.Call) and called(a) == "told"]
        return [] if len(told) == len(call.args) else [f"{where} takes told(…) sentences only"]
    if kind == "show":
        templates = [keywords.pop(k) for k in ("takeaway", "data") if k in keywords]
        keywords.pop("alt", None)
        if len(call.args) > 2 or "caption" in keywords:
            return [f"{where} has a caption in one piece; give takeaway= and data="]
    else:
        templates = call.args[2:] if kind == "check" else call.args
    texts = [literal(t) for t in templates if not is_none(t)]
    if None in texts or (kind == "check" and literal(call.args[0]) is None):
        return [f"{where} has a template that is no literal string"]
    asked = [field for text in texts for field in fields(text)]
    found = []
    for name, spec in asked:
        if "|" in spec and not known.is_checked(keywords.get(name, call)):
            found.append(f"{where}: {{{name}}} is no claim's truth value and no outcome")
    for name, value in keywords.items():
        if any(isinstance(n, COMPUTED) and not is_number(n) for n in ast.walk(value)):
            found.append(f"{where}: {name} is computed inside the sentence")
    if kind in ("tell", "told") and not asked:
        found.append(f"{where} has no field: a result that nothing checks, or a Markdown cell")
    if kind == "show" and "takeaway" in {k.arg for k in call.keywords}:
        takeaway = next(k.value for k in call.keywords if k.arg == "takeaway")
        names = {name for name, _ in fields(literal(takeaway) or "")}
        bound = [keywords[name] for name in names if name in keywords]
        if not is_none(takeaway) and not any(
            known.is_checked(v) or known.is_comparison(v) for v in bound
        ):
            found.append(f"{where}: the takeaway states what no claim checks")
    return found


def is_number(node):
    """Whether an expression is a literal like −1."""
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def is_none(node):
    return isinstance(node, ast.Constant) and node.value is None


def worded_by_hand(node, known):
    """Persian words that something else than ``{ok:yes|no}`` chooses."""
    where = f"line {getattr(node, 'lineno', 0)}"
    branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else []
    if any(map(persian, branches)) and not any(map(is_none, branches)):  # None: a label left out
        return [f"{where}: words chosen by if … else; use {{ok:yes|no}}"]
    if isinstance(node, ast.BoolOp) and any(persian(v) for v in node.values):
        return [f"{where}: words chosen by and/or; use {{ok:yes|no}}"]
    index = ast.walk(node.slice) if isinstance(node, ast.Subscript) else ()
    if any(isinstance(n, ast.Compare | ast.BoolOp) for n in index) and persian(node.value):
        return [f"{where}: words chosen by a condition as an index; use {{ok:yes|no}}"]
    if isinstance(node, ast.If) and not known.is_checked(node.test):
        told = [n for s in node.body + node.orelse for n in ast.walk(s) if isinstance(n, ast.Call)]
        if any(called(n) in ("tell", "told", "say") for n in told):
            return [f"{where}: a sentence under a condition that no claim checks"]
    return []


def persian(node):
    """Whether an expression has Persian words in it."""
    return any(PERSIAN.search(literal(n) or "") for n in ast.walk(node))


def only_tells(source):
    """Whether a cell does nothing but tell, caption and check, so that its code is folded."""
    body = ast.parse(source).body
    return bool(body) and all(
        isinstance(s, ast.Expr | ast.Assign)
        and isinstance(s.value, ast.Call)
        and called(s.value) in SENTENCES
        for s in body
    )


def own_seeds(source):
    """Seeds and generators that a cell makes itself instead of taking the report's."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if called(node) in ("default_rng", "SeedSequence", "RandomState", "seed"):
            found.append(f"line {node.lineno}: {called(node)}")
        given = [k.value for k in node.keywords if k.arg in ("seed", "seeds")]
        given += node.args[:1] if called(node) == "network" else []
        given += node.args[3:4] if called(node) == "MLP" else []
        given += node.args[2:3] if called(node) == "sweep" else []
        for value in given:
            parts = value.elts if isinstance(value, ast.List | ast.Tuple) else [value]
            fixed = all(isinstance(part, ast.Constant) for part in parts)
            if fixed or (isinstance(value, ast.Call) and called(value) == "range"):
                found.append(f"line {node.lineno}: {ast.unparse(value)}")
        if called(node) == "sweep" and len(node.args) + len(node.keywords) < 3:
            found.append(f"line {node.lineno}: sweep with its own seeds")
    return found
