"""The container of every checkpoint: named arrays and the identity of the training, under a checksum.

The first line of a file is `effspine-checkpoint 2 SHA256`, the digest of all bytes after that line. The rest is a NumPy
archive (`np.load`, no pickle) of the arrays, and `identity`, a JSON text of everything that they depend on.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = b"effspine-checkpoint"

_FORMAT_VERSION = 2
"""To be raised when the file format changes, or what a training step does with the same state."""


class UnusableError(Exception):
    """A checkpoint file cannot be used; the message says why."""


class OtherIdentityError(UnusableError):
    """A checkpoint file is whole, and of another trial or training."""


def archive_content(arrays: Mapping[str, Any], identity: Mapping[str, Any]) -> bytes:
    """The content of a checkpoint file."""
    archive = io.BytesIO()
    np.savez(archive, **{"identity": json.dumps(identity, sort_keys=True), **arrays})
    body = archive.getvalue()
    return _first_line(body) + body


def read_archive(content: bytes, identity: Mapping[str, Any], *, of: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file's content, `identity` among them.

    Raises UnusableError where the content is damaged, and OtherIdentityError where the identity is not the wanted one,
    which is that `of` a trial or a training, for the message.
    """
    line, _, body = content.partition(b"\n")
    words = line.split(b" ")
    if words[0] != MAGIC:
        raise UnusableError("it is not a checkpoint")
    if words[1:2] != [b"%d" % _FORMAT_VERSION]:
        raise UnusableError("its format has another version")
    if line + b"\n" != _first_line(body):
        raise UnusableError("its content does not match its checksum, so it is truncated or modified")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as archive:
            arrays = dict(archive)
        found = json.loads(str(arrays["identity"]))
    except Exception as error:  # NumPy raises many types for a damaged archive
        raise UnusableError(f"it cannot be read ({type(error).__name__}: {error})") from error
    _check_identity(found, identity, of)
    return arrays


def _first_line(body: bytes) -> bytes:
    return b"%s %d %s\n" % (MAGIC, _FORMAT_VERSION, hashlib.sha256(body).hexdigest().encode())


def _check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], of: str) -> None:
    ours, theirs = _flat(json.loads(json.dumps(wanted))), _flat(found)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            raise OtherIdentityError(f"its {name} is {theirs.get(name)!r}, and that of this {of} {ours.get(name)!r}")


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaf fields of a document by dotted path."""
    fields: dict[str, Any] = {}
    for name, value in document.items():
        fields |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return fields
