"""The folder of the format `model-garden`: the template's package, experiment files, weights and README.

It is made without TensorFlow. The modules are equal for every architecture; the experiment files configure them.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml

from exporters.export import Export
from exporters.model_card import README_FILE, model_card
from exporters.model_garden.experiments import experiments
from exporters.model_garden.usage import DROPPED, EXPECTED, usage
from search_space.detector_model import save_detector

PACKAGE = "eff_spinenet"
EXPERIMENTS = "experiments"
TEMPLATE = files("exporters.model_garden") / "template"


def write(export: Export, directory: Path) -> None:
    """Writes the files."""
    (directory / PACKAGE).mkdir()
    for source in (TEMPLATE / PACKAGE).iterdir():
        if source.name.endswith(".py"):
            _write(directory / PACKAGE / source.name, source.read_text(encoding="utf-8"))
    _write(directory / "requirements.txt", (TEMPLATE / "requirements.txt").read_text(encoding="utf-8"))
    (directory / EXPERIMENTS).mkdir()
    for name, document in experiments(export.specification).items():
        content = yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
        _write(directory / EXPERIMENTS / f"{name}.yaml", f"{_header(name)}{content}")
    save_detector(export.model, directory)
    card = model_card(
        export,
        library="tf-keras",
        title_commands=usage(export.specification),
        dropped=DROPPED,
        tags=["tensorflow", "model-garden"],
    )
    _write(directory / README_FILE, card)


class _Dumper(yaml.SafeDumper):
    """Writes equal lists out, each time."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _header(name: str) -> str:
    return (
        f"# python -m {PACKAGE}.train --experiment={PACKAGE}_{name} --config_file={EXPERIMENTS}/{name}.yaml \\\n"
        f"#     --mode=train_and_eval --model_dir=run\n# {EXPECTED[name]}\n"
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
