"""Parses COCO annotation files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proxy_trainer.data.coco_annotations import BoxColumns
from proxy_trainer.data.file_errors import file_error
from proxy_trainer.data.findings import brief
from proxy_trainer.errors import DataAwayError, DataError, EmptySplitError

_SECTIONS = ("images", "annotations", "categories")
_WANTED = "COCO detection annotations are one JSON object with the lists images, annotations and categories"


def read_annotation_file(annotations: Path) -> bytes:
    """The content. Raises DataError where it cannot be read, DataAwayError where it is missing."""
    try:
        if annotations.exists() and not annotations.is_file():
            raise DataError(f"the annotation file {annotations} is not a regular file")
        return annotations.read_bytes()
    except FileNotFoundError:
        raise DataAwayError(f"there is no annotation file {annotations}") from None
    except OSError as error:
        raise file_error("the annotation file", annotations, error) from None


def parse_document(annotations: Path, content: bytes, columns: BoxColumns) -> dict[str, list[Any]]:
    """The three sections of an annotation file, with rows of `columns` instead of annotations.

    Raises DataError (one line: the file, the section, the expected value), EmptySplitError where it lists no image.
    """
    document = _parsed(annotations, content, columns)
    _check_sections(annotations, document)
    if any(type(entry) is tuple for section in ("images", "categories") for entry in document[section]):
        # An entry has the fields of an annotation too, and the hook has replaced it.
        plain = json.loads(content)
        document = {**document, "images": plain["images"], "categories": plain["categories"]}
    return {section: document[section] for section in _SECTIONS}


def _parsed(annotations: Path, content: bytes, columns: BoxColumns) -> Any:
    if not content.strip():
        raise DataError(f"{annotations} is not a JSON file: it is empty")
    try:
        return json.loads(content, object_hook=columns)
    except UnicodeDecodeError as error:
        found = content[error.start : error.start + 1]
        raise DataError(
            f"{annotations} is not a JSON file: byte {error.start} ({found!r}) is not UTF-8, which JSON must be; "
            f"it is perhaps cp1252 (Windows): convert it with `iconv -f cp1252 -t utf-8`"
        ) from None
    except RecursionError:
        raise DataError(f"{annotations} is not a JSON file: its lists or objects are nested too deeply") from None
    except ValueError as error:
        lines = str(error).startswith("Extra data") and content.lstrip()[:1] == b"{"
        hint = f" (JSON lines, one object a line, are another format); {_WANTED}" if lines else ""
        raise DataError(f"{annotations} is not a JSON file: {error}{hint}") from None


def _check_sections(annotations: Path, document: Any) -> None:
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a single value"
        raise DataError(f"{annotations} holds {kind} at its top level; {_WANTED}")
    for section in _SECTIONS:
        if section not in document:
            raise DataError(f"{annotations} has no '{section}'; {_WANTED}")
        if not isinstance(document[section], list):
            raise DataError(f"{annotations}: '{section}' is not a list; {_WANTED}")
    if not document["images"]:
        raise EmptySplitError(f"{annotations}: 'images' is empty")
    if not document["categories"]:
        raise DataError(f"{annotations}: 'categories' is empty; each object class needs an id and a name there")


def checked_object(annotations: Path, where: str, found: Any) -> dict[str, Any]:
    """The entry of a section. Raises DataError where it is no object."""
    if not isinstance(found, dict):
        raise DataError(f"{annotations}: {where} is not an object, but {brief(found)}")
    return found
