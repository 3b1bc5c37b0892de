"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

SYNONYMS = {
    "backbone": "base",
    "base_architecture": "base",
    "batch": "batch_size",
    "budget": "budget_madds",
    "data": "dataset",
    "data_set": "dataset",
    "epoch": "steps",
    "epochs": "steps",
    "evaluate_epochs": "evaluate_steps",
    "flops": "budget_madds",
    "iterations": "steps",
    "image_size": "image_px",
    "input_px": "image_px",
    "input_size": "image_px",
    "lr": "learning_rate",
    "macs": "budget_madds",
    "max_trials": "trials",
    "multipliers": "choices",
    "n_trials": "trials",
    "num_trials": "trials",
    "patience": "no_improvement_trials",
    "resolution": "image_px",
    "samples": "trials",
    "timeout": "trial_timeout_seconds",
    "warmup": "warmup_steps",
    "warmup_epochs": "warmup_steps",
    "workers": "parallelism",
}
"""Names that other tools have for fields of ours. A field of that name comes before its synonym."""
_TRUTH = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}
SIMILAR = 0.6
"""How similar two names must be, from 0 to 1, so that one may be meant by the other."""


def nearest(name: str, known: Iterable[str], *, cutoff: float = SIMILAR) -> str | None:
    """The known name that is most probably meant, one with `name` as a word among them; None if none is near."""
    names = list(known)
    plain = _plain(name)
    for candidate in (plain, SYNONYMS.get(plain), f"{plain}s", plain.removesuffix("s")):
        if candidate in names:
            return candidate
    found = get_close_matches(plain, names, n=1, cutoff=cutoff)
    if not found and cutoff <= SIMILAR:
        found = [candidate for candidate in names if plain in candidate.split("_")]
    return found[0] if len(found) == 1 else None


def truth_hint(value: object) -> str:
    """What to write instead of the texts that YAML once read as true or false; empty for any other value."""
    meant = _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None
    return f"; YAML reads {value} as a text: write {meant}" if meant else ""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The end of a sentence about a name that does not exist; empty where none is near."""
    guess = nearest(name, known) if isinstance(name, str) else None
    return f"; did you mean '{guess}'?" if guess else ""


def unknown_field(name: str, known: Sequence[str], of: str) -> str:
    """The sentence about a field that `of`, such as "a recipe", does not have: with the nearest one, or all."""
    guess = nearest(name, known)
    if guess is not None:
        return f"unknown field '{name}'; did you mean '{guess}'?"
    return f"unknown field '{name}'; the fields of {of} are {', '.join(known)}"


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")
