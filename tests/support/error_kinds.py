"""The kinds of errors that the source code can give an outcome or a campaign."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.paths import ROOT

PACKAGES = ("nas_controller", "proxy_trainer", "search_space")
KIND_ARGUMENTS = {
    "Failed": 2, "failed_as": 3, "CampaignWaitsError": 1, "end": 2, "end_campaign": 6, "finish_campaign": 4,
}  # fmt: skip
"""The position of the kind among the arguments of what takes one, where it is not the keyword `kind`."""

Constants = dict[str, ast.expr]


def raised_error_kinds() -> set[str]:
    """The kinds of the classes of errors, and those that are given to `Failed` and to the end of a campaign."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    shared: Constants = {}
    for tree in trees:
        shared |= _assigned(tree.body)
    return {kind for tree in trees for kind in _of_tree(tree, shared)}


def _assigned(statements: list[ast.stmt]) -> Constants:
    """The values by the names that the statements assign them to."""
    found: Constants = {}
    for statement in statements:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
            found[statement.target.id] = statement.value
        elif isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
            if isinstance(target, ast.Name):
                found[target.id] = value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                found |= {name.id: each for name, each in zip(target.elts, value.elts, strict=True)
                          if isinstance(name, ast.Name)}  # fmt: skip
    return found


def _of_tree(tree: ast.Module, shared: Constants) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and (node.name.endswith("Error") or node.name == "Failed"):
            yield from _texts(_assigned(node.body).get("kind"), shared)
        elif isinstance(node, ast.FunctionDef):
            nodes = list(ast.walk(node))
            arguments = [_kind_argument(each) for each in nodes if isinstance(each, ast.Call)]
            if any(arguments):
                known = shared | _assigned([each for each in nodes if isinstance(each, ast.stmt)])
                yield from (text for argument in arguments for text in _texts(argument, known))


def _kind_argument(call: ast.Call) -> ast.expr | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in KIND_ARGUMENTS:
        return None
    named = [keyword.value for keyword in call.keywords if keyword.arg == "kind"]
    return next(iter([*named, *call.args[KIND_ARGUMENTS[name] :]]), None)


def _texts(value: ast.expr | None, known: Constants) -> Iterator[str]:
    """The texts that an expression can have; none for what is taken from another error."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body, known)
        yield from _texts(value.orelse, known)
    elif isinstance(value, ast.Name) and value.id in known:
        yield from _texts(known[value.id], {name: each for name, each in known.items() if name != value.id})
