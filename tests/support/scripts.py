"""Runs modules of the dashboard that draw nothing, with node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.http.routes.dashboard import PAGE_TITLES, STATE_SETS, STATIC_DIR

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

PRELUDE = """
globalThis.document = { documentElement: { dataset: { root: "" } }, body: { dataset: DATASET } };
let text = "";
for await (const part of process.stdin) text += part;
const given = JSON.parse(text);
"""

TEXT = """
const text = (node) => Array.isArray(node) ? node.map(text).join(" ") : node === null || node === undefined || typeof node === "boolean" ? ""
  : typeof node !== "object" ? String(node) : typeof node.type === "function" ? text(node.type(node.props)) : text(node.props.children);
const shown = (node) => text(node).replace(/\\s+/g, " ").trim();
"""  # noqa: E501
"""Defines `shown`, which gives the text of an element without its white space at the ends and between words."""


def run_script(directory: Path, body: str, given: Any) -> Any:
    """What the body of an asynchronous function of `given` returns. It imports modules of the static files with `await
    import("./NAME.js")`; `directory` is an empty one for a copy of them.
    """
    static = directory / "static"
    shutil.copytree(STATIC_DIR, static)
    (static / "package.json").write_text('{"type": "module"}')
    dataset = {f"{name}States": " ".join(states) for name, states in STATE_SETS.items()}
    dataset |= {f"{name}Titles": json.dumps(titles) for name, titles in PAGE_TITLES.items()}
    prelude = PRELUDE.replace("DATASET", json.dumps(dataset))
    result = f"JSON.stringify(await (async () => {{ {body} }})())"
    # It ends there, whatever timers the modules have set.
    (static / "run.js").write_text(f"{prelude}\nprocess.stdout.write({result}, () => process.exit(0));\n")
    completed = subprocess.run(
        ["node", str(static / "run.js")], input=json.dumps(given), capture_output=True, text=True, timeout=60
    )
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)
