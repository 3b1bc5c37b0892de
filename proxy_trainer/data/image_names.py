"""Finds the image files that an annotation file lists, under the names that annotation tools give them."""

from __future__ import annotations

import errno
import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.file_errors import file_error
from proxy_trainer.data.findings import Finding, brief, findings_of
from proxy_trainer.data.image_header import IMAGE_SUFFIXES
from proxy_trainer.data.name_forms import name_forms, safe_name

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)

_TEXTS = {
    "name-last-part": "with directories that are not there; the file of the longest part that is there is taken",
    "name-from-url": "that is a URL; the file of the longest part of it that is there is taken",
    "name-unquoted": "that is percent-encoded; the file has the decoded name",
    "name-with-spaces": "with spaces around it; the file has none",
    "name-normalised": "in another Unicode normal form than the file's",
    "name-case": "that differs from the file's in upper and lower case",
    "name-without-suffix": "without a suffix; the only image with that stem is taken",
    "name-ambiguous": "that could mean several files, or a file that has another name, taken as missing",
}


@dataclass(frozen=True, eq=False)
class ImageNames:
    """For each listed name the path of its file below the images directory, and whether it was found, bool [n].

    The path of an image that was not found cannot leave the directory.
    """

    paths: tuple[str, ...]
    found: NDArray[np.bool_]
    findings: list[Finding]


@dataclass(frozen=True)
class _Match:
    """A file that a listed name means. `key` is what the name says, by which two names for one file are told apart."""

    path: str
    key: str
    kinds: frozenset[str]


def find_images(images_dir: Path, listed: Sequence[str], source: str) -> ImageNames:
    """The files of the listed names; `source` is the annotation file's name, for the findings. Opens no file.

    A name that is a path of a file is that file. Otherwise the directory is searched, with the fewest leading
    directories dropped from the name: as it stands, percent-decoded, in another Unicode normal form, in another case,
    and without its suffix. A file that two different names could mean, or a name that could mean two files, is not
    found. Raises DataAwayError or DataError where the directory cannot be listed.
    """
    listing = _Listing(images_dir)
    unusual = [index for index, name in enumerate(listed) if not listing.has(name)]
    paths, found = list(listed), np.ones(len(listed), np.bool_)
    if not unusual:
        return ImageNames(tuple(paths), found, [])
    found[unusual] = False
    search = _Search(images_dir, listing)
    outcomes = {name: search.match(name) for name in dict.fromkeys(listed[index] for index in unusual)}
    matches = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, _Match)}
    unclear = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, list)}
    keys = defaultdict(set)
    for index, name in enumerate(listed):
        if found[index]:
            keys[name].add(name)
        elif name in matches:
            keys[matches[name].path].add(matches[name].key)
    by_kind = defaultdict(list)
    for index in unusual:
        name = listed[index]
        match = matches.get(name)
        if match is None or (match.kinds and len(keys[match.path]) > 1):
            paths[index] = safe_name(name)
            candidates = unclear.get(name) or ([] if match is None else [f"{match.path}, as another name"])
            if candidates:
                by_kind["name-ambiguous"].append(f"{brief(name)}: {' or '.join(map(brief, candidates[:2]))}")
            continue
        paths[index], found[index] = match.path, True
        for kind in match.kinds:
            by_kind[kind].append(f"{brief(name)} is {brief(match.path)}")
    findings = [
        finding
        for kind, text in _TEXTS.items()
        for finding in findings_of(kind, by_kind[kind], source, "image name", text)
    ]
    return ImageNames(tuple(paths), found, findings)


class _Listing:
    """The files of a directory, listed once a subdirectory; only names that are in it as they stand."""

    def __init__(self, images_dir: Path) -> None:
        self._images_dir = images_dir
        self._names: dict[str, frozenset[str]] = {}
        self._of("")

    def has(self, path: str) -> bool:
        """Whether this relative path, without `.` or `..`, is a file."""
        parent, _, name = path.rpartition("/")
        if parent and (path[0] == "/" or any(part in ("", ".", "..") for part in parent.split("/"))):
            return False
        return name in self._of(parent)

    def _of(self, parent: str) -> frozenset[str]:
        if parent not in self._names:
            self._names[parent] = self._listed(parent)
        return self._names[parent]

    def _listed(self, parent: str) -> frozenset[str]:
        try:
            with os.scandir(self._images_dir / parent) as entries:
                return frozenset(entry.name for entry in entries if not entry.is_dir(follow_symlinks=False))
        except ValueError:  # a NUL or a lone surrogate, which no file has in its name
            return frozenset()
        except OSError as error:
            if parent and error.errno in _NOT_THERE:
                return frozenset()
            raise file_error("the directory", self._images_dir / parent, error) from None


class _Search:
    """Finds files by names that are not theirs to the letter."""

    def __init__(self, images_dir: Path, listing: _Listing) -> None:
        self._images_dir, self._listing = images_dir, listing
        self._own = tuple(_folded(part) for part in images_dir.absolute().parts)

    def match(self, listed: str) -> _Match | list[str] | None:
        """The file that a listed name means, the files among which it does not decide, or None."""
        forms = list(name_forms(listed))
        for dropped in range(max((len(form.parts) for form in forms), default=0)):
            for parts, kinds in forms:
                rest = "/".join(parts[dropped:])
                if not rest:
                    continue
                if dropped and not self._are_own(parts[:dropped]) and "name-from-url" not in kinds:
                    kinds |= {"name-last-part"}
                found = self._file(rest)
                if isinstance(found, list):
                    return found
                if found is not None:
                    path, how = found
                    return _Match(path, "/".join(parts) if kinds | how else path, kinds | how)
        return None

    def _are_own(self, dropped: tuple[str, ...]) -> bool:
        """Whether dropped directories are the end of the images directory's own path."""
        return self._own[-len(dropped) :] == tuple(map(_folded, dropped))

    def _file(self, path: str) -> tuple[str, frozenset[str]] | list[str] | None:
        if self._listing.has(path):
            return path, frozenset()
        for index, key, kind in (
            (self._normalised, _normalised(path), "name-normalised"),
            (self._by_folded, _folded(path), "name-case"),
            (self._by_stem, _folded(path), "name-without-suffix"),
        ):
            candidates = index.get(key, [])
            if len(candidates) > 1:
                return candidates
            if candidates:
                return candidates[0], frozenset({kind})
        return None

    @cached_property
    def _files(self) -> list[str]:
        """All files below the directory, but those whose names, or whose directories' names, begin with a dot."""
        found = []
        for parent, directories, names in os.walk(self._images_dir):
            directories[:] = sorted(name for name in directories if name[0] != ".")
            below = Path(parent).relative_to(self._images_dir)
            found += [(below / name).as_posix() for name in sorted(names) if name[0] != "."]
        return found

    @cached_property
    def _normalised(self) -> dict[str, list[str]]:
        return _index(self._files, [_normalised(path) for path in self._files])

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        return _index(self._files, [_folded(path) for path in self._files])

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        images = [path for path in self._files if os.path.splitext(path)[1].lower() in IMAGE_SUFFIXES]
        return _index(images, [os.path.splitext(_folded(path))[0] for path in images])


def _index(files: list[str], keys: list[str]) -> dict[str, list[str]]:
    index = defaultdict(list)
    for path, key in zip(files, keys, strict=True):
        index[key].append(path)
    return index


def _normalised(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
