"""What a report consists of: sections of paragraphs, facts, tables, figures, lists and code, whatever draws them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class Paragraph:
    """A text of one or more sentences."""

    text: str
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True)
class Facts:
    """Names with their values."""

    rows: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Table:
    """Rows of cells under titles; columns named in `left` have words, the others numbers."""

    caption: str
    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: tuple[str, ...] = ()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Figure:
    """A drawing with its caption; `number` counts from 1."""

    number: int
    caption: str
    svg: str
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    text: str
    kind: ClassVar[str] = "code"


Part = Paragraph | Facts | Table | Figure | Bullets | Code


@dataclass(frozen=True)
class Section:
    """Parts under a title."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Report:
    """The report of a campaign at the time `written_at`.

    `result` is its result in one sentence. `specification` is the campaign's as YAML, which a file beside the report
    has too.
    """

    campaign_id: str
    title: str
    about: str
    result: str
    sections: tuple[Section, ...]
    specification: str
    written_at: datetime
    made_by: str
