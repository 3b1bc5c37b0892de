"""Files of the campaign commands: specifications to read and exports to write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from search_space.atomic_file import write_atomically
from search_space.errors import EffspineError, InvalidValueError

MAX_BYTES = 2**20
"""Of a specification: as many as a request to the service may have."""


def read_specification(file: str) -> dict[str, Any]:
    """The document in a file, `-` for standard input. Raises InvalidValueError, naming the file, unless it is one
    mapping.
    """
    from api.cli.campaign.yaml_documents import DocumentError, parse_document

    try:
        document = parse_document(_read(file).decode("utf-8-sig"))
    except OSError as error:
        raise InvalidValueError(f"{file}: {error.strerror}", field="file") from error
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is {error.object[error.start]:#04x}"
        raise InvalidValueError(f"{file} is not UTF-8: {found}; save it as UTF-8", field="file") from error
    except DocumentError as error:
        raise InvalidValueError(f"{file} is neither YAML nor JSON: {error}", field="file") from error
    if not isinstance(document, dict):
        raise InvalidValueError(f"{file} must contain one mapping such as `name: digits`", field="file")
    return document


def base_document(text: str) -> dict[str, Any]:
    """The architecture that `text` names, as `search_space.base` of a campaign: a block specification without weights.
    Raises InvalidValueError.
    """
    from search_space.document import BlockSpecification, block_specification
    from search_space.named_architecture import named_architecture

    found = named_architecture(text)
    return block_specification(BlockSpecification(found.architecture, found.provenance))


def _read(file: str) -> bytes:
    if file == "-":
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
    elif "\0" in file:
        raise InvalidValueError(f"{file!r} is no name of a file: it has a NUL character", field="file")
    else:
        with open(file, "rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InvalidValueError(f"{file} is larger than {MAX_BYTES:,} bytes, the most of a campaign", field="file")
    return content


def write_file(directory: Path, name: str, content: bytes) -> Path:
    """Writes a file atomically and returns its path. Raises EffspineError if it cannot be written."""
    path = directory / name
    try:
        write_atomically(path, content)
    except OSError as error:
        raise EffspineError(f"cannot write {path}: {error.strerror}") from error
    return path
