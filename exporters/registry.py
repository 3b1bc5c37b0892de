"""The export formats by name. Importing this module imports the code of no format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from exporters.export import Export

ARCHIVE = ".zip"
"""The suffix of an export of several files."""

Place = Literal["here", "worker"]
"""Where an export is made: in the process that is asked, in milliseconds, or in a process of its own."""


@dataclass(frozen=True)
class Exporter:
    """One format. `exporters.NAME` has its function `write`, which fills an empty directory.

    Dashes of a name are underscores in that of its module. `purpose` says in one sentence what the format is for. With
    the suffix `.zip` an export is an archive of the directory, else it is the one file in it, which has that suffix.
    `without_dataset` says what is missing where there is no data set. A drawing (`is_drawing`) shows a trial as the
    search counts it, beside its baseline; the other formats are of the detector for the classes of the data.
    """

    name: str
    purpose: str
    suffix: str = ARCHIVE
    media_type: str = "application/zip"
    place: Place = "worker"
    without_dataset: str = ""
    is_drawing: bool = False

    def write(self, export: Export, directory: Path) -> None:
        """Writes the files of this format. Raises InvalidValueError, with a reason, for what it cannot express."""
        write: Callable[[Export, Path], None] = import_module(f"exporters.{self.name.replace('-', '_')}").write
        write(export, directory)

    def content(self, export: Export, stem: str | None = None) -> bytes:
        """The export as one file, whose name without the suffix is `stem`, by default `Export.file_stem`."""
        with TemporaryDirectory() as temporary:
            self.write(export, Path(temporary))
            return self.packed(Path(temporary), stem or export.file_stem)

    def packed(self, directory: Path, stem: str) -> bytes:
        """What `write` has written, as one file: the only one, or a ZIP archive of one folder.

        The folder is called as the file is, without the suffix, so that archives of several formats unpack side by
        side. The bytes depend on `stem` and the content alone.
        """
        if self.suffix == ARCHIVE:
            return archive(directory, stem)
        (only,) = directory.iterdir()
        return only.read_bytes()


EXPORTERS: dict[str, Exporter] = {}


def register(exporter: Exporter) -> None:
    """Adds a format. Raises ValueError where its name is taken."""
    if exporter.name in EXPORTERS:
        raise ValueError(f"there is already an exporter named {exporter.name!r}")
    EXPORTERS[exporter.name] = exporter


def archive(directory: Path, name: str) -> bytes:
    """The files below a directory as a ZIP archive of one folder called `name`."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{name}/{path.relative_to(directory).as_posix()}", _EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    return content.getvalue()


_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP archive can hold."""

for _exporter in (
    Exporter(
        "spec", "The architecture as a document that other code builds it from.", ".json", "application/json", "here"
    ),
    Exporter(
        "svg", "A drawing of the architecture beside the baseline.", ".svg", "image/svg+xml", "here", is_drawing=True
    ),
    Exporter("pdf", "That drawing for papers and slides.", ".pdf", "application/pdf", "here", is_drawing=True),
    Exporter("detector", "Configuration and weights in safetensors, which effspine reads again."),
    Exporter(
        "pytorch",
        "A folder with the detector in PyTorch alone: it trains, detects, and can be uploaded to a model hub.",
    ),
    Exporter(
        "onnx",
        "Graphs with their weights for onnxruntime, OpenVINO and other runtimes, and a script that finds objects.",
    ),
    Exporter(
        "litert",
        "Files for LiteRT on phones and small computers: float32, float16, int8.",
        without_dataset="there is no int8 file, which takes the ranges of its values from images of a data set",
    ),
    Exporter("keras", "A model for Keras 3, without other code, to run and to train further."),
    Exporter(
        "model-garden", "A package that trains the backbone in the TensorFlow Model Garden, tf-models-official 2.20."
    ),
    Exporter("savedmodel", "The whole detector for TensorFlow and TensorFlow Serving."),
):
    register(_exporter)
