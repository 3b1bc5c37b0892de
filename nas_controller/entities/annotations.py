"""What people write on a campaign: notes, tags, and that it is archived. It is no part of the search."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

MAX_NOTES_LENGTH = 10_000
MAX_TAGS = 10
MAX_TAG_LENGTH = 32
_TAG = re.compile(r"\w[\w.:/+-]*")


def normalised_tag(tag: str) -> str:
    """The tag in lower case, without spaces around it. Raises ValueError unless it is one word."""
    word = unicodedata.normalize("NFC", tag.strip()).lower()
    if not _TAG.fullmatch(word):
        raise ValueError(f"{tag[:80]!r} is no tag; one is a word of letters, digits and `. : / + - _`, without spaces")
    if len(word) > MAX_TAG_LENGTH:
        raise ValueError(f"{tag[:80]!r} has {len(word)} characters; a tag has at most {MAX_TAG_LENGTH}")
    return word


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Each tag once, in the order of its first use. Raises ValueError for too many."""
    distinct = tuple(dict.fromkeys(tags))
    if len(distinct) > MAX_TAGS:
        raise ValueError(f"there are {len(distinct)} tags; a campaign has at most {MAX_TAGS}")
    return distinct


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError(f"character {text.index(chr(0)) + 1} is NUL, which no database stores")
    return text


class Annotations(BaseModel):
    """Changes of the annotations of a campaign; those that are not given stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    notes: Annotated[str, AfterValidator(_without_nul)] = Field(
        default="", max_length=MAX_NOTES_LENGTH, description="Any text."
    )
    tags: Annotated[tuple[Annotated[str, AfterValidator(normalised_tag)], ...], AfterValidator(_distinct)] = Field(
        default=(), description="Words to find it by. They are written in lower case, each once."
    )
    archived: StrictBool = Field(default=False, description="Whether lists leave it out.")
