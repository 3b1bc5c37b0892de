"""The layouts in which annotation tools leave COCO data sets: names of annotation files and images directories."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from proxy_trainer.data.file_errors import file_error
from proxy_trainer.data.findings import brief
from proxy_trainer.data.image_header import IMAGE_SUFFIXES
from proxy_trainer.errors import DataAwayError, DataError
from search_space.display import displayed

TRAIN, VAL = "train", "val"

LAYOUT = (
    "expected annotations/instances_train*.json and annotations/instances_val*.json beside the directories "
    "of their images, or one annotations.json beside images/"
)

_SPLIT_DIRECTORIES = {TRAIN: ("train", "training"), VAL: ("val", "valid", "validation")}

_SPLIT_WORDS = {TRAIN: "train(ing)?", VAL: "val(id(ation)?)?"}

# Folder and file name, lower case, in the order of preference; {} is the split.
_SPLIT_FILES = (
    ("annotations", r"instances_{}.*\.json"),
    ("", r"instances_{}.*\.json"),
    ("annotations", r"{}.*\.json"),
    ("{}", r"_annotations\.coco\.json"),
    ("", r"{}.*\.json"),
    ("{}", r"(labels|annotations|instances.*)\.json"),
    ("labels", r"{}.*\.json"),
    ("annotations", r".*[^a-z]{}([^a-z].*)?\.json"),
    ("", r".*[^a-z]{}([^a-z].*)?\.json"),
)
_SINGLE_FILES = (
    ("", r"annotations\.json"),
    ("", r"_annotations\.coco\.json"),
    ("annotations", r"instances.*\.json"),
    ("annotations", r"annotations\.json"),
    ("", r"instances.*\.json"),
    ("annotations", r".*\.json"),
    ("", r"(labels|result)\.json"),
    ("", r".*\.json"),
)
_TEST_FILE = re.compile(r"(.*[^a-z])?test([^a-z].*)?\.json")
_ARCHIVES = {".zip": "unzip {} -d {}", ".tar": "tar -xf {} -C {}", ".7z": "7z x {} -o{}", ".rar": "unrar x {} {}"}
_TAR = re.compile(r"\.(tar(\.(gz|bz2|xz|zst))?|tgz|tbz2?|txz)$", re.IGNORECASE)


def entries(directory: Path) -> list[Path]:
    """What is in a directory, sorted, without names that belong to a file system or an operating system.

    Raises DataAwayError for a directory that is missing or does not answer, and DataError where it cannot be read.
    """
    try:
        found = sorted(directory.iterdir())
    except FileNotFoundError:
        raise DataAwayError(f"there is no data set directory {directory}") from None
    except NotADirectoryError:
        hint = _unpacked(directory, directory.parent / _without_suffix(directory))
        raise DataError(f"{directory} is a file, not a directory{hint}") from None
    except OSError as error:
        raise file_error("the directory", directory, error) from None
    except ValueError as error:  # a NUL or a lone surrogate, which no file has in its name
        raise DataError(f"{displayed(brief(str(directory)))} cannot be the name of a directory: {error}") from None
    return [path for path in found if path.name[0] != "." and path.name not in ("__MACOSX", "lost+found")]


def split_annotations(directory: Path, split: str) -> list[Path]:
    """The annotation files of a split, under the first naming convention that matches any."""
    for folder, pattern in _SPLIT_FILES:
        folders = _folders(directory, _SPLIT_DIRECTORIES[split] if folder == "{}" else (folder,))
        found = _matching(folders, pattern.format(_SPLIT_WORDS[split]))
        if found:
            return found
    return []


def single_annotations(directory: Path) -> list[Path]:
    """The annotation files of a data set that is not split; those of a test split only where there are no others."""
    for folder, pattern in _SINGLE_FILES:
        found = _matching(_folders(directory, (folder,)), pattern)
        if found:
            return [path for path in found if not _TEST_FILE.fullmatch(path.name.lower())] or found
    return []


def _folders(directory: Path, names: tuple[str, ...]) -> list[Path]:
    """The subdirectories of these names in any case of letters; "" is the directory itself."""
    if names == ("",):
        return [directory]
    return [path for path in entries(directory) if path.name.casefold() in names and path.is_dir()]


def _matching(folders: list[Path], pattern: str) -> list[Path]:
    return [
        path
        for folder in folders
        for path in entries(folder)
        if re.fullmatch(pattern, path.name.casefold()) and path.is_file()
    ]


def images_directory(directory: Path, annotations: Path, split: str | None) -> Path | None:
    """The first usual images directory of an annotation file that exists, or None."""
    for images_dir in _usual_image_dirs(directory, annotations, split):
        if images_dir != directory or _has_images(directory):
            return images_dir
    below = [path for path in entries(directory) if path.is_dir() and path != annotations.parent]
    return directory if any(_has_images(path) for path in below) else None


def _usual_image_dirs(directory: Path, annotations: Path, split: str | None) -> Iterator[Path]:
    name = annotations.stem.casefold().removeprefix("instances_")
    own = annotations.parent
    if own != directory and own.name.casefold() not in ("annotations", "labels"):
        yield from _folders(own, ("data", "images"))
        yield own
    if name.startswith("lvis"):  # its splits mix the images of COCO's, so their names have the directory
        yield from _folders(directory, ("images",))
        return
    inside = [directory, *_folders(directory, ("images", "data"))]
    for names in ((name,), (name.rstrip("0123456789"),), _SPLIT_DIRECTORIES.get(split or "", ())):
        for parent in inside:
            yield from _folders(parent, names) if names != ("",) else ()
    if split is not None:
        for parent in inside:
            numbered = [path for path in entries(parent) if re.fullmatch(split + r"\d+", path.name.casefold())]
            if len(numbered) == 1 and numbered[0].is_dir():
                yield numbered[0]
    yield from _folders(directory, ("images",))
    yield from _folders(directory, ("data",))
    yield directory


def _has_images(directory: Path) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES and path.is_file() for path in entries(directory))


def inner_hint(directory: Path) -> str:
    """Names a subdirectory that is a data set itself, to complete a message; empty where there is none."""
    for inner in (path for path in entries(directory) if path.is_dir()):
        if split_annotations(inner, TRAIN) or single_annotations(inner):
            return f"; {inner} has one: is that the data set?"
    return ""


def archive_hint(directory: Path) -> str:
    """How to unpack an archive that is in the directory, to complete a message; empty where there is none."""
    archives = [path for path in entries(directory) if _is_archive(path)]
    return _unpacked(archives[0], directory) if archives else ""


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() in _ARCHIVES or _TAR.search(path.name) is not None


def _unpacked(archive: Path, into: Path) -> str:
    if not _is_archive(archive):
        return ""
    command = _ARCHIVES[".tar" if _TAR.search(archive.name) else archive.suffix.lower()]
    return f"; unpack the archive: {command.format(shlex.quote(str(archive)), shlex.quote(str(into)))}"


def _without_suffix(archive: Path) -> str:
    return _TAR.sub("", archive.name) if _TAR.search(archive.name) else archive.stem
