"""Models of the catalogue by their names."""

from __future__ import annotations

from search_space.catalogue import CATALOGUE, Model


def catalogue_model(name: str) -> Model:
    """The model of the catalogue with this name."""
    (model,) = (model for model in CATALOGUE if model.name == name)
    return model
