"""Exports an architecture to files that other training code reads."""

from exporters.export import Export
from exporters.provenance import provenance_of
from exporters.registry import EXPORTERS, Exporter

__all__ = ["EXPORTERS", "Export", "Exporter", "provenance_of"]
