"""The folder of the format `litert`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from exporters.export import Export
from exporters.keras.folder import ANCHORS_FILE, SCRIPT_FILE, write_anchors, write_surroundings
from exporters.keras.frozen_network import check_size
from exporters.litert.conversion import Converter
from exporters.litert.representative import RepresentativeImages

FILES = {name: f"model_{name}.tflite" for name in ("float32", "float16", "int8")}


def write(export: Export, directory: Path) -> None:
    """Writes the model in three precisions, its anchors, the configuration, a script that runs it, and a README.

    Without a data set there is no int8 file, and the README says why. Raises InvalidValueError where the weights are
    too large for one file, and DataError where the data set cannot be read.
    """
    check_size(export.architecture)
    with TemporaryDirectory() as saved:
        converter = Converter(export.model, Path(saved))
        contents = {"float32": converter.float32(), "float16": converter.float16()}
        if export.dataset is not None:
            contents["int8"] = converter.int8(RepresentativeImages(export.dataset, export.architecture.input_px))
    for name, content in contents.items():
        (directory / FILES[name]).write_bytes(content)
    write_anchors(export, directory)
    write_surroundings(
        export,
        directory,
        FILES["float32"],
        library="litert",
        usage=_usage(export, {name: len(content) for name, content in contents.items()}),
        dropped=_dropped(has_int8=export.dataset is not None),
        tags=["litert", "tflite"],
    )


def _usage(export: Export, sizes: dict[str, int]) -> dict[str, str]:
    px, slots = export.architecture.input_px, export.architecture.class_slots
    rows = {
        "float32": "float32",
        "float16": "float32; the weights have 16 bits",
        "int8": "uint8; weights and arithmetic have 8 bits",
    }
    table = "\n".join(f"| `{FILES[name]}` | {sizes[name]:,} | {rows[name]} |" for name in sizes)
    return {
        "Use": f"""    pip install ai-edge-litert numpy pillow
    python {SCRIPT_FILE} IMAGE... --out drawn --score 0.3

prints the boxes as JSON and draws them; `--model` names another of the files.

| file | bytes | input |
| --- | --- | --- |
{table}""",
        "Interface": f"""The signature `serving_default` takes `pixels` `[1, {px}, {px}, 3]`: one RGB image, 0 to 255,
resized to a long side of {px} and padded at the bottom and on the right with the mean colour (see Preprocessing); the
model normalises it. It returns float32 maps of the levels 3 to 7:

- `class3` to `class7` `[1, rows, columns, {9 * slots}]`: the logits of nine anchors, by anchor, then class;
- `box3` to `box7` `[1, rows, columns, 36]`: dy, dx, log dh, log dw of nine anchors.

`{ANCHORS_FILE}` has all anchors (y1, x1, y2, x2) by level, row, column, scale, aspect ratio. `{SCRIPT_FILE}` decodes
the codes and suppresses duplicates, outside of the model. All operations are LiteRT's own.""",
    }


def _dropped(*, has_int8: bool) -> list[str]:
    return [
        "The files are for inference, and for one image at a time.",
        "Suppression of duplicates is in the script, not in the files.",
        "The int8 file rounds weights and values to 8 bits: measure its AP on your data before you rely on it."
        if has_int8
        else "There is no int8 file, because the data set, whose training images give the ranges of its values, was "
        "not there: export it where the data set is.",
    ]
