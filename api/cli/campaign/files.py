"""Files of the campaign commands: specifications to read and exported architectures to write."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.campaign.options import AsJson, CampaignId, open_client
from api.cli.output import print_json, print_text
from search_space.errors import EffspineError, InvalidValueError


def export(
    campaign_id: CampaignId,
    out: Annotated[Path, typer.Option("--out", help="Directory of the file; it is created if it does not exist.")],
    format: Annotated[str, typer.Option("--format", help="Format of the file.")] = "json",
    trial: Annotated[int | None, typer.Option(help="Number of the trial; default: the best one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write an architecture of a campaign to a file."""
    with open_client() as client:
        name, content = client.export(campaign_id, format, trial)
    path = write_file(out, name, content)
    if as_json:
        print_json({"path": str(path), "bytes": len(content)})
        return
    print_text(str(path))


def read_specification(file: str) -> dict[str, Any]:
    """The document in a file. Raises InvalidValueError, naming the file, unless it is one mapping."""
    import json

    import yaml

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        document = yaml.safe_load(text)  # JSON is YAML too
        # YAML has dates, which are converted to text, and numbers that JSON does not have.
        document = json.loads(json.dumps(document, default=str, allow_nan=False))
    except OSError as error:
        raise InvalidValueError(f"{file}: {error.strerror}", field="file") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        raise InvalidValueError(f"{file} is neither YAML nor JSON{where}: {error.problem}", field="file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{file} is neither YAML nor JSON: {error}", field="file") from error
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{file} contains values that JSON does not have: {error}", field="file") from error
    if not isinstance(document, dict):
        raise InvalidValueError(f"{file} must contain one mapping such as `name: digits`", field="file")
    return document


def write_file(directory: Path, name: str, content: bytes) -> Path:
    """Writes a file atomically and returns its path. Raises EffspineError if it cannot be written."""
    path = directory / name
    temporary = directory / f".{name}.unfinished"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise EffspineError(f"cannot write {path}: {error.strerror}") from error
    return path
