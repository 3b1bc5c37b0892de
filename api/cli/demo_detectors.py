"""What the demo leaves of its best detector: exported folders, a picture, and the commands that find objects in it.

The commands need neither effspine nor its service. `DATA_DIR/demo/latest` is the directory of the latest demo.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from api.cli.campaign.exports import wait_for_export
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.client import Client

PACKAGES = {"pytorch": "torch safetensors pillow numpy", "onnx": "onnxruntime pillow numpy"}
"""Formats that the demo exports the best detector in, and the packages that each needs."""
PICTURE = "picture.jpg"
LATEST = "latest"


def write_detectors(client: Client, campaign_id: str, dataset_dir: Path, directory: Path) -> None:
    """Exports the best detector of a campaign to `directory`, a folder for each format, with a picture of the data set.

    Raises EffspineError where an export fails or nothing can be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for format in PACKAGES:
        _write_folder(client, campaign_id, format, directory)
    pictures = sorted((dataset_dir / "val").glob("*.jpg"))
    try:
        shutil.copyfile(pictures[0], directory / PICTURE)
    except (IndexError, OSError) as error:
        raise EffspineError(f"there is no picture for {directory} in {dataset_dir / 'val'}: {error}") from error


def _write_folder(client: Client, campaign_id: str, format: str, directory: Path) -> None:
    folder = directory / format
    made = wait_for_export(client, client.request_export(campaign_id, format))
    with TemporaryDirectory(dir=directory) as temporary:
        shutil.unpack_archive(client.download_export(made, Path(temporary)), temporary, "zip")
        (unpacked,) = (path for path in Path(temporary).iterdir() if path.is_dir())
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(unpacked, folder)


def link_latest(directory: Path) -> Path:
    """Makes `latest` beside the directory of a demo a link to it, and returns it. Raises EffspineError."""
    latest = directory.parent / LATEST
    temporary = directory.parent / f".{LATEST}"
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(directory.name)
        temporary.replace(latest)
    except OSError as error:
        raise EffspineError(f"cannot write {latest}: {error.strerror}") from error
    return latest


def commands(directory: Path) -> list[str]:
    """For each format the command that finds objects in the picture of `directory`, in an environment of its own."""
    picture = shlex.quote(str(directory / PICTURE))
    return [
        f"python3 -m venv venv-{format} && venv-{format}/bin/pip install {packages} && \\\n"
        f"    venv-{format}/bin/python {shlex.quote(str(directory / format / 'predict.py'))} \\\n"
        f"    {picture} --out drawn-{format}"
        for format, packages in PACKAGES.items()
    ]
