"""An IN clause over many numbers."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ARRAY, ColumnElement, Connection, Integer, any_, literal
from sqlalchemy.orm import InstrumentedAttribute


def in_numbers(
    connection: Connection, column: InstrumentedAttribute[int], numbers: Collection[int]
) -> ColumnElement[bool]:
    """Whether the column's number is one of these.

    PostgreSQL gets one array: its driver takes as long over a thousand parameters as over reading the rows.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(numbers), ARRAY(Integer)))
    return column.in_(numbers)
