"""Exports an architecture to files that other training code reads."""

from exporters.exported_architecture import ExportedArchitecture
from exporters.provenance import provenance_of
from exporters.registry import EXPORTERS, Exporter

__all__ = ["EXPORTERS", "ExportedArchitecture", "Exporter", "provenance_of"]
