"""Files and functions are short enough to read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FILE_LINES = 300
FUNCTION_LINES = 60
REASON = "Long because"
"""The docstring of a longer function contains this and the reason."""

DIRECTORIES = ("api", "deploy", "exporters", "nas_controller", "proxy_trainer", "search_space", "tests", "tools")


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_files_and_functions_are_short_or_state_why_not(directory: str) -> None:
    paths = sorted((ROOT / directory).rglob("*.py"))
    assert paths
    too_long = [problem for path in paths for problem in _too_long(path)]
    assert too_long == []


def _too_long(path: Path) -> Iterator[str]:
    source, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
    if (lines := source.count("\n")) > FILE_LINES:
        yield f"{name} has {lines} lines; {FILE_LINES} is the limit"
    for function in _functions(ast.parse(source)):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES and REASON not in (ast.get_docstring(function) or ""):
            yield f"{name}: {function.name} has {lines} lines; {FUNCTION_LINES} is the limit"
