"""The fields of a request's document by their dotted paths, from its JSON Schema, and which one was probably meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from nas_controller.entities.annotations import Annotations
from nas_controller.search.campaign_spec import CampaignSpec
from search_space.suggestions import SYNONYMS, nearest

_FUZZY_ELSEWHERE = 0.8
"""How similar a name elsewhere in the document must be."""


@lru_cache(maxsize=32)
def field_paths(model: type[BaseModel]) -> tuple[str, ...]:
    """The paths of all fields of a document, in its order: `trials`, `proxy_task`, `proxy_task.steps`."""
    schema = model.model_json_schema()
    return tuple(_paths(schema, schema, ""))


def _paths(schema: dict[str, Any], whole: dict[str, Any], outer: str) -> Iterator[str]:
    for each in _objects(schema, whole):
        for name, inner in each.get("properties", {}).items():
            yield f"{outer}{name}"
            yield from _paths(inner, whole, f"{outer}{name}.")


def _objects(schema: dict[str, Any], whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and those that it refers to, or is one of."""
    if "$ref" in schema:
        yield from _objects(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    yield schema
    for member in (*schema.get("anyOf", ()), *schema.get("allOf", ()), *schema.get("oneOf", ())):
        yield from _objects(member, whole)


def unknown_field(model: type[BaseModel] | None, path: Sequence[str]) -> str | None:
    """The sentence about a field that the document does not have, with the one that was probably meant.

    None where the document is not known or has no field in that group, and where it has the field, but not with others
    that are given, such as `steps` with a recipe.
    """
    paths = () if model is None else field_paths(model)
    name, group = path[-1], "".join(f"{part}." for part in path[:-1])
    known = [each.removeprefix(group) for each in paths if each.startswith(group) and "." not in each[len(group) :]]
    if not known or name in known:
        return None
    if model is CampaignSpec and not group and name in Annotations.model_fields:
        return f"unknown field '{name}'; `effspine campaign edit` sets it, and PATCH, once the campaign is there"
    where = f" in {group.removesuffix('.')}" if group else ""
    return f"unknown field '{name}'{where}; {_advice(name, known, _by_name(paths))}"


def _by_name(paths: Sequence[str]) -> dict[str, str]:
    """The first path that ends in each name, of those that are not deep in the document."""
    found: dict[str, str] = {}
    for path in paths:
        if path.count(".") <= 1:
            found.setdefault(path.rpartition(".")[2], path)
    return found


def _advice(name: str, known: Sequence[str], elsewhere: dict[str, str]) -> str:
    """What to write: the field of this group with nearly that name or a usual one, the one of another group with the
    very name or, before it, with the usual one, or else the most similar one.
    """
    if (same := nearest(name, known, cutoff=1.0)) is not None:
        return f"did you mean '{same}'?"
    path, usual = elsewhere.get(name), elsewhere.get(SYNONYMS.get(name, ""))
    if path is not None and usual is not None:
        return f"did you mean '{usual}' or '{path}'?"
    if path is not None:
        group = path.rpartition(".")[0]
        return f"it belongs in {group}: '{path}'" if group else "it belongs at the top of the document"
    if (similar := nearest(name, known)) is not None:
        return f"did you mean '{similar}'?"
    if (other := nearest(name, elsewhere, cutoff=_FUZZY_ELSEWHERE)) is not None:
        return f"did you mean '{elsewhere[other]}'?"
    return f"the fields are {', '.join(known)}"
