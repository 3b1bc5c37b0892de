"""Reads YAML 1.2 with its core schema (section 10.3 of the specification), and JSON, which is a part of it.

PyYAML reads YAML 1.1, in which `1e-3` is a text, `no` is false, `010` is 8 and `12:30` is 750. Here `1e-3` is a number,
`010` is 10, and `no` and `12:30` are texts. Keys are the texts that were written, each once.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

MAX_NODES = 100_000
"""Of a document, with every alias replaced by what it stands for."""
MAX_DIGITS = 1_000
"""Of a whole number."""


class DocumentError(ValueError):
    """A text that is no document. The message says what is wrong, and where it is known, at which line and column."""


def parse_document(text: str) -> Any:
    """The value of a YAML or JSON text as plain JSON values. Raises DocumentError."""
    try:
        value = _parse_json_or_yaml(text)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise DocumentError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise DocumentError(f"{half} is half of a surrogate pair and no character") from error
    except yaml.MarkedYAMLError as error:
        raise DocumentError(f"{_position(error.problem_mark)}{error.problem}") from error
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split())) from error
    return value


def _parse_json_or_yaml(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_mapping, parse_int=_whole, parse_float=_finite, parse_constant=_no_constant
        )
    except json.JSONDecodeError:
        return _parse_yaml(text)  # whose parser says where a text is neither


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if name in document:
            raise DocumentError(f"`{name}` is given twice")
        document[name] = value
    return document


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise DocumentError(f"a number has {len(text):,} digits")
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise DocumentError(f"{text[:40]} is larger than any number that JSON has")
    return number


def _no_constant(name: str) -> Any:
    raise DocumentError(f"{name} is no number that JSON has")


class _CoreLoader(yaml.SafeLoader):
    """The parser with the types of the core schema alone."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own attribute)


_NULL, _BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_CONTAINERS_AND_TEXT = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str")
for _tag, _pattern in (
    (_NULL, r"^(?:~|null|Null|NULL|)$"),
    (_BOOL, r"^(?:true|True|TRUE|false|False|FALSE)$"),
    (_INT, r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    (_FLOAT, r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    (_FLOAT, r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
):
    _CoreLoader.add_implicit_resolver(_tag, re.compile(_pattern), None)


def _parse_yaml(text: str) -> Any:
    loader = _CoreLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _count_nodes(root, {})
        return _value(root)
    finally:
        loader.dispose()


def _count_nodes(node: yaml.Node, counts: dict[int, int | None]) -> int:
    """The nodes at and below this one. Raises DocumentError for too many, and for a node inside itself."""
    known = counts.get(id(node), 0)
    if known is None:
        raise DocumentError(f"{_position(node.start_mark)}an alias stands inside what it stands for")
    if known:
        return known
    counts[id(node)] = None
    total = 1
    for child in node.value if isinstance(node, yaml.CollectionNode) else ():
        total += sum(_count_nodes(each, counts) for each in (child if isinstance(child, tuple) else (child,)))
    if total > MAX_NODES:
        raise DocumentError(f"it has more than {MAX_NODES:,} values, aliases replaced")
    counts[id(node)] = total
    return total


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode) and node.tag == _CONTAINERS_AND_TEXT[0]:
        return _mapping_value(node)
    if isinstance(node, yaml.SequenceNode) and node.tag == _CONTAINERS_AND_TEXT[1]:
        return [_value(each) for each in node.value]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    raise DocumentError(f"{_position(node.start_mark)}the tag '{node.tag}' is no type of JSON")


def _mapping_value(node: yaml.MappingNode) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise DocumentError(f"{_position(key.start_mark)}a key must be a text")
        if key.value in document:
            raise DocumentError(f"{_position(key.start_mark)}`{key.value}` is given twice")
        document[key.value] = _value(value)
    return document


def _scalar(node: yaml.ScalarNode) -> Any:
    text, tag = node.value, node.tag
    if tag == _CONTAINERS_AND_TEXT[2]:
        return text
    if tag == _NULL:
        return None
    if tag == _BOOL and text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        if tag == _INT:
            return _whole(text)
        if tag == _FLOAT and "n" not in text.lower():
            return _finite(text)
    except DocumentError as error:
        raise DocumentError(f"{_position(node.start_mark)}{error}") from error
    except ValueError as error:
        raise DocumentError(f"{_position(node.start_mark)}'{text[:40]}' is no number") from error
    raise DocumentError(f"{_position(node.start_mark)}'{text[:40]}' is no value that JSON has")


def _position(mark: yaml.Mark | None) -> str:
    return "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
